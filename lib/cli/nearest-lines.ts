/**
 * Neighbours of a block of keys as lines of text, `query<TAB>key key key`. Keys go from the model to the output as the bytes they are:
 * at a hundred thousand answers a second, making strings of them would take longer than finding them.
 */

import { offsetAt, offsetWords } from '../embedding/key-bytes.js'
import { type Embedding, NO_ROW } from '../index.js'
import type { BlockAnswers } from './batch.js'
import type { SearchFlags } from './query.js'

const [TAB, LF, SPACE, COLON] = Buffer.from('\t\n :')

/** A number of a key that has no answer. */
const NONE = -1

export async function nearestLines(
  embedding: Embedding,
  lines: readonly string[],
  { k, top, threads, scores }: SearchFlags,
): Promise<BlockAnswers> {
  const failures: string[] = []
  const rows = lines.map((line) => {
    const id = embedding.keys.id(line)
    if (
      id !== undefined &&
      embedding.vectors.subarray(id * embedding.dimensions, (id + 1) * embedding.dimensions).some(isNotZero)
    )
      return id
    failures.push(
      id === undefined
        ? `the unknown key ${JSON.stringify(line)}`
        : `the vector of ${JSON.stringify(line)}, which is zero`,
    )
    return NONE
  })
  const known = Uint32Array.from(rows.filter((row) => row !== NONE))
  const found = await embedding.nearestRows(known, { k, limit: top, threads })
  const text = new Text(embedding)
  let next = 0
  for (let i = 0; i < lines.length; i++) {
    text.string(lines[i])
    text.byte(TAB)
    if (rows[i] !== NONE) {
      const from = next++ * found.k
      for (let j = from; j < from + found.k && found.ids[j] !== NO_ROW; j++) {
        if (j > from) text.byte(SPACE)
        text.key(found.ids[j])
        if (scores === true) {
          text.byte(COLON)
          text.string(found.scores[j].toFixed(4))
        }
      }
    }
    text.byte(LF)
  }
  return { text: text.finish(), failures }
}

const isNotZero = (value: number) => value !== 0

/** Grows as bytes are appended. */
class Text {
  readonly #keys: Buffer
  readonly #words: Uint32Array
  #bytes = Buffer.allocUnsafe(1 << 16)
  #length = 0

  constructor({ keys: { source } }: Embedding) {
    this.#keys = Buffer.from(source.bytes.buffer, source.bytes.byteOffset, source.bytes.byteLength)
    this.#words = offsetWords(source.offsets)
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#room(1)
    this.#bytes[this.#length++] = value
  }

  string(value: string): void {
    // no character takes more than three bytes a unit of UTF-16
    this.#room(3 * value.length)
    this.#length += this.#bytes.write(value, this.#length)
  }

  key(id: number): void {
    const from = offsetAt(this.#words, id)
    const size = offsetAt(this.#words, id + 1) - from
    this.#room(size)
    // keys are short: a loop beats a call
    for (let i = 0; i < size; i++) this.#bytes[this.#length + i] = this.#keys[from + i]
    this.#length += size
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#length + bytes, 2 * this.#bytes.length))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
