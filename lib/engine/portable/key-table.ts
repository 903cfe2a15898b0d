/** Distinct keys with their counts: an open-addressing table over UTF-8 bytes, so that reading makes no strings. */

import { AnyvecError } from '../../errors.js'
import type { KeyBytes } from '../engine.js'
import { reserve } from './memory.js'

/** The start of every hash; differs from run to run, so that no prepared text makes all keys collide. */
export const HASH_SEED = Math.floor(Math.random() * 0x100000000) | 0

/** Adds one byte to a hash (FNV-1a's step). */
export const HASH_STEP = 0x01000193

export const ABSENT = -1

/** Starts in the arena are u32. */
const MAX_ARENA = 0xffffffff

export function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = HASH_SEED
  for (let i = from; i < to; i += 1) hash = Math.imul(hash ^ bytes[i], HASH_STEP)
  return hash
}

export class KeyTable {
  /** Keys in the table; they are numbered as they came. */
  size = 0
  /** How often each key occurs; doubles, exact to 2^53. */
  counts = new Float64Array(1 << 10)
  #arena = new Uint8Array(1 << 14)
  #used = 0
  #starts = new Uint32Array((1 << 10) + 1)
  #hashes = new Int32Array(1 << 10)
  /** Key number + 1, or 0 for an empty slot; a power of two long and at most half full. */
  #slots = new Uint32Array(1 << 11)

  /** The number of the key `bytes[from .. to)` whose hash is `hash`, or ABSENT. */
  find(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const slots = this.#slots
    const hashes = this.#hashes
    const starts = this.#starts
    const arena = this.#arena
    const mask = slots.length - 1
    const length = to - from
    // The multiplication in FNV carries upwards only; the shift brings the good bits down.
    let slot = (hash ^ (hash >>> 15)) & mask
    for (;;) {
      const entry = slots[slot]
      if (entry === 0) return ABSENT
      const id = entry - 1
      if (hashes[id] === hash) {
        const start = starts[id]
        if (starts[id + 1] - start === length) {
          let i = 0
          while (i < length && arena[start + i] === bytes[from + i]) i += 1
          if (i === length) return id
        }
      }
      slot = (slot + 1) & mask
    }
  }

  /** Adds a key that `find` did not find, with count 0, and returns its number. */
  insert(bytes: Uint8Array, from: number, to: number, hash: number): number {
    if ((this.size + 1) * 2 > this.#slots.length) this.#grow()
    const end = this.#used + (to - from)
    if (end > this.#arena.length) this.#growArena(end)
    for (let i = from, at = this.#used; i < to; i += 1, at += 1) this.#arena[at] = bytes[i]
    const id = this.size
    this.#used = end
    this.#starts[id + 1] = end
    this.#hashes[id] = hash
    this.#place(id)
    this.size = id + 1
    return id
  }

  /** Copies of the keys `ids`, in that order; all of them, by number, where `ids` is left out. */
  keys(ids?: Uint32Array): KeyBytes {
    const count = ids === undefined ? this.size : ids.length
    const starts = this.#starts
    const offsets = reserve((count + 1) * 8, 'the keys', () => new BigUint64Array(count + 1))
    let total = 0
    for (let i = 0; i < count; i += 1) {
      const id = ids === undefined ? i : ids[i]
      total += starts[id + 1] - starts[id]
      offsets[i + 1] = BigInt(total)
    }
    const bytes = reserve(total, 'the keys', () => new Uint8Array(total))
    if (ids === undefined) {
      bytes.set(this.#arena.subarray(0, total))
    } else {
      let at = 0
      for (const id of ids) {
        for (let from = starts[id]; from < starts[id + 1]; from += 1, at += 1) bytes[at] = this.#arena[from]
      }
    }
    return { bytes, offsets }
  }

  /** Orders two keys by their bytes; a key comes before its continuations. */
  compare(a: number, b: number): number {
    const arena = this.#arena
    const startA = this.#starts[a]
    const startB = this.#starts[b]
    const lengthA = this.#starts[a + 1] - startA
    const lengthB = this.#starts[b + 1] - startB
    const shared = Math.min(lengthA, lengthB)
    for (let i = 0; i < shared; i += 1) {
      const difference = arena[startA + i] - arena[startB + i]
      if (difference !== 0) return difference
    }
    return lengthA - lengthB
  }

  #place(id: number): void {
    const mask = this.#slots.length - 1
    const hash = this.#hashes[id]
    let slot = (hash ^ (hash >>> 15)) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = id + 1
  }

  #grow(): void {
    const slots = this.#slots.length * 2
    const capacity = slots / 2
    reserve(slots * 4 + capacity * 16, `the table of ${this.size} distinct keys`, () => {
      const counts = new Float64Array(capacity)
      counts.set(this.counts)
      const starts = new Uint32Array(capacity + 1)
      starts.set(this.#starts)
      const hashes = new Int32Array(capacity)
      hashes.set(this.#hashes)
      this.#slots = new Uint32Array(slots)
      this.counts = counts
      this.#starts = starts
      this.#hashes = hashes
    })
    for (let id = 0; id < this.size; id += 1) this.#place(id)
  }

  #growArena(needed: number): void {
    if (needed > MAX_ARENA) {
      const message = `the distinct keys need more than ${MAX_ARENA} bytes, the most the portable engine can address`
      throw new AnyvecError('ERR_ANYVEC_MEMORY', message, { bytes: needed, keys: this.size })
    }
    const capacity = Math.min(MAX_ARENA, Math.max(this.#arena.length * 2, needed))
    const arena = reserve(capacity, `the bytes of ${this.size} distinct keys`, () => new Uint8Array(capacity))
    arena.set(this.#arena.subarray(0, this.#used))
    this.#arena = arena
  }
}
