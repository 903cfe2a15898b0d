/**
 * One step of skip-gram: all contexts of a centre against the centre and its negatives (docs/training-law.md, "The update").
 *
 * The window's rows are copied into doubles first, worked on there and copied back: three times as fast as working on float32 rows
 * where they lie. Loops take several rows at a time, so that a value once loaded serves several products; where the rows do not come
 * out even, the last one is taken again and counts nothing.
 */

import type { PortableMatrix } from './matrix.js'

export class WindowKernel {
  readonly #columns: number
  readonly #vectors: Float32Array
  readonly #contexts: Float32Array
  /** First values of this window's rows in the matrices. */
  readonly #inputs: Int32Array
  readonly #outputs: Int32Array
  readonly #weights: Float64Array
  /** [input, output] products, then gradients; and the gradients once more as [output, input]. */
  readonly #products: Float64Array
  readonly #transposed: Float64Array
  /** The rows, before and after. */
  readonly #x: Float64Array
  readonly #y: Float64Array
  readonly #updated: Float64Array
  #inputCount = 0
  #outputCount = 0
  /** In which window a row was last seen, and at which place: contexts are merged, repeated negatives left out. */
  readonly #inputSeen: Uint32Array
  readonly #inputPlace: Uint32Array
  readonly #outputSeen: Uint32Array
  #generation = 0

  constructor(vectors: PortableMatrix, contexts: PortableMatrix, mostInputs: number, mostOutputs: number) {
    this.#columns = vectors.columns
    this.#vectors = vectors.data
    this.#contexts = contexts.data
    this.#inputs = new Int32Array(mostInputs)
    this.#outputs = new Int32Array(mostOutputs)
    this.#weights = new Float64Array(mostInputs)
    this.#products = new Float64Array(mostInputs * mostOutputs)
    this.#transposed = new Float64Array(mostInputs * mostOutputs)
    this.#x = new Float64Array(mostInputs * vectors.columns)
    this.#y = new Float64Array(mostOutputs * vectors.columns)
    this.#updated = new Float64Array(mostOutputs * vectors.columns)
    this.#inputSeen = new Uint32Array(vectors.rows)
    this.#inputPlace = new Uint32Array(vectors.rows)
    this.#outputSeen = new Uint32Array(vectors.rows)
  }

  begin(centre: number): void {
    if (++this.#generation > 0xffffffff) {
      this.#inputSeen.fill(0)
      this.#outputSeen.fill(0)
      this.#generation = 1
    }
    this.#inputCount = 0
    this.#outputCount = 0
    this.addOutput(centre)
  }

  addContext(id: number): void {
    if (this.#inputSeen[id] === this.#generation) {
      this.#weights[this.#inputPlace[id]]++
      return
    }
    const place = this.#inputCount++
    this.#inputSeen[id] = this.#generation
    this.#inputPlace[id] = place
    this.#inputs[place] = id * this.#columns
    this.#weights[place] = 1
  }

