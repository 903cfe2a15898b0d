/** How to search: the options of `nearest` and its kin. */

import type { Metric } from '../engine/engine.js'
import { DEFAULTS, SIGNAL, THREADS } from '../train/options.js'
import type { OptionSpec } from '../train/specs.js'
import { EXPANSION } from './approximate.js'
import type { FilterRules, KeyFilter } from './filter.js'

/** A matrix of the model: `vectors`, or `contexts` where the model has them. */
export type Table = 'vectors' | 'contexts'

/** How to search. */
export interface SearchOptions {
  /** Answers wanted, >= 1; fewer come back where fewer keys may be answers. Default: 10. */
  readonly k?: number | undefined
  /** `cosine` compares directions, `dot` lengths too, `euclidean` scores by minus the distance. Default: `cosine`. */
  readonly metric?: Metric | undefined
  /** Only the N most frequent keys can be answers; 0 allows all. Default: 0. */
  readonly limit?: number | undefined
  /** Which keys can be answers: rules, or a filter that `Embedding.filter` made for many calls. Default: all. */
  readonly filter?: KeyFilter | FilterRules | undefined
  /** The matrix whose rows are compared with the query. Default: `vectors`. */
  readonly among?: Table | undefined
  /** The matrix that the query's keys take their vectors from. Default: `vectors`. */
  readonly from?: Table | undefined
  /**
   * Walk the index that `buildIndex` made instead of scoring every key: many times faster, and some answers may not be the nearest.
   * By cosine among `vectors` only. Default: false.
   */
  readonly approximate?: boolean | undefined
  /** Keys considered in a walk of the index, 1..65536. More find more of the nearest, and take longer. Default: 64. */
  readonly expansion?: number | undefined
  /** Threads that search, 1..1024. Default: all processors. */
  readonly threads?: number | undefined
  /** Stops the search; its promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

export interface SearchSettings {
  readonly k: number
  readonly metric: Metric
  readonly limit: number
  readonly filter?: KeyFilter | FilterRules | undefined
  readonly among: Table
  readonly from: Table
  readonly approximate: boolean
  readonly expansion: number
  readonly threads: number
  readonly signal?: AbortSignal | undefined
}

export const SEARCH_DEFAULTS: SearchSettings = Object.freeze({
  k: 10,
  metric: 'cosine',
  limit: 0,
  among: 'vectors',
  from: 'vectors',
  approximate: false,
  expansion: 64,
  threads: DEFAULTS.threads,
})

const MOST = Number.MAX_SAFE_INTEGER
const TABLES: readonly Table[] = ['vectors', 'contexts']
const METRIC: OptionSpec = {
  name: 'metric',
  type: 'choice',
  choices: ['cosine', 'dot', 'euclidean'],
  doc: 'how vectors are compared',
}

/** Options of every search, whatever it compares by. */
const COMMON: readonly OptionSpec[] = [
  { name: 'k', type: 'integer', min: 1, max: MOST, doc: 'answers wanted' },
  { name: 'limit', type: 'integer', min: 0, max: MOST, doc: 'only the N most frequent keys; 0 allows all' },
  { name: 'filter', type: 'object', doc: 'which keys can be answers' },
  { name: 'among', type: 'choice', choices: TABLES, doc: 'the matrix that is searched' },
  { name: 'from', type: 'choice', choices: TABLES, doc: "the matrix of the query's keys" },
  { name: 'approximate', type: 'boolean', doc: 'walk the index' },
  EXPANSION,
  THREADS,
  SIGNAL,
]

export const SEARCH_SPECS: readonly OptionSpec[] = [METRIC, ...COMMON]

/**
 * How an analogy is solved, over vectors of length 1 (Levy and Goldberg 2014, "Linguistic Regularities in Sparse and Explicit Word
 * Representations"): `3cosadd` by the cosine with b - a + c, `3cosmul` by (1 + cos b)(1 + cos c) / 4 / ((1 + cos a) / 2 + 0.001),
 * `pair-direction` by the cosine of (answer - c) with (b - a).
 */
export type AnalogyMethod = '3cosadd' | '3cosmul' | 'pair-direction'

/** How to search for what completes an analogy. */
export interface AnalogySearchOptions extends Omit<SearchOptions, 'metric'> {
  /** How the analogy is solved. Default: `3cosadd`. */
  readonly method?: AnalogyMethod | undefined
}

export interface AnalogySettings extends SearchSettings {
  readonly method: AnalogyMethod
}

export const ANALOGY_DEFAULTS: AnalogySettings = Object.freeze({ ...SEARCH_DEFAULTS, method: '3cosadd' })

export const METHOD: OptionSpec = {
  name: 'method',
  type: 'choice',
  choices: ['3cosadd', '3cosmul', 'pair-direction'],
  doc: 'how an analogy is solved',
}

export const ANALOGY_SPECS: readonly OptionSpec[] = [METHOD, ...COMMON]
