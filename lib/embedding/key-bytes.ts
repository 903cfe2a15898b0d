/** Keys as bytes: building them, checking them, and reading their offsets without BigInt arithmetic. */

import { isUtf8 } from 'node:buffer'
import type { KeyBytes } from '../engine/engine.js'

/** The same memory as pairs of 32-bit words: arithmetic on BigInts costs an allocation an access. */
export function offsetWords(offsets: BigUint64Array): Uint32Array {
  return new Uint32Array(offsets.buffer, offsets.byteOffset, offsets.length * 2)
}

/** Entry `i` of what `offsetWords` answered (little-endian); exact below 2^53. */
export function offsetAt(words: Uint32Array, i: number): number {
  return words[2 * i] + words[2 * i + 1] * 2 ** 32
}

/** Collects keys one after the other. */
export class KeyBytesWriter {
  #bytes: Uint8Array
  #offsets: Uint32Array
  #length = 0
  #count = 0

  /** `expectedKeys` and `expectedBytes` are only a start: it grows as needed. */
  constructor(expectedKeys: number, expectedBytes: number) {
    this.#bytes = new Uint8Array(Math.max(expectedBytes, 64))
    this.#offsets = new Uint32Array(2 * Math.max(expectedKeys + 1, 16))
  }

  /** Adds the key `source[from .. to)`. */
  add(source: Uint8Array, from = 0, to = source.length): void {
    const size = to - from
    if (this.#length + size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length + size, this.#bytes.length * 2))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    // keys are short: a loop beats making a subarray for each
    for (let i = 0; i < size; i++) this.#bytes[this.#length + i] = source[from + i]
    this.#length += size
    this.#count++
    if (2 * this.#count + 2 > this.#offsets.length) {
      const grown = new Uint32Array(this.#offsets.length * 2)
      grown.set(this.#offsets)
      this.#offsets = grown
    }
    this.#offsets[2 * this.#count] = this.#length >>> 0
    this.#offsets[2 * this.#count + 1] = Math.floor(this.#length / 2 ** 32)
  }

  finish(): KeyBytes {
    const words = this.#offsets.slice(0, 2 * this.#count + 2)
    return { bytes: this.#bytes.slice(0, this.#length), offsets: new BigUint64Array(words.buffer) }
  }
}

/** Copies of the keys without those numbered in `dropped` (rising). */
export function withoutKeys(keys: KeyBytes, dropped: readonly number[]): KeyBytes {
  const words = offsetWords(keys.offsets)
  const writer = new KeyBytesWriter(keys.offsets.length - 1, keys.bytes.length)
  let next = 0
  for (let i = 0; i < keys.offsets.length - 1; i++) {
    if (dropped[next] === i) next++
    else writer.add(keys.bytes, offsetAt(words, i), offsetAt(words, i + 1))
  }
  return writer.finish()
}

/**
 * What is wrong with keys that a file brought, as the end of a sentence that begins "key i"; undefined when nothing is.
 * Sound keys are not empty, valid UTF-8, without NUL, and fill `bytes` from its first to its last byte.
 */
export function keyDefect({
  bytes,
  offsets,
}: KeyBytes): { readonly key: number; readonly defect: string } | undefined {
  const words = offsetWords(offsets)
  const size = offsets.length - 1
  let start = offsetAt(words, 0)
  if (start !== 0) return { key: 0, defect: `begins at byte ${start} of the keys instead of 0` }
  for (let i = 0; i < size; i++) {
    const end = offsetAt(words, i + 1)
    if (end === start) return { key: i, defect: 'is empty' }
    if (end < start || end > bytes.length)
      return { key: i, defect: `ends at byte ${end}, which is out of place` }
    start = end
  }
  if (start !== bytes.length) return { key: size - 1, defect: 'is followed by bytes that belong to no key' }
  // one pass over all bytes is fast; only where it fails is the key looked for
  if (isUtf8(bytes) && !bytes.includes(0)) {
    for (let i = 0; i < size; i++) {
      if ((bytes[offsetAt(words, i)] & 0xc0) === 0x80) return { key: i, defect: 'is not valid UTF-8' }
    }
    return undefined
  }
  for (let i = 0; i < size; i++) {
    const key = bytes.subarray(offsetAt(words, i), offsetAt(words, i + 1))
    if (!isUtf8(key)) return { key: i, defect: 'is not valid UTF-8' }
    if (key.includes(0)) return { key: i, defect: 'holds a NUL byte' }
  }
  return undefined
}
