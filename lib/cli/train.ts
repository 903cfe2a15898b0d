import { type Command, InvalidArgumentError, Option } from 'commander'
import { AnyvecError, type Embedding, text, type TrainingReport, train } from '../index.js'
import { DEFAULTS, type TrainOptions, TRAIN_SPECS } from '../train/options.js'
import { expectation, type OptionSpec } from '../train/specs.js'
import { checkDestination } from './destination.js'
import { UsageError } from './failure.js'
import { interruptible } from './interrupt.js'
import { print, printJson } from './output.js'
import { count, createProgressBar } from './progress.js'
import { jsonOption } from './query.js'

/** What stands for an option's value in the help. */
const PLACEHOLDERS = { integer: 'n', number: 'x', boolean: 'yes|no', choice: 'name', path: 'folder' } as const

interface TrainFlags extends TrainOptions {
  readonly output: string
  readonly as: 'text' | 'sequences'
  readonly lowercase?: true
  readonly json?: true
}

/** `anyvec train INPUT... --output FILE`: from files to a model file. */
export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train vectors on files and save them')
    .argument('<input...>', 'text files, also .gz; - reads stdin')
    .addOption(
      new Option('--output <file>', 'the model file: .safetensors, .bin (word2vec binary), .vec or .txt (word2vec text)')
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--as <kind>', 'what a line is: text, or a sequence of keys separated by spaces')
        .choices(['text', 'sequences'])
        .default('text'),
    )
    .option('--lowercase', 'make all keys lower-case')
  for (const spec of TRAIN_SPECS) {
    const flag = flagOf(spec)
    if (flag !== undefined) command.addOption(flag)
  }
  command.addOption(jsonOption('one JSON object about the run')).action(runTrain)
}

async function runTrain(inputs: readonly string[], flags: TrainFlags): Promise<void> {
  const { output, as, lowercase, json, ...options } = flags
  if (inputs.includes('-') && inputs.length > 1) throw new UsageError('- (text from stdin) stands alone')
  await checkDestination(output, inputs)
  const source = text(inputs[0] === '-' ? process.stdin : inputs, { lowercase: lowercase === true })
  const bar = createProgressBar(process.stderr)
  const embedding = await interruptible(async (signal) => {
    try {
      return await train(source, { ...options, signal, onProgress: bar.update })
    } finally {
      bar.done()
    }
  })
  const started = performance.now()
  await embedding.save(output)
  const saving = (performance.now() - started) / 1000
  if (json === true) await printJson({ output, ...summary(embedding, saving) })
  else await print(sentences(embedding, output, saving))
}

/** What `--json` prints; other programs read it, so names stay. */
function summary(embedding: Embedding, saving: number): object {
  const report = reportOf(embedding)
  return {
    tokens: report.corpus.tokens,
    trainedTokens: report.trainedTokens,
    vocabulary: embedding.size,
    dimensions: embedding.dimensions,
    epochs: report.options.epochs,
    threads: report.threads,
    isa: report.isa,
    engine: report.engine,
    loss: report.loss,
    seconds: { ...report.seconds, saving },
    wordsPerSecond: report.wordsPerSecond,
    pairs: report.pairs,
    corpus: report.corpus,
    dropped: report.dropped,
    options: report.options,
  }
}

function sentences(embedding: Embedding, output: string, saving: number): string {
  const { corpus, dropped, seconds, ...report } = reportOf(embedding)
  const lines = [
    `${embedding.size} keys from ${corpus.tokens} tokens in ${seconds.vocabulary.toFixed(2)} s; ` +
      `left out as too rare: ${dropped.rareKeys} keys, ${dropped.rareTokens} tokens`,
    `${report.options.epochs} epochs, ${embedding.dimensions} dimensions in ${seconds.training.toFixed(2)} s ` +
      `(${count(report.wordsPerSecond)} words/s; ${report.engine} engine, ${report.isa}, threads: ${report.threads}); ` +
      `loss ${report.loss.map((loss) => loss.toFixed(3)).join(', ')}`,
    `saved to ${output} in ${saving.toFixed(2)} s`,
  ]
  if (dropped.malformedTokens > 0) lines.splice(1, 0, `malformed and left out: ${dropped.malformedTokens} tokens`)
  return lines.map((line) => `${line}\n`).join('')
}

function reportOf(embedding: Embedding): TrainingReport {
  if (embedding.report === undefined) throw new AnyvecError('ERR_ANYVEC_INTERNAL', 'training made no report')
  return embedding.report
}

/** The flag of an option: `learningRate` is `--learning-rate`; undefined for what no command line can say. */
function flagOf(spec: OptionSpec): Option | undefined {
  if (spec.type === 'callback' || spec.type === 'signal') return undefined
  const name = spec.name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const option = new Option(`--${name} <${spec.unit ?? PLACEHOLDERS[spec.type]}>`, spec.doc)
  if (spec.choices !== undefined) option.choices(spec.choices)
  if (spec.type === 'integer' || spec.type === 'number') {
    // Only what is no number fails here; ranges are checked by `train`, their one owner.
    option.argParser((given: string) => {
      const value = given.trim() === '' ? Number.NaN : Number(given)
      if (Number.isNaN(value)) throw new InvalidArgumentError(`Expected ${expectation(spec)}.`)
      return value
    })
  }
  return option.default(DEFAULTS[spec.name as keyof typeof DEFAULTS])
}
