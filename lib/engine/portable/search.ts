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
  const { queries, k, metric, filter } = request
  if (!(k >= 1)) throw new AnyvecError('ERR_ANYVEC_OPTION', 'k must be at least 1', { k })
  const each = metric === '3cosmul' || metric === 'pair-direction' ? 3 : 1
  const count = queries.length / columns / each
  if (!Number.isInteger(count))
    throw new AnyvecError('ERR_ANYVEC_OPTION', 'the queries of analogies come in threes')
  const rows = Math.min(request.rows, matrix.rows)
  if (filter !== undefined && filter.length * 32 < rows)
    throw new RangeError('expected filter to hold a bit for each row')
  const { ids, scores } = reserve(count * k * 8, `${k} answers to each of ${count} queries`, () => ({
    ids: new Uint32Array(count * k).fill(NO_ROW),
    scores: new Float32Array(count * k),
  }))
  const pace = new Pace(hooks)
  const score = SCORES[metric](queries, columns)
  const byAngle = metric !== 'dot' && metric !== 'euclidean'
  const best = Array.from({ length: count }, () => new Best(Math.min(k, rows)))

  let work = 0
  for (let row = 0; row < rows; row++) {
    if (filter !== undefined && (filter[row >>> 5] & (1 << (row & 31))) === 0) continue
    const start = row * columns
    const length = byAngle ? norm(data, start, columns) : 1
    // rounded before it is compared, so that scores that look equal are equal
    for (let query = 0; query < count; query++)
      best[query].offer(Math.fround(score(data, start, length, query)), row)
    work += columns * (count * each + 1)
    if (work > WORK_A_LOOK) {
      work = 0
      if (pace.due()) await pace.rest()
    }
  }
  for (let query = 0; query < count; query++) best[query].write(ids, scores, query * k)
  return { ids, scores }
}

/** The score of the row that begins at `start` and has `length` (where that matters), for one question. */
type Score = (data: Float32Array, start: number, length: number, question: number) => number

/** What is not a number stays so; rounding can leave a cosine a little outside of its range. */
const clamp = (cosine: number) => Math.max(-1, Math.min(1, cosine))

const SCORES: Readonly<Record<TopKRequest['metric'], (queries: Float32Array, columns: number) => Score>> = {
  dot: (queries, columns) => (data, start, _, query) => dot(data, start, queries, query * columns, columns),
  cosine,
  euclidean: (queries, columns) => (data, start, _, query) => {
    let sum = 0
    for (let c = 0; c < columns; c++) sum += (data[start + c] - queries[query * columns + c]) ** 2
    return -Math.sqrt(sum)
  },
  '3cosmul': (queries, columns) => {
    const with_ = cosine(queries, columns)
    return (data, start, length, question) => {
      const [a, b, c] = [0, 1, 2].map((i) => with_(data, start, length, 3 * question + i))
      return ((1 + b) * (1 + c)) / 4 / ((1 + a) / 2 + 0.001)
    }
  },
  'pair-direction': (queries, columns) => {
    const with_ = cosine(queries, columns)
    const lengths = norms(queries, columns)
    const between = (i: number, j: number) =>
      dot(queries, i * columns, queries, j * columns, columns) / (lengths[i] * lengths[j])
    return (data, start, length, question) => {
      const first = 3 * question
      const [a, b, c] = [0, 1, 2].map((i) => with_(data, start, length, first + i))
      const apart = Math.sqrt(2 - 2 * between(first, first + 1))
      const offset = between(first + 1, first + 2) - between(first, first + 2)
      return apart === 0 ? 0 : clamp((b - a - offset) / apart / Math.sqrt(Math.max(1e-6, 2 - 2 * c)))
    }
  },
}

function cosine(queries: Float32Array, columns: number): Score {
  const lengths = norms(queries, columns)
  return (data, start, length, query) => {
    const product = length * lengths[query]
    return product === 0 ? 0 : clamp(dot(data, start, queries, query * columns, columns) / product)
  }
}

function dot(a: Float32Array, from: number, b: Float32Array, start: number, count: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += a[from + i] * b[start + i]
  return sum
}

function norms(queries: Float32Array, columns: number): Float64Array {
  return Float64Array.from({ length: queries.length / columns }, (_, query) =>
    norm(queries, query * columns, columns),
  )
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
