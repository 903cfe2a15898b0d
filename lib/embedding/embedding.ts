/** The embedding: keys and their vectors, and the questions that are asked of them. */

import {
  type Engine,
  type Hooks,
  type Index,
  type IndexParameters,
  type IndexProgress,
  type Matrix,
  NO_ROW,
} from '../engine/engine.js'
import type { Metadata, Model, Origin } from '../formats/model.js'
import { readHooks } from '../formats/pieces.js'
import { type SaveOptions, saveModel } from '../formats/save.js'
import {
  INDEX_DEFAULTS,
  INDEX_SPECS,
  type IndexInfo,
  type IndexOptions,
  RECALL_DEFAULTS,
  RECALL_SPECS,
  type RecallOptions,
  type RecallReport,
} from '../search/approximate.js'
import { type AttributeValue, type Column, columnOf } from '../search/attributes.js'
import { type FilterRules, filterOf, type KeyFilter } from '../search/filter.js'
import {
  ANALOGY_DEFAULTS,
  ANALOGY_SPECS,
  type AnalogySearchOptions,
  type AnalogySettings,
  SEARCH_DEFAULTS,
  SEARCH_SPECS,
  type SearchOptions,
  type SearchSettings,
} from '../search/options.js'
import { type Neighbour, type NeighbourRows, Searcher } from '../search/searcher.js'
import { SIGNAL } from '../train/options.js'
import type { TrainingReport } from '../train/report.js'
import { received, resolveOptions } from '../train/specs.js'
import { AnyvecError } from '../errors.js'
import { Keys } from './keys.js'
import type { Query, Term } from './query.js'
import { offsetAt, offsetWords } from './key-bytes.js'
import { cosine, norm } from './vectors.js'

/** What is known of an embedding beyond its model. */
export interface Provenance {
  /** The model's keys, where they have been looked at already. */
  readonly keys?: Keys | undefined
  readonly report?: TrainingReport | undefined
  readonly origin?: Origin | undefined
  readonly index?: Index | undefined
}

/**
 * Keys and their vectors. `train` and `open` make one.
 *
 * Vectors are rows of one matrix of float32, [size, dimensions], row `i` for key `i`, the most frequent key first.
 *
 * @example
 * const words = await open('wiki.safetensors')
 * words.similarity('apple', 'banana')               // 0.61
 * await words.nearest('apple', { k: 3 })            // [{ key: 'pear', score: 0.74 }, ...]
 * await words.analogy('man', 'king', 'woman')       // [{ key: 'queen', score: 0.71 }, ...]
 */
export class Embedding {
  /** The keys, numbered as the rows are. */
  readonly keys: Keys
  /** Values in a vector. */
  readonly dimensions: number
  /** Where the model came from: plain JSON that a safetensors file carries. */
  readonly metadata: Metadata
  /** How training went; only on what `train` answered. */
  readonly report: TrainingReport | undefined
  /** The file it came from, and what was left out of it; only on what `open` answered. */
  readonly origin: Origin | undefined
  readonly #engine: Engine
  readonly #model: Model
  readonly #matrix: Matrix
  readonly #searcher: Searcher
  readonly #attributes: Map<string, Column>

  /** Made by `train` and `open`; there is no reason to call it. */
  constructor(
    engine: Engine,
    model: Model,
    { keys = new Keys(model.keys), report, origin, index }: Provenance = {},
  ) {
    this.keys = keys
    this.dimensions = model.vectors.columns
    this.metadata = model.metadata
    this.report = report
    this.origin = origin
    this.#engine = engine
    this.#model = model
    this.#matrix = model.vectors
    this.#attributes = new Map(model.attributes)
    const tables = { vectors: model.vectors, contexts: model.contexts }
    this.#searcher = new Searcher(engine, keys, tables, (rules, signal) => this.filter(rules, { signal }))
    this.#searcher.index = index
  }

  /** How many keys there are. */
  get size(): number {
    return this.keys.size
  }

  /** All vectors, [size, dimensions], row after row: a view, not a copy. */
  get vectors(): Float32Array {
    return this.#matrix.data
  }

  /** All context vectors, [size, dimensions]: a view; undefined where the file had none. */
  get contexts(): Float32Array | undefined {
    return this.#model.contexts?.data
  }

  /** Whether a key is in the vocabulary. */
  has(key: string): boolean {
    return this.keys.has(key)
  }

