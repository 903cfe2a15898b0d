/** The index for approximate search: its options, what is known of it, and how good its answers are. */

import type { Index, IndexParameters, IndexProgress } from '../engine/engine.js'
import { DEFAULTS, ON_PROGRESS, SIGNAL, THREADS } from '../train/options.js'
import type { OptionSpec } from '../train/specs.js'

/** How to build an index. */
export interface IndexOptions {
  /** Links a key, 2..512. More find more of the nearest, and cost memory (8 bytes each a key) and time. Default: 16. */
  readonly connectivity?: number | undefined
  /** Keys considered while one is linked, 1..65536. More make a better graph, and take longer. Default: 128. */
  readonly expansion?: number | undefined
  /**
   * How the walk sees vectors: `float32` as they are, or as smaller copies, `float16` or `int8`, which fit more of them into
   * caches. Scores of answers are always those of the vectors themselves. Default: `float32`.
   */
  readonly storage?: 'float32' | 'float16' | 'int8' | undefined
  /** Threads that build, 1..1024. Default: all processors. */
  readonly threads?: number | undefined
  /** Called at most every 50 ms with the keys linked so far; a throw ends the work and rejects its promise. */
  readonly onProgress?: ((progress: IndexProgress) => void) | undefined
  /** Stops the work within 100 ms; its promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

export const INDEX_DEFAULTS: IndexParameters = Object.freeze({
  connectivity: 16,
  expansion: 128,
  storage: 'float32',
  threads: DEFAULTS.threads,
})

export const EXPANSION: OptionSpec = {
  name: 'expansion',
  type: 'integer',
  min: 1,
  max: 65536,
  doc: 'keys considered in a walk',
}

export const INDEX_SPECS: readonly OptionSpec[] = [
  { name: 'connectivity', type: 'integer', min: 2, max: 512, doc: 'links a key' },
  EXPANSION,
  {
    name: 'storage',
    type: 'choice',
    choices: ['float32', 'float16', 'int8'],
    doc: 'how the walk sees vectors',
  },
  THREADS,
  ON_PROGRESS,
  SIGNAL,
]

/** What is known of an index. */
export type IndexInfo = Pick<Index, 'size' | 'connectivity' | 'expansion' | 'storage'>

/** How to measure the recall of an index. */
export interface RecallOptions {
  /** Keys that are asked for, spread over the vocabulary. Default: 1000, or all where there are fewer. */
  readonly queries?: number | undefined
  /** Answers compared, >= 1. Default: 10. */
  readonly k?: number | undefined
  /** Keys considered in a walk, 1..65536. Default: 64. */
  readonly expansion?: number | undefined
  /** Threads that search. Default: all processors. */
  readonly threads?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export const RECALL_DEFAULTS = Object.freeze({
  queries: 1000,
  k: 10,
  expansion: 64,
  threads: DEFAULTS.threads,
})

export const RECALL_SPECS: readonly OptionSpec[] = [
  { name: 'queries', type: 'integer', min: 1, max: 2 ** 32 - 1, doc: 'keys that are asked for' },
  { name: 'k', type: 'integer', min: 1, max: 2 ** 32 - 1, doc: 'answers compared' },
  EXPANSION,
  THREADS,
  SIGNAL,
]

export interface RecallReport {
  /** The share of the exact answers that approximate search found, 0..1. */
  readonly recall: number
  readonly queries: number
  readonly k: number
  readonly expansion: number
  /** Whether every answer was exact: of few keys all are scored, and the portable engine has no graph. */
  readonly exact: boolean
  /** Wall seconds of all queries in one batch. */
  readonly seconds: { readonly exact: number; readonly approximate: number }
}
