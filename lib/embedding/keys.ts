/** The vocabulary of an embedding: which key has which row. */

import type { KeyBytes } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import { offsetAt, offsetWords } from './key-bytes.js'
import { nearestSpelling } from './spelling.js'

/** A lone half of a surrogate pair: it has no UTF-8, so no key holds one. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** A suggestion looks at this many keys, the most frequent ones, and at no more: a wrong key must not cost much. */
const SUGGESTION_KEYS = 50000

/** Keys put into the table between two pauses. */
const PREPARED = 2 ** 15

/**
 * The keys of an embedding, numbered from 0, the most frequent first; key `i` belongs to row `i`.
 *
 * They stay as UTF-8 bytes and are decoded one at a time, so that millions of them cost little more than their
 * text.
 *
 * @example
 * words.keys.size           // 68018
 * words.keys.at(0)          // 'the'
 * words.keys.id('apple')    // 2817
 * for (const key of words.keys) console.log(key)
 */
export class Keys implements Iterable<string> {
  /** How many keys there are. */
  readonly size: number
  /** The keys as they lie in memory: not to be written to. */
  readonly source: KeyBytes
  readonly #bytes: Uint8Array
  readonly #words: Uint32Array
  readonly #text: Buffer
  /** Open addressing: row + 1, or 0 for a free slot. */
  #table: Uint32Array | undefined
  /** Rows whose key stands in an earlier row, each behind that row. */
  #repeats: number[] = []

  constructor(source: KeyBytes) {
    this.source = source
    this.size = source.offsets.length - 1
    this.#bytes = source.bytes
    this.#words = offsetWords(source.offsets)
    this.#text = Buffer.from(source.bytes.buffer, source.bytes.byteOffset, source.bytes.byteLength)
  }

  /** The key with a number; undefined where there is none. */
  at(id: number): string | undefined {
    if (!Number.isInteger(id) || id < 0 || id >= this.size) return undefined
    return this.#text.toString('utf8', offsetAt(this.#words, id), offsetAt(this.#words, id + 1))
  }

  /** The number of a key; undefined where it is unknown. */
  id(key: string): number | undefined {
    if (typeof key !== 'string' || LONE_SURROGATE.test(key)) return undefined
    const wanted = Buffer.from(key, 'utf8')
    const table = this.#lookup()
    const mask = table.length - 1
    for (let slot = hash(wanted, 0, wanted.length) & mask; table[slot] !== 0; slot = (slot + 1) & mask) {
      const id = table[slot] - 1
      if (this.#equals(id, wanted, 0, wanted.length)) return id
    }
    return undefined
  }

  has(key: string): boolean {
    return this.id(key) !== undefined
  }

  *[Symbol.iterator](): Iterator<string> {
    for (let id = 0; id < this.size; id++) yield this.at(id) as string
  }

  /** Builds the table for looking up now, and lets the event loop breathe meanwhile: millions of keys take a second. */
  async prepare(pause: () => Promise<void>): Promise<void> {
    const table = this.#emptyTable()
    this.#repeats = []
    for (let from = 0; from < this.size; from += PREPARED) {
      this.#fill(table, from, Math.min(this.size, from + PREPARED))
      await pause()
    }
    this.#table = table
  }

  /** The numbers of the first key that stands twice; undefined when all differ. */
  duplicate(): readonly [number, number] | undefined {
    this.#lookup()
    return this.#repeats.length === 0 ? undefined : [this.#repeats[0], this.#repeats[1]]
  }

  /** The numbers of all keys that stand in an earlier row too, rising. */
  duplicates(): number[] {
    this.#lookup()
    return this.#repeats.filter((_, i) => i % 2 === 1)
  }

  /** The known key whose spelling is nearest to an unknown one, among the 50,000 most frequent; undefined when none is near. */
  suggest(key: string): string | undefined {
    if (key.length > 64) return undefined
    return nearestSpelling(key, this.#frequent(), 2)
  }

  /** The number of a key, or the error that names the nearest spelling. Errors: ERR_ANYVEC_UNKNOWN_KEY. */
  require(key: string): number {
    const id = this.id(key)
    if (id !== undefined) return id
    const near = this.suggest(key)
    const shown = JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}...` : key)
    throw new AnyvecError(
      'ERR_ANYVEC_UNKNOWN_KEY',
      `The key ${shown} is not in the vocabulary${near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`}`,
      { key, ...(near === undefined ? {} : { nearest: near }) },
    )
  }

  *#frequent(): Iterable<string> {
    for (let id = 0; id < this.size && id < SUGGESTION_KEYS; id++) yield this.at(id) as string
  }

  #lookup(): Uint32Array {
    if (this.#table === undefined) {
      const table = this.#emptyTable()
      this.#repeats = []
      this.#fill(table, 0, this.size)
      this.#table = table
    }
    return this.#table
  }

  #emptyTable(): Uint32Array {
    // at most half full, so that a search ends after a probe or two
    let slots = 16
    while (slots < this.size * 2) slots *= 2
    return new Uint32Array(slots)
  }

  #fill(table: Uint32Array, first: number, end: number): void {
    const mask = table.length - 1
    const bytes = this.#bytes
    let from = offsetAt(this.#words, first)
    for (let id = first; id < end; id++) {
      const to = offsetAt(this.#words, id + 1)
      let slot = hash(bytes, from, to) & mask
      while (table[slot] !== 0 && !this.#equals(table[slot] - 1, bytes, from, to)) slot = (slot + 1) & mask
      if (table[slot] === 0) table[slot] = id + 1
      else this.#repeats.push(table[slot] - 1, id)
      from = to
    }
  }

  #equals(id: number, other: Uint8Array, from: number, to: number): boolean {
    const start = offsetAt(this.#words, id)
    if (offsetAt(this.#words, id + 1) - start !== to - from) return false
    for (let i = from, j = start; i < to; i++, j++) if (other[i] !== this.#bytes[j]) return false
    return true
  }
}

/** FNV-1a over bytes, its bits mixed once more: the low ones pick the slot, and FNV leaves them weak. */
function hash(bytes: Uint8Array, from: number, to: number): number {
  let h = 0x811c9dc5
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i], 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}
