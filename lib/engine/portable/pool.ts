/**
 * The negatives of a piece of the corpus: a pool of draws from the noise distribution that grows along the piece, and what each step
 * takes from it (docs/training-law.md, "Negatives").
 */

import type { TrainingParameters } from '../engine.js'
import type { AliasTable } from './alias.js'
import { PIECE } from './ids.js'
import { draw, mulhi, PURPOSE, type StreamKey, streamKey } from './random.js'

/** Twos of entries whose draws are there before the first. */
const HEAD = 64

export class NegativePool {
  readonly #table: AliasTable
  readonly #seed: number
  readonly #negative: number
  /** Draws that come with each two entries. */
  readonly #density: number
  /** Twos of entries whose draws a step may take. */
  readonly #reach: number
  readonly #ids: Uint32Array
  #picks: StreamKey = { a: 0, b: 0 }

  constructor(table: AliasTable, { seed, negative, dimensions }: TrainingParameters) {
    this.#table = table
    this.#seed = seed
    this.#negative = negative
    this.#density = Math.ceil(negative / 5)
    this.#reach = Math.min(Math.max(Math.floor(65536 / dimensions), HEAD), PIECE / 2)
    this.#ids = new Uint32Array(this.#size(PIECE))
  }

  /** Makes the draws of a piece of which `entries` are kept. */
  fill(epoch: number, piece: number, entries: number): void {
    this.#picks = streamKey(this.#seed, PURPOSE.negatives, epoch, piece)
    const { a, b } = streamKey(this.#seed, PURPOSE.pool, epoch, piece)
    const { threshold, alias } = this.#table
    const size = this.#size(entries)
    for (let i = 0; i < size; i++) {
      const column = mulhi(draw(a, b, 2 * i), threshold.length)
      this.#ids[i] = draw(a, b, 2 * i + 1) < threshold[column] ? column : alias[column]
    }
  }

  /** Negative `j` of the step at `entry`. */
  pick(entry: number, j: number): number {
    const { a, b } = this.#picks
    const twos = (entry >>> 1) + HEAD
    const within = Math.min(twos, this.#reach) * this.#density
    return this.#ids[twos * this.#density - 1 - mulhi(draw(a, b, entry * this.#negative + j), within)]
  }

  /** Draws that are there when the step at `entry` picks. */
  #size(entry: number): number {
    return ((entry >>> 1) + HEAD) * this.#density
  }
}
