/**
 * The native engine: the C++ addon behind the contract. The only file that knows what the addon exports.
 *
 * The addon's long work runs on threads of its own; here it is followed by polling counters and stopped by a flag.
 */

import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AnyvecError, ERROR_CODES, type ErrorCode } from '../errors.js'
import type {
  AnalogyMetric,
  Corpus,
  CorpusParameters,
  CorpusSummary,
  Engine,
  FinishParameters,
  Graph,
  GraphParameters,
  GraphSummary,
  Hooks,
  Index,
  IndexParameters,
  IndexProgress,
  Instruments,
  KeyBytes,
  MappedFile,
  Matrix,
  Metric,
  ParsedRows,
  ReadProgress,
  TextRows,
  TopK,
  TopKRequest,
  TrainingOutcome,
  TrainingParameters,
  TrainingProgress,
  IndexAnswers,
  WalkParameters,
  WalkProgress,
  IndexRequest,
  WalkSummary,
} from './engine.js'

/** Milliseconds between two looks at the counters of work under way. */
const REPORT = 50

/** Handles are externals with type tags; the brands keep them apart here. */
type Handle<Name extends string> = { readonly __handle: Name }

interface NativeMatrix extends Matrix {
  readonly handle: Handle<'matrix'>
}

interface NativeFile {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly handle: Handle<'file'>
}

/** What the addon answers of an index. */
type NativeLinks = Index & { readonly handle: Handle<'index'> }

/** An index, with the matrix that it works on. */
interface NativeIndex extends NativeLinks {
  readonly data: Float32Array
  /** The file that holds it. */
  readonly bytes?: Uint8Array
}

type NativeOutcome = Omit<TrainingOutcome, 'vectors' | 'contexts'> & {
  readonly vectors: NativeMatrix
  readonly contexts: NativeMatrix
}

