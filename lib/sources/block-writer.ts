/** Gathers small pieces of text into blocks that are worth an engine's while. */

import { setImmediate } from 'node:timers/promises'
import type { Hooks, ReadProgress } from '../engine/engine.js'

/** Bytes handed to the corpus at once: a native engine cuts them up for its threads. */
const BLOCK = 2 ** 22
/** Characters encoded at once: in UTF-8 they never fill a block. */
const SLICE = 2 ** 20
/** Characters of a string that is copied by hand. */
const SHORT = 64
/** Milliseconds between two reports. */
const REPORT = 50
/** Milliseconds that a writer keeps the event loop to itself. */
const TURN = 15

const TRAILING_HALF = /[\ud800-\udbff]$/
const LONE_HALF = /\p{Surrogate}/u

/** What takes blocks: a corpus, a graph, a reader of rows. */
export interface BlockTaker {
  addBlock(block: Uint8Array, source: string): Promise<void>
  endStream(): Promise<void>
}

/** Writes text of one stream to what takes blocks. */
export class BlockWriter {
  readonly #taker: BlockTaker
  readonly #name: string
  readonly #hooks: Hooks<ReadProgress>
  readonly #progress: () => ReadProgress
  #block: Buffer = Buffer.allocUnsafe(BLOCK)
  /** The block that is being taken, to be filled after that one. */
  #other: Buffer | undefined
  /** When it is. */
  #taken: Promise<void> | undefined
  #used = 0
  #written = 0
  /** The first half of a surrogate pair whose second half is in the next string. */
  #half = ''
  #reported = performance.now()
  #turned = performance.now()
  #stopped = false

  /** `name` stands for the stream in errors; `progress` says how far it is, where the writer's own count does not. */
  constructor(taker: BlockTaker, name: string, hooks: Hooks<ReadProgress>, progress?: () => ReadProgress) {
    this.#taker = taker
    this.#name = name
    this.#hooks = hooks
    this.#progress = progress ?? (() => ({ bytes: this.#written, totalBytes: 0 }))
  }

  /** Nothing more reaches the corpus: the next write throws. */
  stop(): void {
    this.#stopped = true
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#endHalf()
    for (let from = 0; from < bytes.length; ) {
      const size = Math.min(bytes.length - from, BLOCK - this.#used)
      this.#block.set(bytes.subarray(from, from + size), this.#used)
      this.#used += size
      from += size
      if (this.#used === BLOCK) await this.#flush()
    }
    await this.breathe()
  }

  /** A pair of surrogates may be split between two strings, as a character of bytes may be between two blocks. */
  async writeText(text: string): Promise<void> {
    const joined = this.#half + text
    this.#half = TRAILING_HALF.exec(joined)?.[0] ?? ''
    const end = joined.length - this.#half.length
    for (let from = 0; from < end; ) {
      let to = Math.min(end, from + SLICE)
      if (to < end && TRAILING_HALF.test(joined[to - 1])) to--
      const slice = joined.slice(from, to)
      if (this.room < 3 * slice.length) await this.#flush()
      if (LONE_HALF.test(slice)) {
        const bytes = encodeFaithfully(slice)
        this.#used += bytes.copy(this.#block, this.#used)
      } else {
        this.#used += this.#block.write(slice, this.#used)
      }
      from = to
    }
    await this.breathe()
  }

  /** Bytes that `put` can take before the next `flush`. */
  get room(): number {
    return BLOCK - this.#used
  }

  /** Adds an ASCII character; there must be room. */
  put(byte: number): void {
    this.#block[this.#used++] = byte
  }

  /** Adds a string without lone surrogates; there must be room for three bytes a character. */
  putText(text: string): void {
    const block = this.#block
    const start = this.#used
    // most keys are short and ASCII, for which a call into Node costs more than the copying
    if (text.length <= SHORT) {
      let i = 0
      for (; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (code >= 0x80) break
        block[start + i] = code
      }
      if (i === text.length) {
        this.#used = start + i
        return
      }
    }
    this.#used = start + block.write(text, start)
  }

  /** Hands over what was gathered. */
  async flush(): Promise<void> {
    if (this.#used > 0) await this.#flush()
  }

  /** Lets timers and input have their turn where that is due; reports progress, and throws the reason of an abort. */
  async breathe(): Promise<void> {
    const now = performance.now()
    if (now - this.#turned < TURN) return
    await setImmediate()
    this.#turned = performance.now()
    this.#check()
    if (now - this.#reported < REPORT) return
    this.#reported = now
    this.#hooks.onProgress?.(this.#progress())
  }

  /** The end of the stream. */
  async end(): Promise<void> {
    await this.#endHalf()
    await this.flush()
    await this.#taken
    await this.#taker.endStream()
    this.#check()
    this.#hooks.onProgress?.(this.#progress())
  }

  /**
   * One block is worked on while the next one is filled: whatever makes the text (a decompressor, a generator)
   * never waits for the counting, nor that for the text, until one of them is a whole block ahead.
   */
  async #flush(): Promise<void> {
    this.#check()
    await this.#taken
    const block = this.#block
    this.#taken = this.#taker.addBlock(block.subarray(0, this.#used), this.#name)
    // its failure is found by whoever waits for it; nobody does when the writing is given up before
    this.#taken.catch(() => {})
    this.#block = this.#other ?? Buffer.allocUnsafe(BLOCK)
    this.#other = block
    this.#written += this.#used
    this.#used = 0
    await this.breathe()
  }

  async #endHalf(): Promise<void> {
    if (this.#half === '') return
    const bytes = encodeFaithfully(this.#half)
    this.#half = ''
    await this.write(bytes)
  }

  #check(): void {
    this.#hooks.signal?.throwIfAborted()
    if (this.#stopped) throw new Error('the reading of this stream was stopped')
  }
}

/**
 * UTF-8 in which a lone surrogate stays what it is, three bytes that no UTF-8 has: the engine then finds a malformed word
 * where Node's own encoders would quietly write U+FFFD.
 */
function encodeFaithfully(text: string): Buffer {
  const parts: Buffer[] = []
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) as number
    if (code > 0xffff) {
      i++
    } else if (code >= 0xd800 && code <= 0xdfff) {
      parts.push(
        Buffer.from(text.slice(from, i)),
        Buffer.from([0xed, 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]),
      )
      from = i + 1
    }
  }
  parts.push(Buffer.from(text.slice(from)))
  return Buffer.concat(parts)
}

/**
 * Runs work that reads from someone else, and gives it up as soon as the signal is aborted: a stream that brings nothing
 * must not hold up a Ctrl-C. `abandon` lets go of what the work reads from.
 */
export async function abandonable(
  signal: AbortSignal | undefined,
  writer: { stop(): void },
  work: () => Promise<void>,
  abandon: () => void = () => {},
): Promise<void> {
  if (signal === undefined) return work()
  signal.throwIfAborted()
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    await Promise.race([work(), aborted])
  } catch (error) {
    writer.stop()
    if (signal.aborted) abandon()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
