/**
 * One step of skip-gram: all contexts of a centre against the centre and its negatives (docs/training-law.md, "The update").
 *
 * Sums are double, values float32. Loops take three rows at a time, so that a value once loaded serves three products.
 */

import type { PortableMatrix } from './matrix.js'

export class WindowKernel {
  readonly #columns: number
  readonly #vectors: Float32Array
  readonly #contexts: Float32Array
  /** First values of the rows in this window. */
  readonly #inputs: Float64Array
  readonly #outputs: Float64Array
  readonly #weights: Float64Array
  /** [input, output] products, then gradients. */
  readonly #products: Float64Array
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
    this.#inputs = new Float64Array(mostInputs)
    this.#outputs = new Float64Array(mostOutputs)
    this.#weights = new Float64Array(mostInputs)
    this.#products = new Float64Array(mostInputs * mostOutputs)
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
    this.addNegative(centre)
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

  addNegative(id: number): void {
    if (this.#outputSeen[id] === this.#generation) return
    this.#outputSeen[id] = this.#generation
    this.#outputs[this.#outputCount++] = id * this.#columns
  }

  /** Updates the rows and answers the loss before. */
  step(rate: number): number {
    this.#multiply()
    const loss = this.#differentiate(rate)
    this.#updateOutputs()
    this.#updateInputs()
    this.#contextsFromUpdated()
    return loss
  }

  #multiply(): void {
    const columns = this.#columns
    const vectors = this.#vectors
    const contexts = this.#contexts
    const outputCount = this.#outputCount
    for (let i = 0; i < this.#inputCount; i++) {
      const x = this.#inputs[i]
      const at = i * outputCount
      let j = 0
      for (; j + 3 <= outputCount; j += 3) {
        const y0 = this.#outputs[j]
        const y1 = this.#outputs[j + 1]
        const y2 = this.#outputs[j + 2]
        let s0 = 0
        let s1 = 0
        let s2 = 0
        for (let c = 0; c < columns; c++) {
          const value = vectors[x + c]
          s0 += value * contexts[y0 + c]
          s1 += value * contexts[y1 + c]
          s2 += value * contexts[y2 + c]
        }
        this.#products[at + j] = s0
        this.#products[at + j + 1] = s1
        this.#products[at + j + 2] = s2
      }
      for (; j < outputCount; j++) {
        const y = this.#outputs[j]
        let sum = 0
        for (let c = 0; c < columns; c++) sum += vectors[x + c] * contexts[y + c]
        this.#products[at + j] = sum
      }
    }
  }

  /** From products to gradients; answers the loss. */
  #differentiate(rate: number): number {
    const outputCount = this.#outputCount
    let loss = 0
    for (let i = 0; i < this.#inputCount; i++) {
      const weight = this.#weights[i]
      for (let j = 0; j < outputCount; j++) {
        const at = i * outputCount + j
        const product = this.#products[at]
        const label = j === 0 ? 1 : 0
        const e = Math.exp(-Math.abs(product))
        const sigmoid = product < 0 ? e / (1 + e) : 1 / (1 + e)
        loss += weight * (Math.log1p(e) + Math.max(0, label === 1 ? -product : product))
        this.#products[at] = rate * weight * (label - sigmoid)
      }
    }
    return loss
  }

  #updateOutputs(): void {
    const columns = this.#columns
    const vectors = this.#vectors
    const gradients = this.#products
    const updated = this.#updated
    const outputCount = this.#outputCount
    for (let j = 0; j < outputCount; j++) {
      const y = this.#outputs[j]
      const to = j * columns
      for (let c = 0; c < columns; c++) updated[to + c] = this.#contexts[y + c]
      let i = 0
      for (; i + 3 <= this.#inputCount; i += 3) {
        const x0 = this.#inputs[i]
        const x1 = this.#inputs[i + 1]
        const x2 = this.#inputs[i + 2]
        const g0 = gradients[i * outputCount + j]
        const g1 = gradients[(i + 1) * outputCount + j]
        const g2 = gradients[(i + 2) * outputCount + j]
        for (let c = 0; c < columns; c++) {
          updated[to + c] += g0 * vectors[x0 + c] + g1 * vectors[x1 + c] + g2 * vectors[x2 + c]
        }
      }
      for (; i < this.#inputCount; i++) {
        const x = this.#inputs[i]
        const g = gradients[i * outputCount + j]
        for (let c = 0; c < columns; c++) updated[to + c] += g * vectors[x + c]
      }
    }
  }

  #updateInputs(): void {
    const columns = this.#columns
    const vectors = this.#vectors
    const contexts = this.#contexts
    const gradients = this.#products
    const outputCount = this.#outputCount
    for (let i = 0; i < this.#inputCount; i++) {
      const x = this.#inputs[i]
      const at = i * outputCount
      let j = 0
      for (; j + 3 <= outputCount; j += 3) {
        const y0 = this.#outputs[j]
        const y1 = this.#outputs[j + 1]
        const y2 = this.#outputs[j + 2]
        const g0 = gradients[at + j]
        const g1 = gradients[at + j + 1]
        const g2 = gradients[at + j + 2]
        for (let c = 0; c < columns; c++) {
          vectors[x + c] += g0 * contexts[y0 + c] + g1 * contexts[y1 + c] + g2 * contexts[y2 + c]
        }
      }
      for (; j < outputCount; j++) {
        const y = this.#outputs[j]
        const g = gradients[at + j]
        for (let c = 0; c < columns; c++) vectors[x + c] += g * contexts[y + c]
      }
    }
  }

  #contextsFromUpdated(): void {
    const columns = this.#columns
    for (let j = 0; j < this.#outputCount; j++) {
      const y = this.#outputs[j]
      const from = j * columns
      for (let c = 0; c < columns; c++) this.#contexts[y + c] = this.#updated[from + c]
    }
  }
}