/** What native/addon/addon.cpp exports. */
interface Binding {
  readonly isa: string
  readonly errorCodes: readonly string[]
  createCorpus(
    threads: number,
    memoryLimit: number,
    spillFolder: string,
    skipMalformed: boolean,
    tokenize: string,
    lowercase: boolean,
  ): Handle<'corpus'>
  corpusAddFile(corpus: Handle<'corpus'>, control: Handle<'control'>, path: string): Promise<void>
  corpusAddBlock(
    corpus: Handle<'corpus'>,
    control: Handle<'control'>,
    block: Uint8Array,
    source: string,
  ): Promise<void>
  corpusEndStream(corpus: Handle<'corpus'>, control: Handle<'control'>): Promise<void>
  corpusAddNumbered(
    corpus: Handle<'corpus'>,
    control: Handle<'control'>,
    keys: KeyBytes,
    entries: Uint32Array,
  ): Promise<void>
  corpusAddWalks(
    corpus: Handle<'corpus'>,
    control: Handle<'control'>,
    graph: Handle<'graph'>,
    parameters: WalkParameters,
  ): Promise<WalkSummary>
  corpusTypes(corpus: Handle<'corpus'>): KeyBytes
  corpusRename(corpus: Handle<'corpus'>, keys: KeyBytes): void
  corpusFinish(
    corpus: Handle<'corpus'>,
    control: Handle<'control'>,
    minCount: number,
    maxVocabulary: number,
  ): Promise<CorpusSummary>
  corpusVocabulary(corpus: Handle<'corpus'>): KeyBytes & { readonly counts: BigUint64Array }
  corpusDispose(corpus: Handle<'corpus'>): void
  createGraph(directed: boolean, skipMalformed: boolean): Handle<'graph'>
  graphAddFile(graph: Handle<'graph'>, control: Handle<'control'>, path: string): Promise<void>
  graphAddBlock(
    graph: Handle<'graph'>,
    control: Handle<'control'>,
    block: Uint8Array,
    source: string,
  ): Promise<void>
  graphEndStream(graph: Handle<'graph'>, control: Handle<'control'>): Promise<void>
  graphBuild(graph: Handle<'graph'>, control: Handle<'control'>): Promise<GraphSummary>
  graphDispose(graph: Handle<'graph'>): void
  walkProgress(control: Handle<'control'>): WalkProgress
  createControl(): Handle<'control'>
  cancel(control: Handle<'control'>): void
  readProgress(control: Handle<'control'>): ReadProgress
  trainingProgress(control: Handle<'control'>): Omit<TrainingProgress, 'epochs' | 'seconds'>
  allocate(rows: number, columns: number): NativeMatrix
  mapFile(path: string): Promise<NativeFile>
  view(file: Handle<'file'>, data: Float32Array, rows: number, columns: number): Handle<'matrix'>
  parseRows(
    file: Handle<'file'>,
    control: Handle<'control'>,
    path: string,
    offset: number,
    columns: number,
    threads: number,
  ): Promise<{ readonly keys: KeyBytes; readonly matrix: NativeMatrix }>
  formatRows(
    matrix: Handle<'matrix'>,
    data: Float32Array,
    keys: KeyBytes,
    from: number,
    to: number,
  ): Promise<Uint8Array>
  train(
    corpus: Handle<'corpus'>,
    control: Handle<'control'>,
    parameters: TrainingParameters,
  ): Promise<NativeOutcome>
  trainReference(
    corpus: Handle<'corpus'>,
    control: Handle<'control'>,
    parameters: TrainingParameters,
  ): Promise<NativeOutcome>
  topK(
    matrix: Handle<'matrix'>,
    data: Float32Array,
    control: Handle<'control'>,
    queries: Float32Array,
    k: number,
    metric: Metric | AnalogyMetric,
    rows: number,
    filter: Uint32Array | null,
    threads: number,
  ): Promise<TopK>
  buildIndex(
    matrix: Handle<'matrix'>,
    data: Float32Array,
    control: Handle<'control'>,
    connectivity: number,
    expansion: number,
    storage: string,
    threads: number,
  ): Promise<NativeLinks>
  indexProgress(control: Handle<'control'>): number
  openIndex(
    matrix: Handle<'matrix'>,
    data: Float32Array,
    file: Handle<'file'>,
    offset: number,
    length: number,
  ): Promise<NativeLinks>
  walkIndex(
    graph: Handle<'index'>,
    data: Float32Array,
    control: Handle<'control'>,
    queries: Float32Array,
    k: number,
    expansion: number,
    rows: number,
    filter: Uint32Array | null,
    threads: number,
    always: boolean,
  ): Promise<IndexAnswers>
  changeIndex(
    graph: Handle<'index'>,
    data: Float32Array,
    control: Handle<'control'>,
    rows: Uint32Array,
    add: boolean,
    threads: number,
  ): Promise<number>
  saveIndex(graph: Handle<'index'>, data: Float32Array): Promise<Uint8Array>
  passSeconds(matrix: Handle<'matrix'>, data: Float32Array): number
  fmaPeak(): number
}

/** Loads the addon. Errors: ERR_ANYVEC_ENGINE where there is no binary for this machine, or it cannot be loaded. */
function loadBinding(): Binding {
  const require = createRequire(import.meta.url)
  // lib/engine/ and dist/engine/ stand two folders below the package.
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
  try {
    return (require('node-gyp-build') as (folder: string) => Binding)(process.env.ANYVEC_PREBUILD ?? root)
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0]
    throw new AnyvecError(
      'ERR_ANYVEC_ENGINE',
      `The native engine cannot be loaded (${reason}); run \`npm run compile\` in a clone or \`npx anyvec-build\` where ` +
        `anyvec is installed, or use engine: 'portable'`,
      {},
      error,
    )
  }
}

/** An error of the addon as the class that users know. */
function translate(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !isErrorCode(error.code)) return error
  const details = 'details' in error ? (error.details as Record<string, unknown>) : {}
  return new AnyvecError(error.code, error.message, details)
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
}

/** Calls the addon, whose errors come out as AnyvecError. */
function call<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw translate(error)
  }
}

/**
 * Starts work and follows it: reports progress, passes on the signal, and ends the work when the caller's callback throws.
 * Rejects with what stopped it: the signal's reason, or what the callback threw.
 */
