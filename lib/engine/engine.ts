/**
 * The contract of an engine: what the rest of anyvec may ask of the machine.
 *
 * Two engines keep it: `native` (the C++ addon) and `portable` (TypeScript). Both draw from the same random
 * streams in the same order, so one thread and one seed give the same vectors within rounding.
 * No other file knows what the addon exports.
 *
 * Engines trust nobody but check only what would harm the machine; friendly checks of options stand in front of them.
 */

/** Keys as they lie in memory and in the model file: UTF-8, one after the other. */
export interface KeyBytes {
  /** All keys, concatenated, without separators. */
  readonly bytes: Uint8Array
  /** Key `i` is `bytes[offsets[i] .. offsets[i + 1])`; one entry more than there are keys. */
  readonly offsets: BigUint64Array
}

/** How a caller follows and stops long work. */
export interface Hooks<Progress> {
  /** Called on the event loop, at most every 50 ms. A throw aborts the work and rejects its promise. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Stops the work within 100 ms; its promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

export interface CorpusParameters {
  /** Threads that count, >= 1. */
  readonly threads: number
  /** Bytes of ids (4 a token) kept in memory; past that they go to a temporary file in `spillFolder`. */
  readonly memoryLimit: number
  readonly spillFolder: string
  /** What to do with a word that is not UTF-8, holds a NUL or is longer than `MAX_KEY_BYTES`. */
  readonly malformed: 'error' | 'skip'
  /**
   * How text is cut into keys. Default: `spaces`, at ASCII white space alone. `words`: raw text, by the rules of docs/sources.md;
   * each Han character and hiragana is a word. `segmented`: the same for text in which someone has put spaces between the words
   * of scripts that have none: Han characters and kana are letters.
   */
  readonly tokenize?: Tokenize | undefined
  /** Makes the words of raw text lower-case; keys between spaces stay as they are. Default: false. */
  readonly lowercase?: boolean | undefined
}

export type Tokenize = 'spaces' | 'words' | 'segmented'

/** The longest key in bytes of UTF-8. */
export const MAX_KEY_BYTES = 16384

/** Bytes of text read so far; `totalBytes` is 0 while unknown (a stream). */
export interface ReadProgress {
  readonly bytes: number
  readonly totalBytes: number
}

export interface FinishParameters {
  /** Keys seen less often are dropped. */
  readonly minCount: number
  /** At most this many keys are kept, the most frequent ones; 0 keeps all. */
  readonly maxVocabulary: number
}

/** What was read, what was kept and what was dropped. Nothing is dropped without being counted here. */
export interface CorpusSummary {
  /** Tokens read, malformed ones left out. */
  readonly tokens: number
  /** Tokens whose key is in the vocabulary. */
  readonly keptTokens: number
  /** Distinct keys read. */
  readonly types: number
  /** Distinct keys kept. */
  readonly vocabulary: number
  /** Sequences (lines) with at least one token. */
  readonly sequences: number
  /** Bytes of text read. */
  readonly bytes: number
  /** Tokens dropped because their key was not UTF-8, held a NUL, or was too long (only with `malformed: 'skip'`). */
  readonly malformedTokens: number
  /** Bytes of ids in the temporary file; 0 when all stayed in memory. */
  readonly spilledBytes: number
}

/**
 * Sequences of ids and the vocabulary that explains them.
 *
 * Text is cut at ASCII white space (space, tab, CR, VT, FF), or into words (`tokenize`); LF ends a sequence; a leading byte-order mark of a file
 * or stream is skipped. Keys are numbered from the most frequent; ties go by their bytes, so ids never depend on
 * the number of threads.
 *
 * Life: add... -> (rename) -> finish -> train. A corpus may be added to in several ways; sequences stand in the order in
 * which they came.
 */
