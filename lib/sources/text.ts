/** Text: words separated by white space, a sequence a line. */

import type { Corpus, Hooks, ReadProgress } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import { inputSize } from '../formats/file.js'
import type { Metadata } from '../formats/model.js'
import { type OptionSpec, received, resolveOptions } from '../train/specs.js'
import { abandonable, BlockWriter } from './block-writer.js'
import { type Compression, compressionOf, readCompressed } from './compressed.js'
import { lowercaseKeys } from './lowercase.js'
import { isIterable, isLineReader, Pieces, Source } from './source.js'

/** A piece of text: UTF-8 or a string. It may end anywhere, even inside a word or a character. */
export type TextBlock = string | Uint8Array

/** How to read text. */
export interface TextOptions {
  /** Makes all words lower-case, by Unicode's rules. Default: false. */
  readonly lowercase?: boolean | undefined
  /**
   * What to do with a word that is not UTF-8, holds a NUL, or is longer than 16,384 bytes: `error`, or `skip` it and
   * count it in the report. Default: `error`.
   */
  readonly malformed?: 'error' | 'skip' | undefined
}

interface TextSettings {
  readonly lowercase: boolean
  readonly malformed: 'error' | 'skip'
}

const DEFAULTS: TextSettings = Object.freeze({ lowercase: false, malformed: 'error' })

const SPECS: readonly OptionSpec[] = [
  { name: 'lowercase', type: 'boolean', doc: 'make all words lower-case' },
  {
    name: 'malformed',
    type: 'choice',
    choices: ['error', 'skip'],
    doc: 'what to do with words that are not sound',
  },
]

/**
 * Text to train on. Words are separated by white space (space, tab, CR, VT, FF), and a line is a sequence: contexts do not
 * reach over its end. UTF-8, with or without a byte-order mark.
 *
 * `input` is the path of a file, or an array of paths, read in order; files compressed with gzip, or with
 * zstd where Node is 22.15 or newer, are recognised by their content. Or it is anything that brings the text itself in blocks: a stream, a generator, an array of bytes. Blocks are
 * joined as they are, so lines keep their line ends; of Node's `readline`, which takes them away, they are put back.
 *
 * Nothing is read before `train` does. Errors: ERR_ANYVEC_USAGE for an input that is none of these, ERR_ANYVEC_OPTION. In
 * `train`: ERR_ANYVEC_FILE, ERR_ANYVEC_ENCODING, ERR_ANYVEC_KEY_LENGTH, ERR_ANYVEC_FORMAT (damaged gzip or zstd), and whatever
 * the iterable throws.
 *
 * @example
 * const words = await train(text('wiki.txt.gz', { lowercase: true }))
 *
 * @example
 * const lines = ['the cat sat\n', 'the dog sat\n']
 * const words = await train(text(lines.values()), { minCount: 1 })
 */
export function text(
  input: string | readonly string[] | Iterable<TextBlock> | AsyncIterable<TextBlock>,
  options?: TextOptions,
): Source {
  const settings = resolveOptions<TextSettings>(SPECS, options, DEFAULTS)
  if (typeof input === 'string') return new TextFiles([input], settings)
  if (Array.isArray(input) && (input.length === 0 || input.some((item) => typeof item === 'string'))) {
    return new TextFiles(input, settings)
  }
  if (!isIterable(input) || ArrayBuffer.isView(input)) {
    const advice = ArrayBuffer.isView(input) ? '; put bytes into an array: text([bytes])' : ''
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      `Expected the path of a text file, an array of paths, or an iterable of blocks of text but received ${received(input)}${advice}`,
      { received: input },
    )
  }
  return new TextBlocks(input as Iterable<TextBlock> | AsyncIterable<TextBlock>, settings)
}

abstract class Text extends Source {
  readonly description: Metadata
  readonly malformed: 'error' | 'skip'
  readonly #lowercase: boolean

  constructor({ lowercase, malformed }: TextSettings) {
    super()
    this.description = { kind: 'text', lowercase, malformed }
    this.malformed = malformed
    this.#lowercase = lowercase
  }

  async read(corpus: Corpus, hooks: Hooks<ReadProgress>): Promise<void> {
    await this.fill(corpus, hooks)
    if (this.#lowercase) await lowercaseKeys(corpus, hooks.signal)
  }

  protected abstract fill(corpus: Corpus, hooks: Hooks<ReadProgress>): Promise<void>
}

class TextFiles extends Text {
  readonly #paths: readonly string[]

  constructor(paths: readonly string[], settings: TextSettings) {
    super(settings)
    if (paths.length === 0) {
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        'Expected the path of at least one text file but received an empty array',
      )
    }
    for (const path of paths) {
      if (typeof path === 'string' && path !== '') continue
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        `Expected the path of a text file but received ${received(path)}`,
        {
          received: path,
        },
      )
    }
    this.#paths = [...paths]
  }

  protected async fill(corpus: Corpus, { onProgress, signal }: Hooks<ReadProgress>): Promise<void> {
    // all of them are looked at first: the last name may be wrong, and the first file large
    const files: { path: string; size: number; compression: Compression | undefined }[] = []
    for (const path of this.#paths) {
      files.push({ path, size: await this.#size(path), compression: await compressionOf(path) })
    }
    const totalBytes = files.reduce((sum, { size }) => sum + size, 0)
    let before = 0
    for (const { path, size, compression } of files) {
      const base = before
      const hooks: Hooks<ReadProgress> = {
        signal,
        onProgress: onProgress && (({ bytes }) => onProgress({ bytes: base + bytes, totalBytes })),
      }
      if (compression === undefined) await corpus.addFile(path, hooks)
      else await readCompressed(corpus, path, compression, size, hooks)
      before += size
    }
  }

  async #size(path: string): Promise<number> {
    try {
      return await inputSize(path)
    } catch (error) {
      if (!(error instanceof AnyvecError) || !/\s/.test(path) || this.#paths.length === 1) throw error
      throw new AnyvecError(
        error.code,
        `${error.message}; an array of strings names files: for text itself, use text(lines.values())`,
        error.details,
        error,
      )
    }
  }
}

class TextBlocks extends Text {
  readonly #blocks: Pieces<TextBlock>
  /** A reader of lines brings them without their ends. */
  readonly #lines: boolean

  constructor(blocks: Iterable<TextBlock> | AsyncIterable<TextBlock>, settings: TextSettings) {
    super(settings)
    this.#blocks = new Pieces(blocks)
    this.#lines = isLineReader(blocks)
  }

  protected async fill(corpus: Corpus, hooks: Hooks<ReadProgress>): Promise<void> {
    const blocks = this.#blocks.take()
    const writer = new BlockWriter(corpus, 'the text', hooks)
    const work = async () => {
      let number = 0
      for await (const block of blocks) {
        if (typeof block === 'string') await writer.writeText(this.#lines ? `${block}\n` : block)
        else if (block instanceof Uint8Array) await writer.write(block)
        else throw notText(block, number)
        number++
      }
      await writer.end()
    }
    await abandonable(hooks.signal, writer, work, () => this.#blocks.abandon())
  }
}

function notText(block: unknown, number: number): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_USAGE',
    `Expected every block of text to be a string or a Uint8Array but block ${number} is ${received(block)}`,
    { block: number, received: block },
  )
}
