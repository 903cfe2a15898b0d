/**
 * anyvec: vectors for whatever can be written as sequences of keys. The only public door.
 *
 *     data ──source──▶ sequences of keys ──train──▶ embedding ──▶ answers
 */

export { Embedding } from './embedding/embedding.js'
export type { Keys } from './embedding/keys.js'
export type { Query, Term, TermSet, WeightedTerm } from './embedding/query.js'
export {
  type CorpusSummary,
  type IndexProgress,
  type KeyBytes,
  type Metric,
  NO_ROW,
  type ReadProgress,
  type TrainingProgress,
  type WalkProgress,
} from './engine/engine.js'
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
export type { IndexInfo, IndexOptions, RecallOptions, RecallReport } from './search/approximate.js'
export type { AttributeRow, AttributeValue } from './search/attributes.js'
export type { FilterRules, KeyFilter } from './search/filter.js'
export type { AnalogyMethod, AnalogySearchOptions, SearchOptions, Table } from './search/options.js'
export type { Neighbour, NeighbourRows } from './search/searcher.js'
export { type DocumentOptions, documents } from './sources/documents.js'
export { type Edge, graph, type GraphOptions } from './sources/graph.js'
export type { TextBlock, TextInput } from './sources/input.js'
export { type InteractionOptions, interactions } from './sources/interactions.js'
export type { TextOptions, TokenizeChoice } from './sources/raw-text.js'
export type { Column, RecordFormat, RecordInput, Row } from './sources/records.js'
export { type Ids, type Sequence, sequences } from './sources/sequences.js'
export type { Source, SourceCounts, SourceProgress } from './sources/source.js'
export { text } from './sources/text.js'
export type { Progress, TrainOptions, TrainSettings } from './train/options.js'
export type { TrainingReport } from './train/report.js'
export { train } from './train/train.js'