export interface Corpus {
  /** Reads a whole file of text. The end of a file ends a sequence. */
  addFile(path: string, hooks?: Hooks<ReadProgress>): Promise<void>
  /** Reads the next block of a stream of text; a block may end anywhere, even inside a character. `source` names it in errors. */
  addBlock(block: Uint8Array, source: string): Promise<void>
  /** Ends the stream that `addBlock` began; the end ends a sequence. */
  endStream(): Promise<void>
  /**
   * Adds sequences that come as numbers: `entries` are numbers of `keys` (distinct ones, each 1 to MAX_KEY_BYTES of clean UTF-8; white
   * space is allowed), with END_OF_SEQUENCE behind every sequence. Errors: ERR_ANYVEC_USAGE for a number or key out of bounds.
   */
  addNumbered(keys: KeyBytes, entries: Uint32Array): Promise<void>
  /**
   * Walks over a graph that was built, and adds every walk as a sequence; docs/training-law.md says which walks. The keys are
   * the graph's nodes.
   */
  addWalks(graph: Graph, parameters: WalkParameters, hooks?: Hooks<WalkProgress>): Promise<WalkSummary>
  /** The distinct keys read so far, each once, in no promised order; the order `rename` answers in. */
  types(): KeyBytes
  /** Gives every key of `types()` a new spelling; keys spelled alike become one. For lower-casing and normal forms. */
  rename(keys: KeyBytes): void
  /** Builds the vocabulary and rewrites the ids. */
  finish(parameters: FinishParameters): Promise<CorpusSummary>
  /** After `finish`: the vocabulary, most frequent first. */
  readonly keys: KeyBytes
  /** After `finish`: how often each key occurs. */
  readonly counts: BigUint64Array
  /** Frees memory and the temporary file; a second call does nothing. */
  dispose(): void
}

/** Behind every sequence of `addNumbered`; never a number of a key. */
export const END_OF_SEQUENCE = 0xffffffff

export interface GraphParameters {
  /** An edge `a b` leads from a to b alone; else both ways. */
  readonly directed: boolean
  /** What to do with a line that is no edge. */
  readonly malformed: 'error' | 'skip'
}

/** What a graph holds and what was left out. */
export interface GraphSummary {
  readonly nodes: number
  /** Distinct edges; an undirected edge counts once. */
  readonly edges: number
  /** Lines of edges that were there before: their weights were added up. */
  readonly repeatedEdges: number
  /** Edges from a node to itself, among `edges`. */
  readonly loops: number
  /** Some edge's weight is not 1. */
  readonly weighted: boolean
  /** Lines left out because their weight is 0. */
  readonly zeroWeights: number
  /** Lines left out because they are no edge (only with `malformed: 'skip'`). */
  readonly malformedLines: number
  /** Lines that begin with `#` or `%`. */
  readonly comments: number
  /** Bytes of text read. */
  readonly bytes: number
}

/**
 * A graph from lines `a b` or `a b weight`, cut at ASCII white space; empty lines and lines that begin with `#` or `%` are passed
 * over. Nodes are numbered as they come. Life: add... -> build -> walks.
 */
export interface Graph {
  addFile(path: string, hooks?: Hooks<ReadProgress>): Promise<void>
  /** Reads the next block of a stream of lines; a block may end anywhere. `source` names it in errors. */
  addBlock(block: Uint8Array, source: string): Promise<void>
  /** Ends the stream that `addBlock` began. */
  endStream(): Promise<void>
  /** Sorts the edges. Nothing can be added after this. */
  build(): Promise<GraphSummary>
  dispose(): void
}

/** Random walks; every field is given, in range. */
export interface WalkParameters {
  /** Walks from every node, >= 1. */
  readonly walks: number
  /** Nodes in a walk, the first one counted, >= 1; a walk ends earlier where no edge leads on. */
  readonly walkLength: number
  /** node2vec's return parameter: a step back is 1/p times as likely as in a walk without memory. Above 0. */
  readonly p: number
  /** node2vec's in-out parameter: a step to a node that the one before has no edge to is 1/q times as likely. Above 0. */
  readonly q: number
  /** 0 .. 2^53 - 1 */
  readonly seed: number
}

export interface WalkProgress {
  readonly walks: number
  readonly totalWalks: number
}

export interface WalkSummary {
  readonly walks: number
  /** Walks that ended before their length, at a node that no edge leaves. */
  readonly endedEarly: number
}