async function follow<T, Progress>(
  binding: Binding,
  hooks: Hooks<Progress>,
  progress: (control: Handle<'control'>) => Progress,
  start: (control: Handle<'control'>) => Promise<T>,
): Promise<T> {
  const { onProgress, signal } = hooks
  signal?.throwIfAborted()
  const control = binding.createControl()
  let stopped: { readonly reason: unknown } | undefined
  const stop = (reason: unknown) => {
    stopped ??= { reason }
    binding.cancel(control)
  }
  const abort = () => stop(signal?.reason)
  const report = () => {
    if (stopped !== undefined) return
    try {
      onProgress?.(progress(control))
    } catch (error) {
      stop(error)
    }
  }
  signal?.addEventListener('abort', abort, { once: true })
  const timer = onProgress === undefined ? undefined : setInterval(report, REPORT)
  try {
    const result = await start(control)
    report()
    if (stopped !== undefined) throw stopped.reason
    return result
  } catch (error) {
    throw stopped === undefined ? translate(error) : stopped.reason
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', abort)
  }
}

const SILENT: Hooks<never> = {}
const nothing = () => undefined as never

class NativeCorpus implements Corpus {
  readonly handle: Handle<'corpus'>
  readonly #binding: Binding
  #vocabulary: (KeyBytes & { readonly counts: BigUint64Array }) | undefined

  constructor(
    binding: Binding,
    {
      threads,
      memoryLimit,
      spillFolder,
      malformed,
      tokenize = 'spaces',
      lowercase = false,
    }: CorpusParameters,
  ) {
    this.#binding = binding
    const skip = malformed === 'skip'
    this.handle = call(() =>
      binding.createCorpus(threads, memoryLimit, spillFolder, skip, tokenize, lowercase),
    )
  }

  addFile(path: string, hooks: Hooks<ReadProgress> = {}): Promise<void> {
    const binding = this.#binding
    return follow(
      binding,
      hooks,
      (control) => binding.readProgress(control),
      (control) => binding.corpusAddFile(this.handle, control, path),
    )
  }

  addBlock(block: Uint8Array, source: string): Promise<void> {
    const binding = this.#binding
    // the addon takes plain Uint8Arrays; a Buffer is one
    return follow(binding, SILENT, nothing, (control) =>
      binding.corpusAddBlock(this.handle, control, block, source),
    )
  }

  endStream(): Promise<void> {
    const binding = this.#binding
    return follow(binding, SILENT, nothing, (control) => binding.corpusEndStream(this.handle, control))
  }

  addNumbered(keys: KeyBytes, entries: Uint32Array): Promise<void> {
    const binding = this.#binding
    return follow(binding, SILENT, nothing, (control) =>
      binding.corpusAddNumbered(this.handle, control, keys, entries),
    )
  }

  addWalks(graph: Graph, parameters: WalkParameters, hooks: Hooks<WalkProgress> = {}): Promise<WalkSummary> {
    const binding = this.#binding
    const { handle } = ours(graph instanceof NativeGraph ? graph : undefined, 'graph')
    return follow(
      binding,
      hooks,
      (control) => binding.walkProgress(control),
      (control) => binding.corpusAddWalks(this.handle, control, handle, parameters),
    )
  }

  types(): KeyBytes {
    return call(() => this.#binding.corpusTypes(this.handle))
  }

  rename(keys: KeyBytes): void {
    call(() => this.#binding.corpusRename(this.handle, keys))
  }

  finish({ minCount, maxVocabulary }: FinishParameters): Promise<CorpusSummary> {
    const binding = this.#binding
    return follow(binding, SILENT, nothing, (control) =>
      binding.corpusFinish(this.handle, control, minCount, maxVocabulary),
    )
  }

  get keys(): KeyBytes {
    return this.#known()
  }

  get counts(): BigUint64Array {
    return this.#known().counts
  }

  dispose(): void {
    this.#vocabulary = undefined
    this.#binding.corpusDispose(this.handle)
  }

  #known(): KeyBytes & { readonly counts: BigUint64Array } {
    this.#vocabulary ??= call(() => this.#binding.corpusVocabulary(this.handle))
    return this.#vocabulary
  }
}

class NativeGraph implements Graph {
  readonly handle: Handle<'graph'>
  readonly #binding: Binding

  constructor(binding: Binding, { directed, malformed }: GraphParameters) {
    this.#binding = binding
    this.handle = call(() => binding.createGraph(directed, malformed === 'skip'))
  }

