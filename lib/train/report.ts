/** How a training run went. */

import type { CorpusSummary } from '../engine/engine.js'
import type { SourceCounts } from '../sources/source.js'
import type { TrainSettings } from './options.js'

/** What a run did, with what, and how fast; plain JSON. */
export interface TrainingReport {
  /** The engine that trained. */
  readonly engine: 'native' | 'portable'
  /** Its instruction set: `avx512`, `avx2`, `neon`, `scalar` or `javascript`. */
  readonly isa: string
  /** Threads that really trained. */
  readonly threads: number
  /** Every setting of the run, given or by default. */
  readonly options: TrainSettings
  /** What was read. */
  readonly corpus: CorpusSummary
  /** What the source counted beyond that, by name, what it left out among it; docs/sources.md explains the names. */
  readonly source: SourceCounts
  /** Mean loss of a (context, centre) pair, one an epoch. */
  readonly loss: readonly number[]
  /** Tokens trained on after subsampling, over all epochs. */
  readonly trainedTokens: number
  /** (context, centre) pairs trained on, over all epochs. */
  readonly pairs: number
  /** Wall seconds: reading, counting and encoding; then training. */
  readonly seconds: { readonly vocabulary: number; readonly training: number }
  /** Tokens read, times epochs, by seconds of training. */
  readonly wordsPerSecond: number
  /** What was left out, and why. */
  readonly dropped: {
    /** Tokens and distinct keys that are too rare, or past `maxVocabulary`. */
    readonly rareTokens: number
    readonly rareKeys: number
    /** Tokens that were no valid key; only with `malformed: 'skip'`. */
    readonly malformedTokens: number
  }
}
