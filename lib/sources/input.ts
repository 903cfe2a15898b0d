/** Where text comes from, whatever is in it: files, several files, compressed ones, streams, blocks. */

import { createReadStream } from 'node:fs'
import type { Hooks, ReadProgress } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import { cannotRead, inputSize, isSystemError, systemReason } from '../formats/file.js'
import { received } from '../train/specs.js'
import { abandonable, BlockWriter } from './block-writer.js'
import { type Compression, compressionOf, readCompressed } from './compressed.js'
import { isIterable, isLineReader, Pieces } from './source.js'

/** A piece of text: UTF-8 or a string. It may end anywhere, even inside a word or a character. */
export type TextBlock = string | Uint8Array

/** Where a text may come from: a path, several paths, or anything that brings blocks. */
export type TextInput = string | readonly string[] | Iterable<TextBlock> | AsyncIterable<TextBlock>

/** What takes text: a corpus, a graph, a reader of rows. */
export interface TextSink {
  addFile(path: string, hooks?: Hooks<ReadProgress>): Promise<void>
  addBlock(block: Uint8Array, source: string): Promise<void>
  endStream(): Promise<void>
}

/** Takes the items of an iterable that are no text; ends with the iterable. */
export interface ItemSink {
  add(item: unknown, number: number): Promise<void> | void
  /** Work that is due now and then; throws the reason of an abort. */
  breathe(): Promise<void>
  end(): Promise<void>
  stop(): void
}

/** Bytes read at a time where JavaScript reads. */
const CHUNK = 2 ** 20

/** A sink in JavaScript, which reads files by itself. */
export abstract class BlockSink implements TextSink {
  abstract addBlock(block: Uint8Array, source: string): Promise<void>
  abstract endStream(): Promise<void>

  async addFile(path: string, { onProgress, signal }: Hooks<ReadProgress> = {}): Promise<void> {
    const totalBytes = await inputSize(path)
    let bytes = 0
    const file = createReadStream(path, { highWaterMark: CHUNK })
    try {
      for await (const chunk of file) {
        signal?.throwIfAborted()
        await this.addBlock(chunk as Uint8Array, path)
        bytes += (chunk as Uint8Array).length
        onProgress?.({ bytes, totalBytes })
      }
    } catch (error) {
      throw isSystemError(error) ? cannotRead(path, systemReason(error), error) : error
    }
    await this.endStream()
  }
}

/** Data of a source: files, or what an iterable brings. */
export class Input {
  readonly #paths: readonly string[] | undefined
  readonly #pieces: Pieces<unknown> | undefined
  /** A reader of lines brings them without their ends. */
  readonly #lines: boolean

  /**
   * `what` names the data in messages: `text`; `pieces` what an iterable may bring.
   * Errors: ERR_ANYVEC_USAGE for what is neither a path, nor paths, nor an iterable.
   */
  constructor(input: unknown, what: string, pieces: string) {
    this.#lines = false
    if (typeof input === 'string') {
      this.#paths = checkedPaths([input], what)
    } else if (
      Array.isArray(input) &&
      (input.length === 0 || input.some((item) => typeof item === 'string'))
    ) {
      this.#paths = checkedPaths(input, what)
    } else if (isIterable(input) && !ArrayBuffer.isView(input)) {
      this.#pieces = new Pieces(input)
      this.#lines = isLineReader(input)
    } else {
      const advice = ArrayBuffer.isView(input) ? `; put bytes into an array: ${what}([bytes])` : ''
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        `Expected the path of a file of ${what}, an array of paths, or an iterable of ${pieces} but received ${received(input)}${advice}`,
        { received: input },
      )
    }
  }

  /** Reads everything into `sink`; items that are no text go to `items`, where a source takes such. */
  async feed(sink: TextSink, what: string, hooks: Hooks<ReadProgress>, items?: ItemSink): Promise<void> {
    if (this.#paths !== undefined) return feedFiles(this.#paths, sink, what, hooks)
    const data = this.#pieces?.take() ?? []
    const writer = new BlockWriter(sink, `the ${what}`, hooks)
    const work = async () => {
      let number = 0
      let taker: 'text' | 'items' | undefined
      const take = (item: unknown): Promise<void> | void => {
        const isText = typeof item === 'string' || item instanceof Uint8Array
        taker ??= items === undefined || isText ? 'text' : 'items'
        const at = number++
        if (taker === 'items') return items?.add(item, at)
        if (typeof item === 'string') return writer.writeText(this.#lines ? `${item}\n` : item)
        if (item instanceof Uint8Array) return writer.write(item)
        throw new AnyvecError(
          'ERR_ANYVEC_USAGE',
          `Expected every block of ${what} to be a string or a Uint8Array but block ${at} is ${received(item)}`,
          { block: at, received: item },
        )
      }
      // `for await` also waits for what is there already, so it is kept for what is not
      if (Symbol.iterator in data) {
        for (const item of data) {
          const busy = take(item)
          if (busy !== undefined) await busy
          if (taker === 'items' && number % 256 === 0) await items?.breathe()
        }
      } else {
        for await (const item of data) {
          const busy = take(item)
          if (busy !== undefined) await busy
          if (taker === 'items' && number % 256 === 0) await items?.breathe()
        }
      }
      if (taker === 'items') await items?.end()
      else await writer.end()
    }
    const stopped = {
      stop() {
        writer.stop()
        items?.stop()
      },
    }
    await abandonable(hooks.signal, stopped, work, () => this.#pieces?.abandon())
  }
}

function checkedPaths(paths: readonly unknown[], what: string): string[] {
  if (paths.length === 0) {
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      `Expected the path of at least one file of ${what} but received an empty array`,
    )
  }
  return paths.map((path) => {
    if (typeof path === 'string' && path !== '') return path
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      `Expected the path of a file of ${what} but received ${received(path)}`,
      {
        received: path,
      },
    )
  })
}

async function feedFiles(
  paths: readonly string[],
  sink: TextSink,
  what: string,
  { onProgress, signal }: Hooks<ReadProgress>,
): Promise<void> {
  // all of them are looked at first: the last name may be wrong, and the first file large
  const files: { path: string; size: number; compression: Compression | undefined }[] = []
  for (const path of paths) {
    files.push({ path, size: await sizeOf(path, paths.length, what), compression: await compressionOf(path) })
  }
  const totalBytes = files.reduce((sum, { size }) => sum + size, 0)
  let before = 0
  for (const { path, size, compression } of files) {
    const base = before
    const hooks: Hooks<ReadProgress> = {
      signal,
      onProgress: onProgress && (({ bytes }) => onProgress({ bytes: base + bytes, totalBytes })),
    }
    if (compression === undefined) await sink.addFile(path, hooks)
    else await readCompressed(sink, path, compression, size, hooks)
    before += size
  }
}

async function sizeOf(path: string, paths: number, what: string): Promise<number> {
  try {
    return await inputSize(path)
  } catch (error) {
    if (!(error instanceof AnyvecError) || !/\s/.test(path) || paths === 1) throw error
    throw new AnyvecError(
      error.code,
      `${error.message}; an array of strings names files: for ${what} itself, use ${what}(lines.values())`,
      error.details,
      error,
    )
  }
}
