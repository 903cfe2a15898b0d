/** Exact search: the k rows nearest to each query, in double. */

import { type Hooks, NO_ROW, type TopK, type TopKRequest } from '../engine.js'
import { AnyvecError } from '../../errors.js'
import type { PortableMatrix } from './matrix.js'
import { reserve } from './memory.js'
import { Pace } from './pace.js'

/** Multiplications between two looks at the clock: about a millisecond. */
const WORK_A_LOOK = 1_000_000

export async function searchTopK(
  matrix: PortableMatrix,
  request: TopKRequest,
  hooks: Hooks<never> = {},
): Promise<TopK> {
  const { columns, data } = matrix
  const { queries, k, metric } = request
  if (!(k >= 1)) throw new AnyvecError('ERR_ANYVEC_OPTION', 'k must be at least 1', { k })
  const count = queries.length / columns
  const rows = Math.min(request.rows, matrix.rows)
  const { ids, scores } = reserve(count * k * 8, `${k} answers to each of ${count} queries`, () => ({
    ids: new Uint32Array(count * k).fill(NO_ROW),
    scores: new Float32Array(count * k),
  }))
  const pace = new Pace(hooks)
  const cosine = metric === 'cosine'
  const lengths = Float64Array.from({ length: count }, (_, query) => norm(queries, query * columns, columns))
  const best = Array.from({ length: count }, () => new Best(Math.min(k, rows)))

  let work = 0
  for (let row = 0; row < rows; row++) {
    const start = row * columns
    const length = cosine ? norm(data, start, columns) : 1
    for (let query = 0; query < count; query++) {
      const from = query * columns
      let sum = 0
      for (let c = 0; c < columns; c++) sum += data[start + c] * queries[from + c]
      if (cosine) {
        const product = length * lengths[query]
        // what is not a number stays so; rounding can leave a cosine a little outside of its range
        sum = product === 0 ? 0 : Math.max(-1, Math.min(1, sum / product))
      }
      // rounded before it is compared, so that scores that look equal are equal
      best[query].offer(Math.fround(sum), row)
    }
    work += columns * (count + 1)
    if (work > WORK_A_LOOK) {
      work = 0
      if (pace.due()) await pace.rest()
    }
  }
  for (let query = 0; query < count; query++) best[query].write(ids, scores, query * k)
  return { ids, scores }
}

function norm(values: Float32Array, from: number, count: number): number {
  let squares = 0
  for (let i = from; i < from + count; i++) squares += values[i] * values[i]
  return Math.sqrt(squares)
}

/** The best rows of those offered so far, in rising order of rows: a heap with the worst in front. */
class Best {
  readonly #k: number
  readonly #scores: number[] = []
  readonly #rows: number[] = []

  constructor(k: number) {
    this.#k = k
  }

  offer(score: number, row: number): void {
    if (Number.isNaN(score)) return
    const size = this.#scores.length
    if (size < this.#k) {
      this.#scores.push(score)
      this.#rows.push(row)
      this.#up(size)
    } else if (score > this.#scores[0]) {
      this.#scores[0] = score
      this.#rows[0] = row
      this.#down()
    }
  }

  write(ids: Uint32Array, scores: Float32Array, at: number): void {
    const order = this.#rows.map((_, i) => i)
    order.sort((a, b) => this.#scores[b] - this.#scores[a] || this.#rows[a] - this.#rows[b])
    order.forEach((from, to) => {
      ids[at + to] = this.#rows[from]
      scores[at + to] = this.#scores[from]
    })
  }

  /** Whether entry `a` is a worse answer than entry `b`. */
  #worse(a: number, b: number): boolean {
    const difference = this.#scores[a] - this.#scores[b]
    return difference < 0 || (difference === 0 && this.#rows[a] > this.#rows[b])
  }

  #up(from: number): void {
    for (let child = from; child > 0; ) {
      const parent = (child - 1) >> 1
      if (!this.#worse(child, parent)) return
      this.#swap(child, parent)
      child = parent
    }
  }

  #down(): void {
    for (let parent = 0; ; ) {
      let worst = parent
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < this.#scores.length && this.#worse(child, worst)) worst = child
      }
      if (worst === parent) return
      this.#swap(parent, worst)
      parent = worst
    }
  }

  #swap(a: number, b: number): void {
    ;[this.#scores[a], this.#scores[b]] = [this.#scores[b], this.#scores[a]]
    ;[this.#rows[a], this.#rows[b]] = [this.#rows[b], this.#rows[a]]
  }
}
