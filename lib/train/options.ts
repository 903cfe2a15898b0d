/** What a training run can be told: the options, their ranges, their defaults. */

import { availableParallelism, tmpdir } from 'node:os'
import type { Hooks, TrainingProgress } from '../engine/engine.js'
import type { EngineChoice } from '../engine/load.js'
import type { SourceProgress } from '../sources/source.js'
import { type OptionSpec, resolveOptions } from './specs.js'

/** What `onProgress` is told: first about reading (of a graph, then about walking), then about training. */
export type Progress = SourceProgress | ({ readonly phase: 'training' } & TrainingProgress)

/** The options of `train`. All are optional; a misspelled one is an error that names the right one. */
export interface TrainOptions {
  /** Values in a vector, 1..4096. Default: 100. More hold more detail, and cost time and memory in proportion. */
  readonly dimensions?: number | undefined
  /** The largest distance between a key and its contexts, in keys, 1..1000. Default: 5. */
  readonly window?: number | undefined
  /** Negative samples that two neighbouring windows share, 1..1000. Default: 6. */
  readonly negative?: number | undefined
  /** Passes over the data, 1..100000. Default: 5. */
  readonly epochs?: number | undefined
  /** Keys that occur less often are dropped, >= 1. Default: 5. */
  readonly minCount?: number | undefined
  /** At most this many keys are kept, the most frequent ones; 0 keeps all. Default: 0. */
  readonly maxVocabulary?: number | undefined
  /** The frequency (0..1) past which a key's occurrences are thinned out; 0 keeps all. Default: 3e-4. */
  readonly subsample?: number | undefined
  /** The step size at the start, above 0 and at most 10; it falls linearly to 1e-4 of itself. Default: 0.05. */
  readonly learningRate?: number | undefined
  /** Negatives are drawn in proportion to count ** negativeExponent, -5..5. Default: 0.5. */
  readonly negativeExponent?: number | undefined
  /**
   * A key's vector is its input vector plus this times its context vector, 0..1. Default: 0.5; 0 gives the input vectors alone, as
   * word2vec does. What a word predicts and what predicts it are two views of it: together they answer analogies and similarities
   * better (Pennington et al. 2014; Levy et al. 2015, section 3.3; figures in BENCHMARK.md).
   */
  readonly contextWeight?: number | undefined
  /** Threads that count and train, 1..1024. Default: all processors. One thread makes a run repeatable. */
  readonly threads?: number | undefined
  /** Starts every random stream, 0..2^53 - 1. Default: 1. */
  readonly seed?: number | undefined
  /** `native`, `portable`, or `auto`: native, and portable with a warning where that cannot load. Default: `auto`. */
  readonly engine?: EngineChoice | undefined
  /** Bytes of ids (4 a token) kept in memory, >= 0; past that they go to a temporary file. Default: 1 GiB. */
  readonly memoryLimit?: number | undefined
  /** The folder of that temporary file. Default: the system's. */
  readonly spillFolder?: string | undefined
  /** Called at most every 50 ms. A throw ends the run and rejects its promise. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Ends the run within 100 ms; its promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** The settings of a run, all of them given: what `TrainOptions` becomes, and what a report records. */
export interface TrainSettings {
  readonly dimensions: number
  readonly window: number
  readonly negative: number
  readonly epochs: number
  readonly minCount: number
  readonly maxVocabulary: number
  readonly subsample: number
  readonly learningRate: number
  readonly negativeExponent: number
  readonly contextWeight: number
  readonly threads: number
  readonly seed: number
  readonly engine: EngineChoice
  readonly memoryLimit: number
  readonly spillFolder: string
}

/** The default of every setting of `train`, chosen by measurement on English and Chinese text: BENCHMARK.md. */
export const DEFAULTS: TrainSettings = Object.freeze({
  dimensions: 100,
  window: 5,
  negative: 6,
  epochs: 5,
  minCount: 5,
  maxVocabulary: 0,
  subsample: 3e-4,
  learningRate: 0.05,
  negativeExponent: 0.5,
  contextWeight: 0.5,
  threads: availableParallelism(),
  seed: 1,
  engine: 'auto',
  memoryLimit: 2 ** 30,
  spillFolder: tmpdir(),
})

const MOST = Number.MAX_SAFE_INTEGER

/** Options that many calls share. */
export const THREADS: OptionSpec = {
  name: 'threads',
  type: 'integer',
  min: 1,
  max: 1024,
  doc: 'threads that work',
}
export const SIGNAL: OptionSpec = { name: 'signal', type: 'signal', doc: 'stops the work' }
export const ON_PROGRESS: OptionSpec = {
  name: 'onProgress',
  type: 'callback',
  doc: 'is told how far the work is',
}
export const ENGINE: OptionSpec = {
  name: 'engine',
  type: 'choice',
  choices: ['auto', 'native', 'portable'],
  doc: 'the engine; auto is native, and portable where that cannot load',
}

/** The options of `train`, in the order in which help texts show them. */
export const TRAIN_SPECS: readonly OptionSpec[] = [
  { name: 'dimensions', type: 'integer', min: 1, max: 4096, doc: 'values in a vector' },
  {
    name: 'window',
    type: 'integer',
    min: 1,
    max: 1000,
    doc: 'largest distance between a key and its contexts',
  },
  {
    name: 'negative',
    type: 'integer',
    min: 1,
    max: 1000,
    doc: 'negative samples of two neighbouring windows',
  },
  { name: 'epochs', type: 'integer', min: 1, max: 100000, doc: 'passes over the data' },
  { name: 'minCount', type: 'integer', min: 1, max: MOST, doc: 'drop keys that occur less often' },
  {
    name: 'maxVocabulary',
    type: 'integer',
    min: 0,
    max: 2 ** 32 - 2,
    doc: 'keep at most this many keys; 0 keeps all',
  },
  {
    name: 'subsample',
    type: 'number',
    min: 0,
    max: 1,
    doc: 'thin out keys more frequent than this; 0 keeps all',
  },
  {
    name: 'learningRate',
    type: 'number',
    min: 0,
    max: 10,
    aboveMin: true,
    doc: 'step size at the start; falls linearly to 1e-4 of itself',
  },
  { name: 'negativeExponent', type: 'number', min: -5, max: 5, doc: 'draw negatives by count ** this' },
  {
    name: 'contextWeight',
    type: 'number',
    min: 0,
    max: 1,
    doc: 'a vector is the input vector plus this times the context vector',
  },
  THREADS,
  { name: 'seed', type: 'integer', min: 0, max: MOST, doc: 'starts every random stream' },
  ENGINE,
  {
    name: 'memoryLimit',
    type: 'integer',
    min: 0,
    max: MOST,
    unit: 'bytes',
    doc: 'ids kept in memory, the rest on disk',
  },
  { name: 'spillFolder', type: 'path', doc: 'folder of the temporary file for ids' },
  ON_PROGRESS,
  SIGNAL,
]

/** Checks the options of `train` and fills in the defaults. Errors: ERR_ANYVEC_OPTION. */
export function trainSettings(options: TrainOptions | undefined): {
  readonly settings: TrainSettings
  readonly hooks: Hooks<Progress>
} {
  const { onProgress, signal, ...settings } = resolveOptions<TrainSettings & Hooks<Progress>>(
    TRAIN_SPECS,
    options,
    DEFAULTS,
  )
  return { settings, hooks: { onProgress, signal } }
}
