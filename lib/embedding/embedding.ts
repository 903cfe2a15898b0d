/** The embedding: keys and their vectors, and the questions that are asked of them. */

import type { Engine, Matrix } from '../engine/engine.js'
import { NO_ROW } from '../engine/engine.js'
import type { Metadata, Model, Origin } from '../formats/model.js'
import { type SaveOptions, saveModel } from '../formats/save.js'
import { DEFAULTS, SIGNAL, THREADS } from '../train/options.js'
import type { TrainingReport } from '../train/report.js'
import { type OptionSpec, resolveOptions } from '../train/specs.js'
import { Keys } from './keys.js'
import { type Query, QueryResolver, type ResolvedQuery, type Term } from './query.js'
import { offsetAt, offsetWords } from './key-bytes.js'
import { cosine, norm } from './vectors.js'

/** One answer. */
export interface Neighbour {
  readonly key: string
  /** The cosine, -1..1, or the dot product, as `metric` says: larger is nearer. */
  readonly score: number
}

/** How to search. */
export interface SearchOptions {
  /** Answers wanted, >= 1; fewer come back where the vocabulary is smaller. Default: 10. */
  readonly k?: number | undefined
  /** `cosine` compares directions, `dot` lengths too. Default: `cosine`. */
  readonly metric?: 'cosine' | 'dot' | undefined
  /** Only the N most frequent keys can be answers; 0 allows all. Default: 0. */
  readonly limit?: number | undefined
  /** Threads that search, 1..1024. Default: all processors. */
  readonly threads?: number | undefined
  /** Stops the search; its promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

interface SearchSettings {
  readonly k: number
  readonly metric: 'cosine' | 'dot'
  readonly limit: number
  readonly threads: number
  readonly signal?: AbortSignal | undefined
}

const SEARCH_DEFAULTS: SearchSettings = Object.freeze({
  k: 10,
  metric: 'cosine',
  limit: 0,
  threads: DEFAULTS.threads,
})

const SEARCH_SPECS: readonly OptionSpec[] = [
  { name: 'k', type: 'integer', min: 1, max: Number.MAX_SAFE_INTEGER, doc: 'answers wanted' },
  { name: 'metric', type: 'choice', choices: ['cosine', 'dot'], doc: 'how vectors are compared' },
  {
    name: 'limit',
    type: 'integer',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    doc: 'only the N most frequent keys; 0 allows all',
  },
  THREADS,
  SIGNAL,
]

/** What is known of an embedding beyond its model. */
export interface Provenance {
  /** The model's keys, where they have been looked at already. */
  readonly keys?: Keys | undefined
  readonly report?: TrainingReport | undefined
  readonly origin?: Origin | undefined
}

/** Values of queries and answers that one search holds at most: a long batch goes in several. */
const SEARCH_VALUES = 2 ** 24

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
  readonly #queries: QueryResolver

  /** Made by `train` and `open`; there is no reason to call it. */
  constructor(
    engine: Engine,
    model: Model,
    { keys = new Keys(model.keys), report, origin }: Provenance = {},
  ) {
    this.keys = keys
    this.dimensions = model.vectors.columns
    this.metadata = model.metadata
    this.report = report
    this.origin = origin
    this.#engine = engine
    this.#model = model
    this.#matrix = model.vectors
    this.#queries = new QueryResolver(keys, model.vectors.data, model.vectors.columns)
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
    return cosine(this.#queries.term(a).vector, this.#queries.term(b).vector)
  }

  /**
   * The keys nearest to a query, best first, by exact search. The query's own keys are left out of the answers.
   * Of a set, every term is brought to length 1; positive ones are added, negative ones subtracted.
   *
   * Errors: ERR_ANYVEC_UNKNOWN_KEY; ERR_ANYVEC_VECTOR for a vector of the wrong length, with a value that is not finite, or
   * zero; ERR_ANYVEC_OPTION; ERR_ANYVEC_USAGE for something that is no query.
   *
   * @example
   * await words.nearest('apple', { k: 3 })
   * await words.nearest(words.vector('apple'))        // 'apple' itself comes first: only keys are left out
   * await words.nearest({ positive: ['king', 'woman'], negative: ['man'] })
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
    settings.signal?.throwIfAborted()
    const resolved = queries.map((query) => this.#queries.resolve(query))
    const rows = settings.limit === 0 ? this.size : Math.min(settings.limit, this.size)
    const wanted = Math.min(settings.k, rows)
    const block = Math.max(1, Math.floor(SEARCH_VALUES / (this.dimensions + wanted)))
    const answers: Neighbour[][] = []
    for (let from = 0; from < resolved.length; from += block) {
      for (const answer of await this.#search(resolved.slice(from, from + block), rows, settings))
        answers.push(answer)
    }
    return answers
  }

  /**
   * What completes an analogy: a is to b as c is to ... ? (3CosAdd; Mikolov, Yih and Zweig 2013), best first. The three
   * are left out of the answers where they are keys.
   * Errors: as `nearest`.
   *
   * @example
   * await words.analogy('man', 'king', 'woman', { k: 1 })  // [{ key: 'queen', score: 0.71 }]
   */
  async analogy(a: Term, b: Term, c: Term, options?: SearchOptions): Promise<Neighbour[]> {
    return this.nearest({ positive: [b, c], negative: [a] }, options)
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
    options?: SearchOptions,
  ): Promise<Neighbour[][]> {
    return this.nearestBatch(
      questions.map(([a, b, c]) => ({ positive: [b, c], negative: [a] })),
      options,
    )
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
    await saveModel(this.#engine, this.#model, path, options)
  }

  #row(matrix: Matrix, id: number): Float32Array {
    return matrix.data.subarray(id * matrix.columns, (id + 1) * matrix.columns)
  }

  async #search(
    queries: readonly ResolvedQuery[],
    rows: number,
    { k, metric, threads, signal }: SearchSettings,
  ): Promise<Neighbour[][]> {
    const columns = this.dimensions
    const vectors = new Float32Array(queries.length * columns)
    let excluded = 0
    for (let i = 0; i < queries.length; i++) {
      const { vector } = queries[i]
      // of length 1 in double first: the squares of very large or small values leave float32
      const scale = metric === 'cosine' ? 1 / norm(vector) : 1
      for (let j = 0; j < columns; j++) vectors[i * columns + j] = vector[j] * scale
      excluded = Math.max(excluded, queries[i].excluded.length)
    }
    // the query's own keys are usually among the best: ask for as many more
    const asked = Math.min(rows, k + excluded)
    const found = await this.#engine.topK(
      this.#matrix,
      { queries: vectors, k: asked, metric, rows, threads },
      { signal },
    )
    return queries.map((query, i) => {
      const neighbours: Neighbour[] = []
      for (let j = i * asked; j < (i + 1) * asked && neighbours.length < k; j++) {
        const id = found.ids[j]
        if (id === NO_ROW) break
        if (!query.excluded.includes(id))
          neighbours.push({ key: this.keys.at(id) as string, score: found.scores[j] })
      }
      return neighbours
    })
  }
}