  /**
   * The vector of a key, [dimensions]: a view of the model, so writing to it changes the model.
   * Errors: ERR_ANYVEC_UNKNOWN_KEY.
   *
   * @example
   * words.vector('apple')  // Float32Array(100) [ 0.21, -0.53, ... ]
   */
  vector(key: string): Float32Array {
    return this.#row(this.#matrix, this.keys.require(key))
  }

  /**
   * The context vector of a key, [dimensions], a view: what predicts the key from its surroundings.
   * undefined where the model has no context vectors (word2vec files). Errors: ERR_ANYVEC_UNKNOWN_KEY.
   */
  context(key: string): Float32Array | undefined {
    const id = this.keys.require(key)
    return this.#model.contexts === undefined ? undefined : this.#row(this.#model.contexts, id)
  }

  /**
   * How often a key occurred in the data; undefined where the model does not tell (word2vec files).
   * Errors: ERR_ANYVEC_UNKNOWN_KEY.
   */
  count(key: string): number | undefined {
    const id = this.keys.require(key)
    return this.#model.counts === undefined ? undefined : offsetAt(offsetWords(this.#model.counts), id)
  }

  /**
   * The cosine of the angle between two keys or vectors, -1..1; 0 for a zero vector of the model.
   * Errors: ERR_ANYVEC_UNKNOWN_KEY, ERR_ANYVEC_VECTOR.
   *
   * @example
   * words.similarity('apple', 'banana')  // 0.61
   */
  similarity(a: Term, b: Term): number {
    const resolver = this.#searcher.resolver('vectors')
    return cosine(resolver.term(a).vector, resolver.term(b).vector)
  }

  /**
   * The keys nearest to a query, best first, by exact search. The query's own keys are left out of the answers.
   * Of a set, every term is brought to length 1 and multiplied by its weight; positive ones are added, negative ones subtracted.
   * `k` answers come wherever so many keys may be answers; equal scores go to the more frequent key; a row that holds a value that is
   * not a number is no answer.
   *
   * Errors: ERR_ANYVEC_UNKNOWN_KEY (it names the nearest spelling); ERR_ANYVEC_VECTOR for a vector of the wrong length, with a value that
   * is not finite, or zero; ERR_ANYVEC_OPTION, also for `k: 0`; ERR_ANYVEC_USAGE for something that is no query or filter, or a matrix
   * that the model lacks.
   *
   * @example
   * await words.nearest('apple', { k: 3 })
   * await words.nearest(words.vector('apple'))        // 'apple' itself comes first: only keys are left out
   * await words.nearest({ positive: ['king', 'woman'], negative: ['man'] })
   * await words.nearest({ positive: [{ term: 'king', weight: 2 }, 'woman'] })
   * await words.nearest('apple', { filter: { except: ['pear'] } })
   * await words.nearest('apple', { among: 'contexts' })  // what stands beside it
   */
  async nearest(query: Query, options?: SearchOptions): Promise<Neighbour[]> {
    return (await this.nearestBatch([query], options))[0]
  }

  /**
   * The answers to many queries at once, in their order: what `nearest` answers to each, at a fraction of the time.
   * Errors: as `nearest`.
   *
   * @example
   * const [fruit, cars] = await words.nearestBatch(['apple', 'car'], { k: 5 })
   */
  async nearestBatch(queries: readonly Query[], options?: SearchOptions): Promise<Neighbour[][]> {
    const settings = resolveOptions<SearchSettings>(SEARCH_SPECS, options, SEARCH_DEFAULTS)
    return this.#searcher.nearest(queries, settings)
  }

  /**
   * The same with typed arrays, for large batches and other programs' vectors: no key is spelled.
   *
   * @param queries vectors, [n, dimensions], one after the other; or numbers of keys, each of which is left out of its own answers
   * @returns numbers of keys and scores, [n, k]
   *
   * Errors: as `nearest`.
   *
   * @example
   * const { k, ids, scores } = await words.nearestRows(Uint32Array.of(0, 1, 2), { k: 5 })
   * words.keys.at(ids[0])  // the key nearest to the most frequent one
   */
  async nearestRows(queries: Float32Array | Uint32Array, options?: SearchOptions): Promise<NeighbourRows> {
    const settings = resolveOptions<SearchSettings>(SEARCH_SPECS, options, SEARCH_DEFAULTS)
    return this.#searcher.nearestRows(queries, settings)
  }