/** Parameters of skip-gram with negative sampling; every field is given, in range. */
export interface TrainingParameters {
  /** 1..4096 */
  readonly dimensions: number
  /** The largest distance of a context; each centre draws its own width uniformly from 1..window. */
  readonly window: number
  /** Negative samples of a step, >= 1. */
  readonly negative: number
  readonly epochs: number
  /** word2vec's t: tokens of a key with frequency f are kept with probability min(1, sqrt(t/f) + t/f); 0 keeps all. */
  readonly subsample: number
  /** Falls linearly to 1e-4 of itself over the whole run. */
  readonly learningRate: number
  /** Negatives are drawn in proportion to count ** negativeExponent. */
  readonly negativeExponent: number
  /** What of its context vector is added to a key's input vector when training is done, 0..1. */
  readonly contextWeight: number
  /** Hogwild threads; the portable engine always uses one. */
  readonly threads: number
  /** 0 .. 2^53 - 1 */
  readonly seed: number
}

export interface TrainingProgress {
  /** The current epoch, from 0. */
  readonly epoch: number
  readonly epochs: number
  /** Tokens of the vocabulary passed so far, over all epochs, before subsampling. */
  readonly words: number
  readonly totalWords: number
  readonly learningRate: number
  /** Mean loss of the current epoch so far; NaN before the first pair. */
  readonly loss: number
  /** Seconds since training began. */
  readonly seconds: number
}

export interface TrainingOutcome {
  /** [vocabulary, dimensions]: the input vectors, plus `contextWeight` times the context vectors. */
  readonly vectors: Matrix
  /** [vocabulary, dimensions]: the output (context) vectors. */
  readonly contexts: Matrix
  /** Mean over an epoch's (context, centre) pairs of the negative log-likelihood, summed over the centre and its negatives; one an epoch. */
  readonly loss: readonly number[]
  /** Tokens trained on after subsampling, over all epochs. */
  readonly trainedTokens: number
  /** (context, centre) pairs trained on, over all epochs. */
  readonly pairs: number
  /** Wall seconds of the training loop. */
  readonly seconds: number
  /** Threads that really worked. */
  readonly threads: number
}

/** Dense rows of float32 that an engine can work on. Made by an engine only. */
export interface Matrix {
  readonly rows: number
  readonly columns: number
  /** All values, row after row without padding: a view, not a copy. */
  readonly data: Float32Array
}

/** A file in memory. Writing to `bytes` is allowed and never reaches the file. */
export interface MappedFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/** How vectors are compared; a larger score is nearer. */
export type Metric = 'cosine' | 'dot' | 'euclidean'

/**
 * Analogies over vectors of length 1, as `AnalogyMethod` says: each three queries a, b, c are one question.
 * A row nearer to c than 1e-3 counts as that far away for `pair-direction`: it has no direction from it.
 */
export type AnalogyMetric = '3cosmul' | 'pair-direction'

export interface TopKRequest {
  /** One query after the other, `columns` values each. */
  readonly queries: Float32Array
  /** Answers a question (a query, or for analogies three), >= 1. */
  readonly k: number
  /**
   * `cosine` scores by the angle (a zero row scores 0), `dot` by the plain product, `euclidean` by minus the distance, which is
   * summed from differences, so that near rows keep their order.
   */
  readonly metric: Metric | AnalogyMetric
  /** Only the first `rows` rows are searched. */
  readonly rows: number
  /** Only rows whose bit is set are searched: row `r` is bit `r % 32` of word `r / 32`. At least one bit a row. All rows where it is missing. */
  readonly filter?: Uint32Array | undefined
  readonly threads: number
}

/** Answers, `k` a question, best first; equal scores go to the smaller row. */
export interface TopK {
  /** Row numbers; `NO_ROW` where there are fewer than k rows. */
  readonly ids: Uint32Array
  readonly scores: Float32Array
}

export const NO_ROW = 0xffffffff

/** How an index is built. */
export interface IndexParameters {
  /** Links a row, 2..512; twice as many in the lowest layer. */
  readonly connectivity: number
  /** Rows considered while one is linked, 1..65536. */
  readonly expansion: number
  /** How the walk sees rows; scores of answers are always those of the rows themselves. */
  readonly storage: 'float32' | 'float16' | 'int8'
  readonly threads: number
}

export interface IndexProgress {
  /** Rows linked so far. */
  readonly rows: number
  readonly totalRows: number
}

/** A graph of near rows for approximate search by cosine. Made by an engine only. */
export interface Index {
  /** Rows that can be answers: those whose values are finite, without removed ones. */
  readonly size: number
  readonly connectivity: number
  readonly expansion: number
  readonly storage: IndexParameters['storage']
}

