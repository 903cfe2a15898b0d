/** Searching the matrices of a model: from queries to vectors, through the engine, to answers. */

import type { Keys } from '../embedding/keys.js'
import { type Query, QueryResolver, type ResolvedQuery, type Term } from '../embedding/query.js'
import { firstNonFinite, norm } from '../embedding/vectors.js'
import {
  type Engine,
  type Index,
  type Matrix,
  type Metric,
  NO_ROW,
  type TopK,
  type TopKRequest,
} from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import { received } from '../train/specs.js'
import { KeyFilter, type FilterRules } from './filter.js'
import type { AnalogySettings, SearchSettings, Table } from './options.js'

/** One answer. */
export interface Neighbour {
  readonly key: string
  /** The cosine, -1..1, the dot product, or minus the distance, as `metric` says: larger is nearer. */
  readonly score: number
}

/** Answers as typed arrays: those to query `i` stand at `i * k .. (i + 1) * k`, best first. */
export interface NeighbourRows {
  /** Answers a query. */
  readonly k: number
  /** Numbers of keys, for `keys.at`; `NO_ROW` (2^32 - 1) where there are fewer than `k` answers. */
  readonly ids: Uint32Array
  readonly scores: Float32Array
  /** Whether the answers are the nearest for certain: always, unless `approximate` was asked for. */
  readonly exact: boolean
}

/** Values of queries and answers that one search holds at most: a long batch goes in several. */
const SEARCH_VALUES = 2 ** 24

/** Makes a filter of rules. */
export type MakeFilter = (rules: FilterRules, signal: AbortSignal | undefined) => Promise<KeyFilter>

/** What an engine is asked for besides the vectors. */
type Asked = Pick<TopKRequest, 'rows' | 'filter' | 'threads' | 'metric'>

interface Found extends TopK {
  readonly exact: boolean
}

export class Searcher {
  readonly #engine: Engine
  readonly #keys: Keys
  readonly #tables: Readonly<Record<Table, Matrix | undefined>>
  readonly #resolvers = new Map<Table, QueryResolver>()
  readonly #makeFilter: MakeFilter
  /** For approximate search, where there is one. */
  index: Index | undefined

  constructor(
    engine: Engine,
    keys: Keys,
    tables: Readonly<Record<Table, Matrix | undefined>>,
    makeFilter: MakeFilter,
  ) {
    this.#engine = engine
    this.#keys = keys
    this.#tables = tables
    this.#makeFilter = makeFilter
  }