  addFile(path: string, hooks: Hooks<ReadProgress> = {}): Promise<void> {
    const binding = this.#binding
    return follow(
      binding,
      hooks,
      (control) => binding.readProgress(control),
      (control) => binding.graphAddFile(this.handle, control, path),
    )
  }

  addBlock(block: Uint8Array, source: string): Promise<void> {
    const binding = this.#binding
    return follow(binding, SILENT, nothing, (control) =>
      binding.graphAddBlock(this.handle, control, block, source),
    )
  }

  endStream(): Promise<void> {
    const binding = this.#binding
    return follow(binding, SILENT, nothing, (control) => binding.graphEndStream(this.handle, control))
  }

  build(): Promise<GraphSummary> {
    const binding = this.#binding
    return follow(binding, SILENT, nothing, (control) => binding.graphBuild(this.handle, control))
  }

  dispose(): void {
    this.#binding.graphDispose(this.handle)
  }
}

/** A mapped file, with what the addon knows it by. */
class NativeMappedFile implements MappedFile {
  readonly path: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly handle: Handle<'file'>

  constructor(path: string, { bytes, handle }: NativeFile) {
    this.path = path
    this.bytes = bytes
    this.handle = handle
  }
}

function ours<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new AnyvecError('ERR_ANYVEC_USAGE', `the native engine works only on a ${what} of its own`)
  }
  return value
}

class NativeEngine implements Engine, Instruments {
  readonly name = 'native'
  readonly isa: string
  readonly instruments: Instruments = this
  readonly #binding: Binding

  constructor(binding: Binding) {
    this.#binding = binding
    this.isa = binding.isa
  }

