/** Writing a model in any of the formats. */

import { offsetAt, offsetWords } from '../embedding/key-bytes.js'
import type { Engine, KeyBytes } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import { SIGNAL } from '../train/options.js'
import { type OptionSpec, resolveOptions } from '../train/specs.js'
import { checkTarget, writeWhole } from './file.js'
import { FORMATS, type Format, formatOfName } from './format.js'
import { type Model, nonFinite } from './model.js'
import { readHooks } from './pieces.js'
import { writeSafetensors } from './safetensors.js'
import { writeWord2vecBinary } from './word2vec-binary.js'
import { writeWord2vecText } from './word2vec-text.js'

/** How to save. */
export interface SaveOptions {
  /** The format, whatever the file's name. Default: what the extension stands for. */
  readonly format?: Format | undefined
  /** Stops the work; the old file stays, and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

const SPECS: readonly OptionSpec[] = [
  {
    name: 'format',
    type: 'choice',
    choices: FORMATS,
    doc: 'the format; default: what the extension stands for',
  },
  SIGNAL,
]

/**
 * Checks that a model could be saved under a name, and answers where and in which format: to be asked before hours of
 * training, not after.
 *
 * Errors: ERR_ANYVEC_OPTION for an extension that stands for no format; ERR_ANYVEC_OUTPUT where the file cannot be written.
 */
export async function checkDestination(
  path: string,
  options?: SaveOptions,
): Promise<{ readonly path: string; readonly format: Format }> {
  const { format } = resolveOptions<SaveOptions>(SPECS, options, {})
  const target = await checkTarget(path)
  return { path: target.path, format: format ?? formatOfName(path) }
}

/** Writes a model whole or not at all. Errors: as `Embedding.save`. */
export async function saveModel(
  engine: Engine,
  model: Model,
  path: string,
  options?: SaveOptions,
): Promise<void> {
  const { signal } = resolveOptions<SaveOptions>(SPECS, options, {})
  signal?.throwIfAborted()
  const { format } = await checkDestination(path, options)
  const hooks = readHooks(signal)
  checkKeys(model.keys, format, path)
  const bad = await nonFinite(model, hooks)
  if (bad !== undefined) {
    throw new AnyvecError(
      'ERR_ANYVEC_VECTOR',
      `Row ${bad.row + 1} of the model's ${bad.name} holds ${bad.value}, so ${path} was not written: it could not be opened again`,
      bad,
    )
  }
  await writeWhole(path, async (output) => {
    switch (format) {
      case 'safetensors':
        return writeSafetensors(output, model, hooks)
      case 'word2vec-binary':
        return writeWord2vecBinary(output, model, hooks)
      case 'word2vec-text':
        return writeWord2vecText(engine, output, model, hooks)
    }
  })
}

/** word2vec's files end a key with a blank, and its text files a row with a line end. */
function checkKeys({ bytes, offsets }: KeyBytes, format: Format, path: string): void {
  if (format === 'safetensors') return
  const forbidden = format === 'word2vec-binary' ? [0x20, 0x0a] : [0x20, 0x09, 0x0a, 0x0d]
  const first = Math.min(...forbidden.map((byte) => bytes.indexOf(byte)).filter((at) => at >= 0))
  if (first === Infinity) return
  const words = offsetWords(offsets)
  let key = 0
  while (offsetAt(words, key + 1) <= first) key++
  const shown = Buffer.from(bytes.subarray(offsetAt(words, key), offsetAt(words, key + 1))).toString('utf8')
  throw new AnyvecError(
    'ERR_ANYVEC_OUTPUT',
    `Cannot write ${path}: the key ${JSON.stringify(shown)} holds white space, which ${format} cannot; save as .safetensors`,
    { path, key: shown },
  )
}
