import { type Command, Option } from 'commander'
import { formatOfName } from '../formats/format.js'
import { type Embedding, open } from '../index.js'
import { checkOutput } from './destination.js'
import { interruptible } from './interrupt.js'
import { print, printJson } from './output.js'
import { engineOption, jsonOption, type ModelFlags } from './query.js'

interface ConvertFlags extends ModelFlags {
  readonly malformed: 'error' | 'skip'
}

/** `anyvec convert IN OUT`: one format to another. */
export function addConvert(program: Command): void {
  program
    .command('convert')
    .description('write a model in another format, which follows the extension of OUT')
    .argument('<in>', 'a model file; its content tells its format')
    .argument('<out>', '.safetensors, .bin (word2vec binary), .vec or .txt (word2vec text)')
    .addOption(
      new Option(
        '--malformed <what>',
        'a row whose key is not UTF-8, empty or repeated: stop, or leave it out and count it',
      )
        .choices(['error', 'skip'])
        .default('error'),
    )
    .addOption(jsonOption('one JSON object: what was read, written and left out'))
    .addOption(engineOption())
    .addHelpText(
      'after',
      `
OUT is written whole or not at all. word2vec's formats hold keys and vectors alone: contexts, counts and
metadata of a safetensors file are left behind, which is said.`,
    )
    .action(convert)
}

async function convert(input: string, output: string, flags: ConvertFlags): Promise<void> {
  await checkOutput(output, [input])
  const { engine, malformed } = flags
  const embedding = await interruptible(async (signal) => {
    // all of it is written again, so all of it is checked: a damaged vector must not come out as a sound one
    const opened = await open(input, { engine, malformed, verify: true, signal })
    await opened.save(output, { signal })
    return opened
  })
  const { origin, size, dimensions } = embedding
  const { malformedKeys = 0, duplicateKeys = 0 } = origin?.skipped ?? {}
  const format = { in: origin?.format, out: formatOfName(output) }
  const lost = format.out === 'safetensors' ? [] : extras(embedding)
  if (flags.json === true) {
    await printJson({
      input,
      output,
      format,
      vocabulary: size,
      dimensions,
      skipped: { malformedKeys, duplicateKeys },
      lost,
    })
    return
  }
  const lines = [
    `${size} keys, ${dimensions} dimensions: ${input} (${format.in}) to ${output} (${format.out})`,
  ]
  if (malformedKeys + duplicateKeys > 0) {
    lines.push(`left out: ${malformedKeys} rows with a malformed key, ${duplicateKeys} with a repeated one`)
  }
  if (lost.length > 0) lines.push(`${format.out} does not hold, so left behind: ${lost.join(', ')}`)
  await print(lines.map((line) => `${line}\n`).join(''))
}

/** What a model has beyond keys and vectors. */
export function extras(embedding: Embedding): string[] {
  const first = embedding.keys.at(0)
  const parts: string[] = []
  if (embedding.contexts !== undefined) parts.push('contexts')
  if (first !== undefined && embedding.count(first) !== undefined) parts.push('counts')
  if (Object.keys(embedding.metadata).length > 0) parts.push('metadata')
  return parts
}
