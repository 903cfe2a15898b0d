/** Opening a model file, whatever its format. */

import { Embedding } from '../embedding/embedding.js'
import type { Keys } from '../embedding/keys.js'
import type { Engine, Hooks, MappedFile, ReadProgress } from '../engine/engine.js'
import { type EngineChoice, engine as loadEngine } from '../engine/load.js'
import { ENGINE, ON_PROGRESS, SIGNAL } from '../train/options.js'
import { type OptionSpec, resolveOptions } from '../train/specs.js'
import { type Detected, detect } from './detect.js'
import { inputSize } from './file.js'
import type { Model, Skipped } from './model.js'
import { readHooks, type ReadHooks } from './pieces.js'
import { readSafetensors } from './safetensors.js'
import { readWord2vecBinary } from './word2vec-binary.js'
import { readWord2vecText } from './word2vec-text.js'

/** How to open a model. */
export interface OpenOptions {
  /** `native`, `portable`, or `auto`: native, and portable with a warning where that cannot load. Default: `auto`. */
  readonly engine?: EngineChoice | undefined
  /**
   * Also compares the vectors of a safetensors file with their checksums, which reads all of it. Sizes, keys and the
   * other formats' values are always checked. Default: false.
   */
  readonly verify?: boolean | undefined
  /**
   * What to do with a row of a word2vec file whose key is not UTF-8, is empty, holds a NUL, or stands in an earlier row:
   * `error`, or `skip` it and count it in `origin.skipped`. Default: `error`.
   */
  readonly malformed?: 'error' | 'skip' | undefined
  /** Called now and then with the bytes read so far; a throw ends the work and rejects its promise. */
  readonly onProgress?: ((progress: ReadProgress) => void) | undefined
  /** Stops the work; its promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

interface OpenSettings extends Hooks<ReadProgress> {
  readonly engine: EngineChoice
  readonly verify: boolean
  readonly malformed: 'error' | 'skip'
}

const DEFAULTS: OpenSettings = Object.freeze({ engine: 'auto', verify: false, malformed: 'error' })

const SPECS: readonly OptionSpec[] = [
  ENGINE,
  { name: 'verify', type: 'boolean', doc: 'compare the vectors of a safetensors file with their checksums' },
  {
    name: 'malformed',
    type: 'choice',
    choices: ['error', 'skip'],
    doc: 'what to do with rows whose key is not sound',
  },
  ON_PROGRESS,
  SIGNAL,
]

/**
 * Opens a model: our own safetensors, or word2vec's binary or text format (the latter also without its first line, as
 * GloVe writes it). The file's content tells which, not its name.
 *
 * A safetensors file is mapped into memory: only its keys are read (half a second for a million), and processes that
 * open the same file share its memory. It must not be cut off or overwritten in place while it is open; `save` never does that.
 *
 * Errors: ERR_ANYVEC_FILE where it cannot be read; ERR_ANYVEC_FORMAT where it is damaged (the message and `details` say
 * where) or in no known format; ERR_ANYVEC_OPTION; ERR_ANYVEC_MEMORY.
 *
 * @example
 * const words = await open('wiki.safetensors')
 * words.size         // 68018
 * words.dimensions   // 100
 *
 * @example
 * const theirs = await open('vectors.bin', { malformed: 'skip' })
 * theirs.origin      // { path: 'vectors.bin', format: 'word2vec-binary', bytes: ..., skipped: { malformedKeys: 0, ... } }
 */
export async function open(path: string, options?: OpenOptions): Promise<Embedding> {
  const settings = resolveOptions<OpenSettings>(SPECS, options, DEFAULTS)
  settings.signal?.throwIfAborted()
  // before the engine is: a wrong path should say so, whatever the machine
  await inputSize(path)
  const engine = loadEngine(settings.engine)
  const file = await engine.mapFile(path)
  const detected = detect(file)
  const { model, keys, skipped } = await read(engine, file, detected, settings)
  const { index: stored } = model
  const index =
    stored?.file &&
    (await engine.openIndex(model.vectors, stored.file, stored.byteOffset as number, stored.bytes.length))
  const origin = { path, format: detected.format, bytes: file.bytes.length, skipped }
  return new Embedding(engine, model, { keys, origin, index })
}

const NOTHING_SKIPPED: Skipped = Object.freeze({ malformedKeys: 0, duplicateKeys: 0 })

async function read(
  engine: Engine,
  file: MappedFile,
  detected: Detected,
  { verify, malformed, onProgress, signal }: OpenSettings,
): Promise<{ readonly model: Model; readonly keys: Keys; readonly skipped: Skipped }> {
  const totalBytes = file.bytes.length
  const pausing = readHooks(signal)
  const hooks: ReadHooks = { ...pausing, advance: (bytes) => onProgress?.({ bytes, totalBytes }) }
  if (detected.format === 'safetensors') {
    return { ...(await readSafetensors(engine, file, verify, hooks)), skipped: NOTHING_SKIPPED }
  }
  const { keys, vectors, skipped } =
    detected.format === 'word2vec-binary'
      ? await readWord2vecBinary(engine, file, detected.promised, detected.offset, malformed, hooks)
      : await readWord2vecText(engine, file, detected, malformed, { onProgress, signal }, pausing.pause)
  return { model: { keys: keys.source, vectors, metadata: {} }, keys, skipped }
}