  /** The centre first, then its negatives. */
  addOutput(id: number): void {
    if (this.#outputSeen[id] === this.#generation) return
    this.#outputSeen[id] = this.#generation
    this.#outputs[this.#outputCount++] = id * this.#columns
  }

  /** Updates the rows and answers the loss before. */
  step(rate: number): number {
    const columns = this.#columns
    const inputs = this.#inputCount
    const outputs = this.#outputCount
    const x = this.#x
    const y = this.#y
    const updated = this.#updated
    gather(this.#vectors, this.#inputs, inputs, columns, x)
    gather(this.#contexts, this.#outputs, outputs, columns, y)
    multiply(x, inputs, y, outputs, columns, this.#products)
    const loss = this.#differentiate(rate)
    updated.set(y.subarray(0, outputs * columns))
    // outputs first: they need the inputs' old values, and their own new values stand apart
    for (let j = 0; j < outputs; j++)
      accumulate(updated, j * columns, this.#transposed, j * inputs, x, inputs, columns)
    for (let i = 0; i < inputs; i++)
      accumulate(x, i * columns, this.#products, i * outputs, y, outputs, columns)
    scatter(x, this.#inputs, inputs, columns, this.#vectors)
    scatter(updated, this.#outputs, outputs, columns, this.#contexts)
    return loss
  }

  /** From products to gradients; answers the loss. */
  #differentiate(rate: number): number {
    const outputs = this.#outputCount
    const inputs = this.#inputCount
    const products = this.#products
    let loss = 0
    for (let i = 0; i < inputs; i++) {
      const weight = this.#weights[i]
      for (let j = 0; j < outputs; j++) {
        const product = products[i * outputs + j]
        const label = j === 0 ? 1 : 0
        const e = Math.exp(-Math.abs(product))
        const sigmoid = product < 0 ? e / (1 + e) : 1 / (1 + e)
        loss += weight * (Math.log1p(e) + Math.max(0, j === 0 ? -product : product))
        const gradient = rate * weight * (label - sigmoid)
        products[i * outputs + j] = gradient
        this.#transposed[j * inputs + i] = gradient
      }
    }
    return loss
  }
}

function gather(
  rows: Float32Array,
  starts: Int32Array,
  count: number,
  columns: number,
  to: Float64Array,
): void {
  for (let row = 0; row < count; row++) {
    const from = starts[row]
    const at = row * columns
    let c = 0
    // four at a time: V8's conversions between float32 and double wait for each other when they share a register
    for (; c + 4 <= columns; c += 4) {
      const a = rows[from + c]
      const b = rows[from + c + 1]
      const d = rows[from + c + 2]
      const e = rows[from + c + 3]
      to[at + c] = a
      to[at + c + 1] = b
      to[at + c + 2] = d
      to[at + c + 3] = e
    }
    for (; c < columns; c++) to[at + c] = rows[from + c]
  }
}

function scatter(
  from: Float64Array,
  starts: Int32Array,
  count: number,
  columns: number,
  rows: Float32Array,
): void {
  for (let row = 0; row < count; row++) {
    const to = starts[row]
    const at = row * columns
    let c = 0
    for (; c + 4 <= columns; c += 4) {
      const a = Math.fround(from[at + c])
      const b = Math.fround(from[at + c + 1])
      const d = Math.fround(from[at + c + 2])
      const e = Math.fround(from[at + c + 3])
      rows[to + c] = a
      rows[to + c + 1] = b
      rows[to + c + 2] = d
      rows[to + c + 3] = e
    }
    for (; c < columns; c++) rows[to + c] = from[at + c]
  }
}

/** products[i, j] = x[i] . y[j], two rows by three at a time. */
function multiply(
  x: Float64Array,
  inputs: number,
  y: Float64Array,
  outputs: number,
  columns: number,
  products: Float64Array,
): void {
  for (let i = 0; i < inputs; i += 2) {
    const i1 = i + 1 < inputs ? i + 1 : i
    for (let j = 0; j < outputs; j += 3) {
      const j1 = j + 1 < outputs ? j + 1 : j
      const j2 = j + 2 < outputs ? j + 2 : j
      tile(x, i * columns, i1 * columns, y, j * columns, j1 * columns, j2 * columns, columns)
      products[i1 * outputs + j2] = TILE[5]
      products[i1 * outputs + j1] = TILE[4]
      products[i1 * outputs + j] = TILE[3]
      products[i * outputs + j2] = TILE[2]
      products[i * outputs + j1] = TILE[1]
      products[i * outputs + j] = TILE[0]
    }
  }
}

const TILE = new Float64Array(6)

function tile(
  x: Float64Array,
  x0: number,
  x1: number,
  y: Float64Array,
  y0: number,
  y1: number,
  y2: number,
  columns: number,
): void {
  let s00 = 0
  let s01 = 0
  let s02 = 0
  let s10 = 0
  let s11 = 0
  let s12 = 0
  for (let c = 0; c < columns; c++) {
    const a = x[x0 + c]
    const b = x[x1 + c]
    const p = y[y0 + c]
    const q = y[y1 + c]
    const r = y[y2 + c]
    s00 += a * p
    s01 += a * q
    s02 += a * r
    s10 += b * p
    s11 += b * q
    s12 += b * r
  }
  TILE[0] = s00
  TILE[1] = s01
  TILE[2] = s02
  TILE[3] = s10
  TILE[4] = s11
  TILE[5] = s12
}

/** target += the sum of `gradients[k] * rows[k]`, six rows at a time, or three. */
function accumulate(
  target: Float64Array,
  at: number,
  gradients: Float64Array,
  first: number,
  rows: Float64Array,
  count: number,
  columns: number,
): void {
  let k = 0
  while (k < count) {
    const last = count - 1
    const g0 = gradients[first + k]
    const g1 = k + 1 < count ? gradients[first + k + 1] : 0
    const g2 = k + 2 < count ? gradients[first + k + 2] : 0
    const r0 = k * columns
    const r1 = Math.min(k + 1, last) * columns
    const r2 = Math.min(k + 2, last) * columns
    if (count - k <= 3) {
      for (let c = 0; c < columns; c++)
        target[at + c] += g0 * rows[r0 + c] + g1 * rows[r1 + c] + g2 * rows[r2 + c]
      return
    }
    const g3 = gradients[first + k + 3]
    const g4 = k + 4 < count ? gradients[first + k + 4] : 0
    const g5 = k + 5 < count ? gradients[first + k + 5] : 0
    const r3 = (k + 3) * columns
    const r4 = Math.min(k + 4, last) * columns
    const r5 = Math.min(k + 5, last) * columns
    for (let c = 0; c < columns; c++) {
      target[at + c] +=
        g0 * rows[r0 + c] +
        g1 * rows[r1 + c] +
        g2 * rows[r2 + c] +
        g3 * rows[r3 + c] +
        g4 * rows[r4 + c] +
        g5 * rows[r5 + c]
    }
    k += 6
  }
}
