/**
 * anyvec: vectors for whatever can be written as sequences of keys. The only public door.
 *
 *     data ──source──▶ sequences of keys ──train──▶ embedding ──▶ answers
 */

export { Embedding, type Neighbour, type SearchOptions } from './embedding/embedding.js'
export type { Keys } from './embedding/keys.js'
export type { Query, Term, TermSet } from './embedding/query.js'
export type { CorpusSummary, KeyBytes, ReadProgress, TrainingProgress } from './engine/engine.js'
export type { EngineChoice } from './engine/load.js'
export { AnyvecError, ERROR_CODES, type ErrorCode } from './errors.js'
export {
  ANALOGY_LIMIT,
  type AnalogyCategory,
  type AnalogyOptions,
  type AnalogyQuestion,
  type AnalogyReport,
  type AnalogyScore,
  evaluateAnalogies,
  readAnalogies,
} from './evaluate/analogies.js'
export {
  evaluateSimilarity,
  readScoredPairs,
  type ScoredPair,
  type SimilarityReport,
} from './evaluate/similarity.js'
export type { Format } from './formats/format.js'
export type { Json, Metadata, Origin, Skipped } from './formats/model.js'
export { open, type OpenOptions } from './formats/open.js'
export type { SaveOptions } from './formats/save.js'
export { sequences } from './sources/sequences.js'
export type { Source } from './sources/source.js'
export { text, type TextBlock, type TextOptions } from './sources/text.js'
export type { Progress, TrainOptions, TrainSettings } from './train/options.js'
export type { TrainingReport } from './train/report.js'
export { train } from './train/train.js'