export interface IndexRequest extends Omit<TopKRequest, 'metric'> {
  /** Rows considered, 1..65536; at least `k` are. More find more of the nearest, and take longer. */
  readonly expansion: number
  /** Walk also where scoring the rows that pass the filter one by one would be faster. */
  readonly always: boolean
}

/** As `TopK`; never fewer answers than `topK` gives. */
export interface IndexAnswers extends TopK {
  /** Every row that may be an answer was scored: they are the nearest for certain. */
  readonly exact: boolean
}

/** Where rows of text stand in a file. */
export interface TextRows {
  /** The first byte of the first row. */
  readonly offset: number
  readonly columns: number
}

export interface ParsedRows {
  readonly keys: KeyBytes
  readonly matrix: Matrix
}

/** What bench/ measures with; only the native engine has it. */
export interface Instruments {
  /** The plain scalar loop in the style of word2vec.c: one pair and one target at a time. Same contract as `train`. */
  trainReference(
    corpus: Corpus,
    parameters: TrainingParameters,
    hooks?: Hooks<TrainingProgress>,
  ): Promise<TrainingOutcome>
  /** Floating-point operations a second that one core reaches on fused multiply-adds from registers. */
  fmaPeak(): number
  /** Seconds in which one core reads a matrix once and adds its values: what memory allows. */
  passSeconds(matrix: Matrix): number
}

export interface Engine {
  readonly name: 'native' | 'portable'
  /** The instruction set in use: `avx512`, `avx2`, `neon`, `scalar`, or `javascript`. */
  readonly isa: string
  createCorpus(parameters: CorpusParameters): Corpus
  createGraph(parameters: GraphParameters): Graph
  train(
    corpus: Corpus,
    parameters: TrainingParameters,
    hooks?: Hooks<TrainingProgress>,
  ): Promise<TrainingOutcome>
  /** A zeroed matrix. */
  allocate(rows: number, columns: number): Matrix
  mapFile(path: string): Promise<MappedFile>
  /** Rows inside a mapped file, float32 little-endian: no copy where `byteOffset` is a multiple of 4, else a copy. */
  view(file: MappedFile, byteOffset: number, rows: number, columns: number): Matrix
  /**
   * Parses `key v v v ...` lines (separated by single or repeated spaces or tabs, CR before LF allowed, trailing blanks allowed,
   * empty lines at the end ignored) up to the end of the file.
   * Errors: ERR_ANYVEC_FORMAT with `details.line` (from 1, counted from `offset`) for a wrong number of values, a value that is
   * no number or not finite, an invalid or empty key.
   */
  parseRows(file: MappedFile, layout: TextRows, hooks?: Hooks<ReadProgress>): Promise<ParsedRows>
  /** Rows `from .. to` as text: `key v v v\n`, each value the shortest decimal that reads back as the same float32. */
  formatRows(matrix: Matrix, keys: KeyBytes, from: number, to: number): Promise<Uint8Array>
  /** Exact search, off the event loop. */
  topK(matrix: Matrix, request: TopKRequest, hooks?: Hooks<never>): Promise<TopK>
  /** Links the rows of a matrix. The portable engine links nothing, and answers exactly. */
  buildIndex(matrix: Matrix, parameters: IndexParameters, hooks?: Hooks<IndexProgress>): Promise<Index>
  /**
   * An index where it lies in a file, as `indexBytes` answered it, at a multiple of 64. All of it is checked before its first use.
   * Errors: ERR_ANYVEC_FORMAT, here or at the first use, where it is damaged.
   */
  openIndex(matrix: Matrix, file: MappedFile, byteOffset: number, length: number): Promise<Index>
  /** Approximate search, off the event loop. Searches of one index take turns. */
  walkIndex(index: Index, request: IndexRequest, hooks?: Hooks<never>): Promise<IndexAnswers>
  /** Makes rows answers, linked by their values of now, or answers no more; what the index is then. */
  changeIndex(
    index: Index,
    rows: Uint32Array,
    change: 'add' | 'remove',
    threads: number,
    hooks?: Hooks<never>,
  ): Promise<Index>
  /** The index as a file holds it, a multiple of 64 bytes; undefined where the engine has none. */
  indexBytes(index: Index): Promise<Uint8Array | undefined>
  readonly instruments?: Instruments
}