  /**
   * What completes an analogy: a is to b as c is to ... ? (3CosAdd; Mikolov, Yih and Zweig 2013; `method` knows two others), best first.
   * The three are left out of the answers where they are keys.
   * Errors: as `nearest`.
   *
   * @example
   * await words.analogy('man', 'king', 'woman', { k: 1 })  // [{ key: 'queen', score: 0.71 }]
   */
  async analogy(a: Term, b: Term, c: Term, options?: AnalogySearchOptions): Promise<Neighbour[]> {
    return (await this.analogyBatch([[a, b, c]], options))[0]
  }

  /**
   * The answers to many analogies `[a, b, c]` at once, in their order.
   * Errors: as `nearest`.
   *
   * @example
   * await words.analogyBatch([['man', 'king', 'woman'], ['france', 'paris', 'italy']], { k: 1 })
   */
  async analogyBatch(
    questions: readonly (readonly [Term, Term, Term])[],
    options?: AnalogySearchOptions,
  ): Promise<Neighbour[][]> {
    const settings = resolveOptions<AnalogySettings>(ANALOGY_SPECS, options, ANALOGY_DEFAULTS)
    return this.#searcher.analogies(questions, settings)
  }

  /**
   * A filter for any number of searches: which keys can be answers. Answers of filtered searches are exact.
   * Errors: ERR_ANYVEC_UNKNOWN_KEY; ERR_ANYVEC_USAGE for what is no rule.
   *
   * @example
   * const nouns = await words.filter({ only: ['apple', 'pear', 'car'] })
   * await words.nearest('fruit', { filter: nouns })
   */
  async filter(
    rules: FilterRules,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<KeyFilter> {
    const { signal } = resolveOptions<{ signal?: AbortSignal }>([SIGNAL], options, {})
    if (typeof rules !== 'object' || rules === null) {
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        `Expected the rules of a filter but received ${received(rules)}`,
      )
    }
    signal?.throwIfAborted()
    return filterOf(this.keys, this.#attributes, rules, readHooks(signal).pause)
  }

  /**
   * Builds the index for approximate search by cosine: a graph of near keys (HNSW; Malkov and Yashunin 2016). It replaces an older one,
   * is saved with the model in a safetensors file, and opens with it without being read. Keys whose vectors are not finite are left out.
   * The portable engine links nothing: its approximate answers are exact.
   *
   * Errors: ERR_ANYVEC_OPTION; ERR_ANYVEC_MEMORY.
   *
   * @example
   * await words.buildIndex({ onProgress: ({ rows, totalRows }) => console.log(rows / totalRows) })
   * await words.nearest('apple', { approximate: true })
   */
  async buildIndex(options?: IndexOptions): Promise<IndexInfo> {
    const { onProgress, signal, ...parameters } = resolveOptions<IndexParameters & Hooks<IndexProgress>>(
      INDEX_SPECS,
      options,
      INDEX_DEFAULTS,
    )
    const index = await this.#engine.buildIndex(this.#matrix, parameters, { onProgress, signal })
    this.#searcher.index = index
    return infoOf(index)
  }

  /** The index for approximate search; undefined where there is none. */
  get index(): IndexInfo | undefined {
    return this.#searcher.index && infoOf(this.#searcher.index)
  }

  /**
   * Takes keys out of the answers of approximate search, until they are added again. Errors: ERR_ANYVEC_UNKNOWN_KEY; ERR_ANYVEC_USAGE
   * without an index.
   */
  async removeFromIndex(keys: Iterable<string>): Promise<IndexInfo> {
    return this.#changeIndex(keys, 'remove')
  }

  /**
   * Puts keys that were removed, or whose vectors were not finite, into the answers of approximate search, with their vectors of now.
   * Errors: as `removeFromIndex`.
   */
  async addToIndex(keys: Iterable<string>): Promise<IndexInfo> {
    return this.#changeIndex(keys, 'add')
  }

  /**
   * How many of the exact answers approximate search finds, over keys spread over the vocabulary.
   * Errors: ERR_ANYVEC_USAGE without an index; ERR_ANYVEC_OPTION.
   *
   * @example
   * await words.buildIndex()
   * const { recall } = await words.recallAgainstExact({ k: 10, expansion: 64 })  // 0.98
   */
  async recallAgainstExact(options?: RecallOptions): Promise<RecallReport> {
    const { queries, k, expansion, threads, signal } = resolveOptions<
      typeof RECALL_DEFAULTS & { signal?: AbortSignal }
    >(RECALL_SPECS, options, RECALL_DEFAULTS)
    const count = Math.min(queries, this.size)
    const asked: number[] = []
    for (let i = 0; i < count; i++) {
      const id = Math.floor(((i + 0.5) * this.size) / count)
      // a zero vector has no nearest ones, and one that is not finite cannot be asked
      const length = norm(this.#row(this.#matrix, id))
      if (length > 0 && length < Infinity) asked.push(id)
    }
    const ids = Uint32Array.from(asked)
    const started = performance.now()
    const found = await this.nearestRows(ids, { k, expansion, threads, signal, approximate: true })
    const between = performance.now()
    const right = await this.nearestRows(ids, { k, threads, signal })
    const ended = performance.now()
    let hits = 0
    let wanted = 0
    for (let from = 0; from < right.ids.length; from += right.k) {
      const answers = new Set(found.ids.subarray(from, from + right.k))
      for (const id of right.ids.subarray(from, from + right.k)) {
        if (id === NO_ROW) continue
        wanted++
        if (answers.has(id)) hits++
      }
    }
    return {
      recall: hits / wanted,
      queries: ids.length,
      k: right.k,
      expansion,
      exact: found.exact,
      seconds: { exact: (ended - between) / 1000, approximate: (between - started) / 1000 },
    }
  }

  async #changeIndex(keys: Iterable<string>, change: 'add' | 'remove'): Promise<IndexInfo> {
    const rows = Uint32Array.from([...keys], (key) => this.keys.require(key))
    const { index } = this.#searcher
    if (index === undefined)
      throw new AnyvecError('ERR_ANYVEC_USAGE', 'There is no index: call buildIndex() first')
    const changed = await this.#engine.changeIndex(index, rows, change, SEARCH_DEFAULTS.threads)
    this.#searcher.index = changed
    return infoOf(changed)
  }

  /**
   * Attaches an attribute: one number or string a key, in the order of the keys, for filters to look at. It replaces one of the same
   * name, and is saved with the model in a safetensors file. NaN may stand for an unknown number.
   * Errors: ERR_ANYVEC_USAGE for another number of values, values of two types, or a name that is no name.
   *
   * @example
   * words.attach('length', [...words.keys].map((key) => key.length))
   * await words.nearest('apple', { filter: { where: ({ length }) => Number(length) <= 4 } })
   */
  attach(name: string, values: ArrayLike<AttributeValue>): void {
    this.#attributes.set(name, columnOf(name, values, this.size))
  }

  /** The names of the attributes that keys have. */
  get attributes(): readonly string[] {
    return [...this.#attributes.keys()]
  }

  /**
   * What an attribute says of a key; undefined where there is no such attribute. Errors: ERR_ANYVEC_UNKNOWN_KEY.
   *
   * @example
   * words.attach('length', [...words.keys].map((key) => key.length))
   * words.attribute('apple', 'length')  // 5
   */
  attribute(key: string, name: string): AttributeValue | undefined {
    return this.#attributes.get(name)?.at(this.keys.require(key))
  }

  /**
   * Writes the model: whole or not at all, so that an old file of that name stays until the new one is complete.
   * The format follows the extension: `.safetensors` (ours: everything), `.bin` (word2vec binary) or `.vec` and `.txt`
   * (word2vec text): these two hold keys and vectors alone.
   *
   * Errors: ERR_ANYVEC_OPTION for another extension; ERR_ANYVEC_OUTPUT when the file cannot be written, or its format
   * cannot hold a key with white space; ERR_ANYVEC_VECTOR when a value is not finite (someone wrote it into the model).
   *
   * @example
   * await words.save('wiki.safetensors')
   * await words.save('wiki.w2v', { format: 'word2vec-binary' })
   */
  async save(path: string, options?: SaveOptions): Promise<void> {
    const { index } = this.#searcher
    const bytes = index && (await this.#engine.indexBytes(index))
    const model = { ...this.#model, attributes: this.#attributes, index: bytes && { bytes } }
    await saveModel(this.#engine, model, path, options)
  }

  #row(matrix: Matrix, id: number): Float32Array {
    return matrix.data.subarray(id * matrix.columns, (id + 1) * matrix.columns)
  }
}

function infoOf({ size, connectivity, expansion, storage }: Index): IndexInfo {
  return { size, connectivity, expansion, storage }
}