  /** The resolver of queries whose keys stand for rows of a table. Errors: ERR_ANYVEC_USAGE where the model lacks it. */
  resolver(table: Table): QueryResolver {
    let found = this.#resolvers.get(table)
    if (found === undefined) {
      const { data, columns } = this.#table(table)
      found = new QueryResolver(this.#keys, data, columns)
      this.#resolvers.set(table, found)
    }
    return found
  }

  async nearest(queries: readonly Query[], settings: SearchSettings): Promise<Neighbour[][]> {
    settings.signal?.throwIfAborted()
    const resolver = this.resolver(settings.from)
    const resolved = queries.map((query) => resolver.resolve(query))
    return this.#neighbours(resolved, settings)
  }

  async nearestRows(queries: Float32Array | Uint32Array, settings: SearchSettings): Promise<NeighbourRows> {
    settings.signal?.throwIfAborted()
    const { columns } = this.#table(settings.among)
    const vectors = this.#vectorsOf(queries, settings)
    const own = queries instanceof Uint32Array ? queries : undefined
    const count = vectors.length / columns
    const asked = await this.#asked(settings)
    const k = Math.min(settings.k, asked.rows)
    const wanted = Math.min(asked.rows, k + (own === undefined ? 0 : 1))
    const step = this.#step(wanted)
    if (own === undefined && count <= step) return { k, ...(await this.#topK(vectors, k, asked, settings)) }
    const ids = new Uint32Array(count * k).fill(NO_ROW)
    const scores = new Float32Array(count * k)
    let exact = true
    for (let from = 0; from < count; from += step) {
      const to = Math.min(count, from + step)
      const found = await this.#topK(vectors.subarray(from * columns, to * columns), wanted, asked, settings)
      exact &&= found.exact
      for (let i = from; i < to; i++) {
        let at = i * k
        for (let j = (i - from) * wanted; j < (i - from + 1) * wanted && at < (i + 1) * k; j++) {
          if (own !== undefined && found.ids[j] === own[i]) continue
          ids[at] = found.ids[j]
          scores[at++] = found.scores[j]
        }
      }
    }
    return { k, ids, scores, exact }
  }

  async analogies(
    questions: readonly (readonly [Term, Term, Term])[],
    settings: AnalogySettings,
  ): Promise<Neighbour[][]> {
    const { method } = settings
    if (method === '3cosadd') {
      return this.nearest(
        questions.map(([a, b, c]) => ({ positive: [b, c], negative: [a] })),
        settings,
      )
    }
    settings.signal?.throwIfAborted()
    const resolver = this.resolver(settings.from)
    const resolved = questions.map((terms) => {
      const three = terms.map((term) => resolver.resolve(term))
      return {
        vectors: three.map(({ vector }) => vector),
        excluded: three.flatMap(({ excluded }) => excluded),
      }
    })
    return this.#neighbours(resolved, settings, method)
  }

  #table(table: Table): Matrix {
    const matrix = this.#tables[table]
    if (matrix === undefined) {
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        `The model has no ${table}: only training and its own files make them`,
        {
          table,
        },
      )
    }
    return matrix
  }

  /** Queries that one call of the engine takes. */
  #step(wanted: number): number {
    return Math.max(1, Math.floor(SEARCH_VALUES / (this.#table('vectors').columns + wanted)))
  }

  async #asked({ limit, filter, threads, metric, signal }: SearchSettings): Promise<Asked> {
    const rows = limit === 0 ? this.#keys.size : Math.min(limit, this.#keys.size)
    if (filter === undefined) return { rows, threads, metric }
    const made = filter instanceof KeyFilter ? filter : await this.#makeFilter(filter, signal)
    if (made.keys !== this.#keys) {
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        'The filter was made for another embedding; make one with this one’s filter()',
      )
    }
    return { rows, threads, metric, filter: made.words }
  }

  async #topK(vectors: Float32Array, k: number, asked: Asked, settings: SearchSettings): Promise<Found> {
    const { among, approximate, expansion, signal } = settings
    if (!approximate) {
      return {
        ...(await this.#engine.topK(this.#table(among), { ...asked, queries: vectors, k }, { signal })),
        exact: true,
      }
    }
    if (this.index === undefined) {
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        'There is no index for approximate search: call buildIndex() first',
      )
    }
    if (asked.metric !== 'cosine' || among !== 'vectors') {
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        `The index is one of cosines among vectors; without approximate: true ${asked.metric} among ${among} is answered exactly`,
        { metric: asked.metric, among },
      )
    }
    return this.#engine.walkIndex(
      this.index,
      { ...asked, queries: vectors, k, expansion, always: false },
      { signal },
    )
  }

  #vectorsOf(queries: Float32Array | Uint32Array, { from, among, metric }: SearchSettings): Float32Array {
    const { columns } = this.#table(among)
    if (queries instanceof Uint32Array) {
      const { data, rows } = this.#table(from)
      const vectors = new Float32Array(queries.length * columns)
      queries.forEach((row, i) => {
        if (row >= rows) {
          throw new AnyvecError(
            'ERR_ANYVEC_UNKNOWN_KEY',
            `There is no key number ${row}; the last one is ${rows - 1}`,
            { row },
          )
        }
        vectors.set(data.subarray(row * columns, (row + 1) * columns), i * columns)
      })
      return this.#checked(vectors, columns, metric)
    }
    if (!(queries instanceof Float32Array)) {
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        `Expected queries to be a Float32Array of vectors or a Uint32Array of numbers of keys but received ${received(queries)}`,
        { received: queries },
      )
    }
    if (queries.length % columns !== 0) {
      throw new AnyvecError(
        'ERR_ANYVEC_VECTOR',
        `Expected vectors of ${columns} values but received ${queries.length} values, which is no multiple`,
        { expected: columns, received: queries.length },
      )
    }
    return this.#checked(queries, columns, metric)
  }

  /** The vectors themselves, or the first that cannot be searched with as an error. */
  #checked(vectors: Float32Array, columns: number, metric: Metric): Float32Array {
    const bad = firstNonFinite(vectors)
    if (bad >= 0) {
      throw new AnyvecError(
        'ERR_ANYVEC_VECTOR',
        `Expected finite numbers but value ${bad % columns} of query ${Math.floor(bad / columns)} is ${vectors[bad]}`,
        { query: Math.floor(bad / columns), index: bad % columns, received: vectors[bad] },
      )
    }
    for (let i = 0; metric === 'cosine' && i < vectors.length; i += columns) {
      if (vectors.subarray(i, i + columns).every((value) => value === 0)) {
        throw new AnyvecError(
          'ERR_ANYVEC_VECTOR',
          `Query ${i / columns} is zero: it has no direction to search in`,
          {
            query: i / columns,
          },
        )
      }
    }
    return vectors
  }

  /** The answers to resolved queries, in blocks, without the rows that are none. */
  async #neighbours(
    queries: readonly (
      | ResolvedQuery
      | { readonly vectors: readonly ArrayLike<number>[]; readonly excluded: readonly number[] }
    )[],
    settings: SearchSettings,
    method?: '3cosmul' | 'pair-direction',
  ): Promise<Neighbour[][]> {
    const asked = { ...(await this.#asked(settings)), ...(method === undefined ? {} : { metric: method }) }
    const step = this.#step(Math.min(settings.k, asked.rows))
    const answers: Neighbour[][] = []
    for (let from = 0; from < queries.length; from += step) {
      const block = queries.slice(from, from + step)
      for (const answer of await this.#answer(block, asked as Asked, settings)) answers.push(answer)
    }
    return answers
  }

  async #answer(
    queries: readonly (
      | ResolvedQuery
      | { readonly vectors: readonly ArrayLike<number>[]; readonly excluded: readonly number[] }
    )[],
    asked: Asked,
    settings: SearchSettings,
  ): Promise<Neighbour[][]> {
    const { columns } = this.#table(settings.among)
    const each = queries.length > 0 && 'vectors' in queries[0] ? 3 : 1
    const vectors = new Float32Array(queries.length * each * columns)
    let excluded = 0
    let at = 0
    for (const query of queries) {
      for (const vector of 'vectors' in query ? query.vectors : [query.vector]) {
        // of length 1 in double first: the squares of very large or small values leave float32
        const scale = asked.metric === 'dot' || asked.metric === 'euclidean' ? 1 : 1 / norm(vector)
        for (let j = 0; j < columns; j++) vectors[at++] = vector[j] * scale
      }
      excluded = Math.max(excluded, query.excluded.length)
    }
    // the query's own keys are usually among the best: ask for as many more
    const wanted = Math.min(asked.rows, settings.k + excluded)
    const found = await this.#topK(vectors, wanted, asked, settings)
    return queries.map((query, i) => {
      const neighbours: Neighbour[] = []
      for (let j = i * wanted; j < (i + 1) * wanted && neighbours.length < settings.k; j++) {
        const id = found.ids[j]
        if (id === NO_ROW) break
        if (!query.excluded.includes(id))
          neighbours.push({ key: this.#keys.at(id) as string, score: found.scores[j] })
      }
      return neighbours
    })
  }
}
