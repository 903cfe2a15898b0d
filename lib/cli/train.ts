import { type Command, Option } from 'commander'
import { AnyvecError, type Embedding, type TrainingReport, train } from '../index.js'
import { DEFAULTS, type TrainOptions, type TrainSettings, TRAIN_SPECS } from '../train/options.js'
import { checkOutput } from './destination.js'
import { UsageError } from './failure.js'
import { flagOf, isFlag } from './flag.js'
import { interruptible } from './interrupt.js'
import { print, printJson } from './output.js'
import { count, createProgressBar } from './progress.js'
import { jsonOption } from './query.js'
import { addSourceFlags, type SourceFlags, sourceOf } from './source.js'

/** Defaults that the machine decides are told in words. */
const SHOWN_DEFAULTS = { ...DEFAULTS, threads: 'all processors', spillFolder: "the system's" }

interface TrainFlags extends TrainOptions, SourceFlags {
  readonly output: string
  readonly json?: true
}

/** `anyvec train INPUT... --output FILE`: from files to a model file. */
export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train vectors on files and save them')
    .argument('<input...>', 'files, also .gz; - reads stdin')
    .addOption(
      new Option(
        '--output <file>',
        'the model file: .safetensors, .bin (word2vec binary), .vec or .txt (word2vec text)',
      ).makeOptionMandatory(),
    )
  addSourceFlags(command)
  for (const spec of TRAIN_SPECS.filter(isFlag)) {
    command.addOption(flagOf(spec, SHOWN_DEFAULTS[spec.name as keyof TrainSettings]))
  }
  command
    .addOption(jsonOption('one JSON object about the run'))
    .addHelpText(
      'after',
      `
The output is checked before anything is read, and is written whole or not at all.
Ctrl-C stops the run within a moment; an old output file stays as it was.`,
    )
    .action(runTrain)
}

async function runTrain(inputs: readonly string[], flags: TrainFlags): Promise<void> {
  if (inputs.includes('-') && inputs.length > 1) throw new UsageError('- (stdin) stands alone')
  const { source, rest } = sourceOf(inputs[0] === '-' ? process.stdin : inputs, flags)
  const { output, json, ...options } = rest
  await checkOutput(output, inputs)
  const { embedding, saving } = await interruptible(async (signal) => {
    const bar = createProgressBar(process.stderr)
    try {
      const embedding = await train(source, { ...options, signal, onProgress: bar.update })
      bar.done()
      const started = performance.now()
      await embedding.save(output, { signal })
      return { embedding, saving: (performance.now() - started) / 1000 }
    } finally {
      bar.done()
    }
  })
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
    source: report.source,
    dropped: report.dropped,
    options: report.options,
  }
}

function sentences(embedding: Embedding, output: string, saving: number): string {
  const { corpus, dropped, seconds, source, ...report } = reportOf(embedding)
  const lines = [
    `${embedding.size} keys from ${corpus.tokens} tokens in ${seconds.vocabulary.toFixed(2)} s; ` +
      `left out as too rare: ${dropped.rareKeys} keys, ${dropped.rareTokens} tokens`,
    `${report.options.epochs} epochs, ${embedding.dimensions} dimensions in ${seconds.training.toFixed(2)} s ` +
      `(${count(report.wordsPerSecond)} words/s; ${report.engine} engine, ${report.isa}, threads: ${report.threads}); ` +
      `loss ${report.loss.map((loss) => loss.toFixed(3)).join(', ')}`,
    `saved to ${output} in ${saving.toFixed(2)} s`,
  ]
  if (dropped.malformedTokens > 0)
    lines.splice(1, 0, `malformed and left out: ${dropped.malformedTokens} tokens`)
  const counts = Object.entries(source).filter(([, count]) => count !== 0 && count !== false)
  if (counts.length > 0) lines.unshift(`read: ${counts.map(counted).join(', ')}`)
  return lines.map((line) => `${line}\n`).join('')
}

/** `rowsWithoutItem: 3` as people say it. */
function counted([name, count]: readonly [string, number | string | boolean]): string {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return count === true ? words : typeof count === 'number' ? `${count} ${words}` : `${words} ${count}`
}

function reportOf(embedding: Embedding): TrainingReport {
  if (embedding.report === undefined) throw new AnyvecError('ERR_ANYVEC_INTERNAL', 'training made no report')
  return embedding.report
}
