/** What all sources are: one kind of data, turned into sequences of keys. */

import type { Corpus, Engine, Hooks, ReadProgress, Tokenize, WalkProgress } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import type { Metadata } from '../formats/model.js'

/** How far a source is: reading, and, for graphs, walking. */
export type SourceProgress =
  | ({ readonly phase: 'reading' } & ReadProgress)
  | ({ readonly phase: 'walking' } & WalkProgress)

/** What a source counted beyond words, by name: rows, nodes, what was left out and why. Plain JSON. */
export type SourceCounts = { readonly [name: string]: number | string | boolean }

/** What a run gives to the source that it reads. */
export interface Reading extends Hooks<SourceProgress> {
  readonly engine: Engine
  readonly seed: number
}

/** The hooks of a reading as readers of text know them. */
export function readHooks({ onProgress, signal }: Reading): Hooks<ReadProgress> {
  return { signal, onProgress: onProgress && ((progress) => onProgress({ phase: 'reading', ...progress })) }
}

/**
 * Data to train on. `text`, `sequences`, `interactions`, `graph` and `documents` make one, `train` reads it.
 *
 * @example
 * const source = text('wiki.txt')
 * const words = await train(source)
 */
export abstract class Source {
  /** What a model file remembers of the data: its kind and how it was read, never where it lay. */
  abstract readonly description: Metadata
  /** What to do with a word that is not UTF-8, holds a NUL or is too long. */
  abstract readonly malformed: 'error' | 'skip'
  /** How the corpus cuts the text that this source brings. */
  readonly tokenize: Tokenize = 'spaces'
  /** Whether the corpus makes words of raw text lower-case. */
  readonly lowercase: boolean = false

  /** Reads everything into a corpus, spelled as it shall be, and answers what it counted. Called by `train`. */
  abstract read(corpus: Corpus, reading: Reading): Promise<SourceCounts>
}

/** Data that a program hands over piece by piece: what can be read only once is read only once. */
export class Pieces<T> {
  readonly #iterable: Iterable<T> | AsyncIterable<T>
  #spent = false

  constructor(iterable: Iterable<T> | AsyncIterable<T>) {
    this.#iterable = iterable
  }

  /**
   * The data, to be read now.
   * Errors: ERR_ANYVEC_USAGE for a generator or a stream that was read before: it would be found empty.
   */
  take(): Iterable<T> | AsyncIterable<T> {
    const data = this.#iterable
    const once = 'next' in data || 'pipe' in data || 'getReader' in data || isLineReader(data)
    if (once && this.#spent) {
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        'This source was read before, and its data (a generator or a stream) can be read only once; make a new one',
      )
    }
    this.#spent = true
    return data
  }

  /** Lets go of data whose end nobody waits for any more: an open stream would keep the process alive. */
  abandon(): void {
    const data = this.#iterable
    if ('destroy' in data && typeof data.destroy === 'function') data.destroy()
    else if (isLineReader(data) && 'close' in data && typeof data.close === 'function') data.close()
  }
}

/** Whether something is the interface of Node's `readline`, which brings lines without their ends. */
export function isLineReader(data: object): boolean {
  return 'getCursorPos' in data && Symbol.asyncIterator in data
}

/** Whether something can be iterated over, at once or with waiting. */
export function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return (
    typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
  )
}
