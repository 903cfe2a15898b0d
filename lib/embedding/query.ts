/** What can be asked of an embedding, turned into the vectors that an engine searches with. */

import { AnyvecError } from '../errors.js'
import type { Keys } from './keys.js'
import { firstNonFinite, norm } from './vectors.js'

/** A key of the embedding, or a vector of its length. */
export type Term = string | ArrayLike<number>

/** A term that counts for more or less than others. */
export interface WeightedTerm {
  readonly term: Term
  /** Above 0; a term alone has weight 1. */
  readonly weight: number
}

/** Several terms at once: what is near all of `positive` and far from all of `negative`. */
export interface TermSet {
  readonly positive?: readonly (Term | WeightedTerm)[] | undefined
  readonly negative?: readonly (Term | WeightedTerm)[] | undefined
}

/** A key, a vector, or a set of both. */
export type Query = Term | TermSet

/** The vector to search with, and the rows that are no answer: those of the keys that were asked with. */
export interface ResolvedQuery {
  readonly vector: ArrayLike<number>
  readonly excluded: readonly number[]
}

/** Turns queries into vectors, with the keys and rows of one embedding. */
export class QueryResolver {
  readonly #keys: Keys
  readonly #rows: Float32Array
  readonly #columns: number

  constructor(keys: Keys, rows: Float32Array, columns: number) {
    this.#keys = keys
    this.#rows = rows
    this.#columns = columns
  }

  /** Errors: ERR_ANYVEC_UNKNOWN_KEY, ERR_ANYVEC_VECTOR, ERR_ANYVEC_USAGE. */
  resolve(query: Query): ResolvedQuery {
    if (typeof query === 'string' || isVector(query)) {
      const { vector, id } = this.term(query)
      if (norm(vector) === 0) throw zeroQuery(query)
      return { vector, excluded: id === undefined ? [] : [id] }
    }
    const { positive, negative } = termSet(query)
    const sum = new Float64Array(this.#columns)
    const excluded = new Set<number>()
    let sign = 1
    let heaviest = 0
    for (const terms of [positive, negative]) {
      for (const each of terms) {
        const { term, weight } = weighted(each)
        const { vector, id } = this.term(term)
        const factor = (sign * weight) / norm(vector)
        heaviest = Math.max(heaviest, weight)
        // a zero row of the model has no direction to add
        if (Number.isFinite(factor)) for (let i = 0; i < sum.length; i++) sum[i] += factor * vector[i]
        if (id !== undefined) excluded.add(id)
      }
      sign = -1
    }
    // unit vectors that cancel out leave rounding errors, whose direction means nothing
    if (norm(sum) < 1e-6 * heaviest) throw zeroQuery(query)
    return { vector: sum, excluded: [...excluded] }
  }

  /** The vector of one term, and its row when it is a key. Errors: ERR_ANYVEC_UNKNOWN_KEY, ERR_ANYVEC_VECTOR. */
  term(term: Term): { readonly vector: ArrayLike<number>; readonly id: number | undefined } {
    if (typeof term === 'string') {
      const id = this.#keys.require(term)
      return { vector: this.#rows.subarray(id * this.#columns, (id + 1) * this.#columns), id }
    }
    if (!isVector(term)) {
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        `Expected a key (a string) or a vector (numbers) but received ${describe(term)}`,
        { received: term },
      )
    }
    if (term.length !== this.#columns) {
      throw new AnyvecError(
        'ERR_ANYVEC_VECTOR',
        `Expected a vector of ${this.#columns} values but received one of ${term.length}`,
        { expected: this.#columns, received: term.length },
      )
    }
    for (let i = 0; i < term.length; i++) {
      if (typeof term[i] !== 'number') throw badValue(i, term[i])
    }
    // a double past float32's range becomes infinite where the engine takes it
    const index = firstNonFinite(Float32Array.from(term))
    if (index >= 0) throw badValue(index, term[index])
    if (norm(term) === 0) throw zeroQuery(term)
    return { vector: term, id: undefined }
  }
}

function isVector(query: unknown): query is ArrayLike<number> {
  return Array.isArray(query) || (ArrayBuffer.isView(query) && 'length' in query)
}

function weighted(term: Term | WeightedTerm): WeightedTerm {
  if (typeof term !== 'object' || term === null || !('weight' in term))
    return { term: term as Term, weight: 1 }
  if (typeof term.weight !== 'number' || !(term.weight > 0 && term.weight < Infinity)) {
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      `Expected a weight to be a finite number above 0 but received ${describe(term.weight)}; what should count against goes into "negative"`,
      { received: term.weight },
    )
  }
  return term
}

type Terms = readonly (Term | WeightedTerm)[]

function termSet(query: TermSet): { readonly positive: Terms; readonly negative: Terms } {
  if (typeof query !== 'object' || query === null) throw notAQuery(query)
  for (const name of Object.keys(query))
    if (name !== 'positive' && name !== 'negative') throw notAQuery(query)
  const { positive = [], negative = [] } = query
  if (!Array.isArray(positive) || !Array.isArray(negative)) throw notAQuery(query)
  if (positive.length + negative.length === 0) {
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      'A query needs at least one key or vector in "positive" or "negative"',
    )
  }
  return { positive, negative }
}

function notAQuery(query: unknown): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_USAGE',
    'Expected a query to be a key, a vector, or { positive, negative } with arrays of keys or vectors, ' +
      `but received ${describe(query)}`,
    { received: query },
  )
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `${String(value)} (${typeof value})`
  return `an object with ${Object.keys(value).slice(0, 5).join(', ') || 'nothing in it'}`
}

function badValue(index: number, value: unknown): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_VECTOR',
    `Expected a vector of finite numbers but value ${index} is ${String(value)}`,
    { index, received: value },
  )
}

function zeroQuery(query: unknown): AnyvecError {
  const what = typeof query === 'string' ? `The vector of ${JSON.stringify(query)}` : 'The query'
  return new AnyvecError('ERR_ANYVEC_VECTOR', `${what} is zero: it has no direction to search in`, { query })
}