  createCorpus(parameters: CorpusParameters): Corpus {
    return new NativeCorpus(this.#binding, parameters)
  }

  createGraph(parameters: GraphParameters): Graph {
    return new NativeGraph(this.#binding, parameters)
  }

  train(
    corpus: Corpus,
    parameters: TrainingParameters,
    hooks?: Hooks<TrainingProgress>,
  ): Promise<TrainingOutcome> {
    return this.#train('train', corpus, parameters, hooks)
  }

  trainReference(
    corpus: Corpus,
    parameters: TrainingParameters,
    hooks?: Hooks<TrainingProgress>,
  ): Promise<TrainingOutcome> {
    return this.#train('trainReference', corpus, parameters, hooks)
  }

  allocate(rows: number, columns: number): Matrix {
    return call(() => this.#binding.allocate(rows, columns))
  }

  async mapFile(path: string): Promise<MappedFile> {
    try {
      return new NativeMappedFile(path, await this.#binding.mapFile(path))
    } catch (error) {
      throw translate(error)
    }
  }

  view(file: MappedFile, byteOffset: number, rows: number, columns: number): Matrix {
    const { bytes, handle } = this.#file(file)
    const start = bytes.byteOffset + byteOffset
    if (start % 4 !== 0) {
      const matrix = this.allocate(rows, columns)
      const from = bytes.subarray(byteOffset, byteOffset + rows * columns * 4)
      new Uint8Array(matrix.data.buffer, matrix.data.byteOffset, from.length).set(from)
      return matrix
    }
    const data = new Float32Array(bytes.buffer, start, rows * columns)
    const matrix: NativeMatrix = {
      rows,
      columns,
      data,
      handle: call(() => this.#binding.view(handle, data, rows, columns)),
    }
    return matrix
  }

  parseRows(
    file: MappedFile,
    { offset, columns }: TextRows,
    hooks: Hooks<ReadProgress> = {},
  ): Promise<ParsedRows> {
    const binding = this.#binding
    const { handle } = this.#file(file)
    return follow(
      binding,
      hooks,
      (control) => binding.readProgress(control),
      (control) => binding.parseRows(handle, control, file.path, offset, columns, availableParallelism()),
    )
  }

  async formatRows(matrix: Matrix, keys: KeyBytes, from: number, to: number): Promise<Uint8Array> {
    const offsets = keys.offsets.slice(from, to + 1)
    const start = offsets[0] ?? 0n
    const bytes = keys.bytes.subarray(Number(start), Number(offsets[offsets.length - 1] ?? 0n))
    for (let i = 0; i < offsets.length; i++) offsets[i] -= start
    try {
      return await this.#binding.formatRows(this.#matrix(matrix), matrix.data, { bytes, offsets }, from, to)
    } catch (error) {
      throw translate(error)
    }
  }

  topK(matrix: Matrix, request: TopKRequest, hooks: Hooks<never> = {}): Promise<TopK> {
    const { queries, k, metric, rows, filter = null, threads } = request
    const binding = this.#binding
    const handle = this.#matrix(matrix)
    return follow(binding, hooks, nothing, (control) =>
      binding.topK(handle, matrix.data, control, queries, k, metric, rows, filter, threads),
    )
  }

  fmaPeak(): number {
    return this.#binding.fmaPeak()
  }

  async buildIndex(
    matrix: Matrix,
    { connectivity, expansion, storage, threads }: IndexParameters,
    hooks: Hooks<IndexProgress> = {},
  ): Promise<Index> {
    const binding = this.#binding
    const handle = this.#matrix(matrix)
    const built = await follow<NativeLinks, IndexProgress>(
      binding,
      hooks,
      (control) => ({ rows: binding.indexProgress(control), totalRows: matrix.rows }),
      (control) =>
        binding.buildIndex(handle, matrix.data, control, connectivity, expansion, storage, threads),
    )
    return { ...built, data: matrix.data } as NativeIndex
  }

  async openIndex(matrix: Matrix, file: MappedFile, byteOffset: number, length: number): Promise<Index> {
    const { handle, bytes } = this.#file(file)
    try {
      const opened = await this.#binding.openIndex(
        this.#matrix(matrix),
        matrix.data,
        handle,
        byteOffset,
        length,
      )
      return { ...opened, data: matrix.data, bytes } as NativeIndex
    } catch (error) {
      throw translate(error)
    }
  }

  walkIndex(index: Index, request: IndexRequest, hooks: Hooks<never> = {}): Promise<IndexAnswers> {
    const { queries, k, expansion, rows, filter = null, threads, always } = request
    const { handle, data } = this.#index(index)
    return follow(this.#binding, hooks, nothing, (control) =>
      this.#binding.walkIndex(handle, data, control, queries, k, expansion, rows, filter, threads, always),
    )
  }

  async changeIndex(
    index: Index,
    rows: Uint32Array,
    change: 'add' | 'remove',
    threads: number,
    hooks: Hooks<never> = {},
  ): Promise<Index> {
    const ours = this.#index(index)
    const size = await follow(this.#binding, hooks, nothing, (control) =>
      this.#binding.changeIndex(ours.handle, ours.data, control, rows, change === 'add', threads),
    )
    return { ...ours, size } as NativeIndex
  }

  async indexBytes(index: Index): Promise<Uint8Array | undefined> {
    const { handle, data } = this.#index(index)
    try {
      return await this.#binding.saveIndex(handle, data)
    } catch (error) {
      throw translate(error)
    }
  }

  passSeconds(matrix: Matrix): number {
    return this.#binding.passSeconds(this.#matrix(matrix), matrix.data)
  }

  #train(
    kind: 'train' | 'trainReference',
    corpus: Corpus,
    parameters: TrainingParameters,
    hooks: Hooks<TrainingProgress> = {},
  ): Promise<TrainingOutcome> {
    const binding = this.#binding
    const { handle } = ours(corpus instanceof NativeCorpus ? corpus : undefined, 'corpus')
    const started = performance.now()
    return follow<TrainingOutcome, TrainingProgress>(
      binding,
      hooks,
      (control) => ({
        ...binding.trainingProgress(control),
        epochs: parameters.epochs,
        seconds: (performance.now() - started) / 1000,
      }),
      (control) => binding[kind](handle, control, parameters),
    )
  }

  #file(file: MappedFile): NativeMappedFile {
    return ours(file instanceof NativeMappedFile ? file : undefined, 'file')
  }

  #index(index: Index): NativeIndex {
    return ours('handle' in index ? (index as NativeIndex) : undefined, 'index')
  }

  #matrix(matrix: Matrix): Handle<'matrix'> {
    return ours('handle' in matrix ? (matrix as NativeMatrix).handle : undefined, 'matrix')
  }
}

/**
 * The native engine. Errors: ERR_ANYVEC_ENGINE where there is no binary for this machine, or it cannot be loaded.
 */
export function loadNativeEngine(): Engine {
  return new NativeEngine(loadBinding())
}
