/** Text to ids, by the rules of the contract: the same words, counts and ids as the native engine finds. */

import { AnyvecError, type ErrorCode } from '../../errors.js'
import {
  type Corpus,
  type CorpusParameters,
  type CorpusSummary,
  END_OF_SEQUENCE,
  type FinishParameters,
  type Graph,
  type Hooks,
  type KeyBytes,
  MAX_KEY_BYTES,
  type ReadProgress,
  type WalkParameters,
  type WalkProgress,
  type WalkSummary,
} from '../engine.js'
import { CHUNK, IS_SPACE, joined, LINE_FEED, usage } from './bytes.js'
import { readInto, withFile } from './file.js'
import { END_MARK, IdStore } from './ids.js'
import { ABSENT, HASH_SEED, HASH_STEP, hashBytes, KeyTable } from './key-table.js'
import { sortNumbers } from './order.js'
import { Pace } from './pace.js'
import { PortableGraph } from './graph.js'
import { isCleanUtf8 } from './utf8.js'
import { shuffle, Walker } from './walks.js'
import { TOO_LONG, WordCutter, type WordFault } from './words.js'

type State = 'reading' | 'merged' | 'finished' | 'failed' | 'disposed'

/** A text that is being read, wherever its blocks come from. */
interface Reading {
  readonly source: string
  /** Bytes that wait for the rest of their word. */
  carry: Uint8Array
  /** Where `carry` begins in the text. */
  offset: number
  /** The first bytes may be a byte-order mark. */
  atStart: boolean
  /** Inside a word that is too long and will be passed over. */
  skipping: boolean
}

export class PortableCorpus implements Corpus {
  readonly #malformed: 'error' | 'skip'
  /** Cuts raw text. */
  readonly #cutter: WordCutter | undefined
  readonly #ids: IdStore
  #table = new KeyTable()
  /** From the numbers in `#ids` to those of `#table`, once keys were renamed. */
  #renamed: Uint32Array | undefined
  #state: State = 'reading'
  #busy = false
  #stream: Reading | undefined
  /** The last token's sequence has not ended. */
  #open = false
  #tokens = 0
  #malformedTokens = 0
  #sequences = 0
  #bytes = 0
  #keys: KeyBytes | undefined
  #counts: BigUint64Array | undefined

  constructor({
    memoryLimit,
    spillFolder,
    malformed,
    tokenize = 'spaces',
    lowercase = false,
  }: CorpusParameters) {
    this.#malformed = malformed
    this.#cutter = tokenize === 'spaces' ? undefined : new WordCutter(lowercase, tokenize === 'segmented')
    this.#ids = new IdStore(memoryLimit, spillFolder)
  }

  /** The ids, for training. Errors: ERR_ANYVEC_USAGE before `finish`. */
  get ids(): IdStore {
    this.#finished()
    return this.#ids
  }

  /** Throws where the corpus was disposed of. */
  readonly alive = (): void => {
    if (this.#state === 'disposed') throw new AnyvecError('ERR_ANYVEC_DISPOSED', 'the corpus was disposed of')
  }

  async addFile(path: string, hooks: Hooks<ReadProgress> = {}): Promise<void> {
    await this.#work(async () => {
      this.#checkReading()
      if (this.#stream !== undefined) throw usage('a stream is being read; end it before a file is added')
      const pace = new Pace(hooks, this.alive)
      await withFile(path, (handle, { size }) =>
        this.#wholly(async () => {
          const reading = begin(path)
          const chunk = new Uint8Array(CHUNK)
          let bytes = 0
          const progress = () => ({ bytes, totalBytes: size })
          for (;;) {
            const filled = await readInto(handle, chunk, path)
            this.alive()
            if (filled === 0) break
            this.#feed(reading, chunk.subarray(0, filled))
            bytes += filled
            if (pace.due()) await pace.rest(progress)
          }
          this.#end(reading)
          pace.end(progress)
        }),
      )
    })
  }

  async addBlock(block: Uint8Array, source: string): Promise<void> {
    await this.#work(async () => {
      this.#checkReading()
      const pace = new Pace({}, this.alive)
      this.#stream ??= begin(source)
      const reading = this.#stream
      await this.#wholly(async () => {
        for (let from = 0; from < block.length; from += CHUNK) {
          this.#feed(reading, block.subarray(from, from + CHUNK))
          if (pace.due()) await pace.rest()
        }
      })
    })
  }

  async endStream(): Promise<void> {
    await this.#work(async () => {
      this.#checkReading()
      if (this.#stream === undefined) return
      const reading = this.#stream
      this.#stream = undefined
      await this.#wholly(async () => this.#end(reading))
    })
  }

  async addNumbered({ bytes, offsets }: KeyBytes, entries: Uint32Array): Promise<void> {
    const keys = offsets.length - 1
    for (let i = 0; i < keys; i++) {
      if (!soundKey(bytes, Number(offsets[i]), Number(offsets[i + 1]))) {
        throw usage('addNumbered() got a key that is empty, too long or not valid UTF-8')
      }
    }
    for (const entry of entries) {
      if (entry >= keys && entry !== END_OF_SEQUENCE)
        throw usage("addNumbered() got a number that is no key's")
    }
    if (entries.length > 0 && entries[entries.length - 1] !== END_OF_SEQUENCE) {
      throw usage('addNumbered() got a sequence without an end')
    }
    await this.#made(async (pace) => {
      const numbers = this.#numbers({ bytes, offsets })
      for (let i = 0; i < entries.length; i++) {
        if (entries[i] !== END_OF_SEQUENCE) this.#token(numbers[entries[i]])
        else if (this.#open) this.#endSequence()
        if ((i & 0xffff) === 0xffff && pace.due()) await pace.rest()
      }
    })
  }

  async addWalks(
    graph: Graph,
    parameters: WalkParameters,
    hooks: Hooks<WalkProgress> = {},
  ): Promise<WalkSummary> {
    if (!(graph instanceof PortableGraph)) throw usage('the portable engine works only on a graph of its own')
    const { keys } = graph
    const walker = new Walker(graph, parameters)
    return this.#made(async (pace) => {
      const numbers = this.#numbers(keys)
      const totalWalks = parameters.walks * numbers.length
      const visit = (node: number) => this.#token(numbers[node])
      let walks = 0
      let endedEarly = 0
      const progress = () => ({ walks, totalWalks })
      for (let round = 0; round < parameters.walks; round++) {
        const at = shuffle(parameters.seed, round, numbers.length)
        for (let place = 0; place < numbers.length; place++) {
          if (!walker.walk(round, at(place), visit)) endedEarly++
          this.#endSequence()
          walks++
          if (pace.due()) {
            await pace.rest(progress)
            graph.alive()
          }
        }
      }
      pace.end(progress)
      return { walks, endedEarly }
    }, hooks)
  }

  types(): KeyBytes {
    this.#checkSettling()
    this.#state = 'merged'
    return this.#table.keys()
  }

  rename(keys: KeyBytes): void {
    this.#checkFree()
    const { bytes, offsets } = keys
    if (this.#state !== 'merged' || offsets.length !== this.#table.size + 1) {
      throw usage('rename() takes one new key for each of types(), between types() and finish()')
    }
    const renamed = new KeyTable()
    const map = new Uint32Array(this.#table.size)
    for (let old = 0; old < map.length; old++) {
      const from = Number(offsets[old])
      const to = Number(offsets[old + 1])
      if (!soundKey(bytes, from, to)) {
        throw usage('rename() got a key that is empty, too long or not valid UTF-8')
      }
      const id = numberIn(renamed, bytes, from, to)
      renamed.counts[id] += this.#table.counts[old]
      map[old] = id
    }
    this.#table = renamed
    // several renamings follow each other
    const before = this.#renamed
    this.#renamed = before === undefined ? map : before.map((id) => map[id])
  }

  async finish({ minCount, maxVocabulary }: FinishParameters): Promise<CorpusSummary> {
    return this.#work(async () => {
      this.#checkSettling(true)
      return this.#wholly(() => this.#settle(minCount, maxVocabulary))
    })
  }

  async #settle(minCount: number, maxVocabulary: number): Promise<CorpusSummary> {
    const table = this.#table
    if (this.#tokens === 0) throw this.#emptyCorpus()
    const pace = new Pace({}, this.alive)
    const { counts } = table
    let mostFrequent = 0
    let frequent = 0
    for (let id = 0; id < table.size; id++) {
      mostFrequent = Math.max(mostFrequent, counts[id])
      if (counts[id] >= minCount) frequent++
    }
    if (frequent < 2 || maxVocabulary === 1) {
      throw tooFewKeys(table.size, frequent, mostFrequent, minCount, maxVocabulary)
    }
    const order = new Uint32Array(frequent)
    for (let id = 0, at = 0; id < table.size; id++) if (counts[id] >= minCount) order[at++] = id
    await sortNumbers(order, (a, b) => counts[b] - counts[a] || table.compare(a, b), pace)
    const kept = maxVocabulary > 0 ? order.subarray(0, maxVocabulary) : order

    const toId = new Uint32Array(table.size).fill(END_MARK)
    const keptCounts = new BigUint64Array(kept.length)
    for (let id = 0; id < kept.length; id++) {
      toId[kept[id]] = id
      keptCounts[id] = BigInt(counts[kept[id]])
    }
    const keys = table.keys(kept)
    const types = table.size
    const renamed = this.#renamed
    const spilledBytes = this.#ids.spilledBytes
    const keptTokens = await this.#ids.rewrite(
      renamed === undefined ? toId : renamed.map((id) => toId[id]),
      pace,
    )
    this.alive()
    this.#keys = keys
    this.#counts = keptCounts
    this.#table = new KeyTable()
    this.#renamed = undefined
    this.#state = 'finished'
    return {
      tokens: this.#tokens,
      keptTokens,
      types,
      vocabulary: kept.length,
      sequences: this.#sequences,
      bytes: this.#bytes,
      malformedTokens: this.#malformedTokens,
      spilledBytes,
    }
  }

  get keys(): KeyBytes {
    this.#finished()
    return this.#keys as KeyBytes
  }

  get counts(): BigUint64Array {
    this.#finished()
    return this.#counts as BigUint64Array
  }

  dispose(): void {
    if (this.#state === 'disposed') return
    this.#state = 'disposed'
    this.#ids.dispose()
    this.#table = new KeyTable()
    this.#keys = undefined
    this.#counts = undefined
  }

  async #work<T>(work: () => Promise<T>): Promise<T> {
    this.#checkFree()
    this.#busy = true
    try {
      return await work()
    } finally {
      this.#busy = false
    }
  }

  /** Adds sequences that are made rather than read. */
  async #made<T, P>(work: (pace: Pace<P>) => Promise<T>, hooks: Hooks<P> = {}): Promise<T> {
    return this.#work(async () => {
      this.#checkReading()
      if (this.#stream !== undefined) throw usage('a stream is being read; end it before sequences are added')
      const pace = new Pace(hooks, this.alive)
      return this.#wholly(() => work(pace))
    })
  }

  /** The numbers of keys in the table. */
  #numbers({ bytes, offsets }: KeyBytes): Uint32Array {
    return Uint32Array.from({ length: offsets.length - 1 }, (_, i) =>
      numberIn(this.#table, bytes, Number(offsets[i]), Number(offsets[i + 1])),
    )
  }

  #token(id: number): void {
    this.#table.counts[id]++
    this.#ids.push(id)
    this.#tokens++
    this.#open = true
  }

  /** Does work that leaves the corpus half changed when it fails: nothing more can be asked of it then. */
  async #wholly<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (this.#state !== 'disposed') this.#state = 'failed'
      throw error
    }
  }

  #checkFree(): void {
    this.alive()
    if (this.#busy) throw usage('the corpus is at work; wait for the call before')
  }

  #checkReading(): void {
    if (this.#state !== 'reading') throw usage('no text can be added to a corpus whose vocabulary is settled')
  }

  #checkSettling(busy = false): void {
    if (!busy) this.#checkFree()
    if (this.#state !== 'reading' && this.#state !== 'merged')
      throw usage('the vocabulary is settled already')
    if (this.#stream !== undefined) throw usage('a stream is being read; end it first')
  }

  #finished(): void {
    this.alive()
    if (this.#state !== 'finished') throw usage('the corpus is not finished')
  }

  #emptyCorpus(): AnyvecError {
    const malformed = this.#malformedTokens > 0 ? ` but ${this.#malformedTokens} malformed ones` : ''
    return new AnyvecError('ERR_ANYVEC_EMPTY_CORPUS', `the corpus holds no word${malformed}`, {
      bytes: this.#bytes,
      malformedTokens: this.#malformedTokens,
    })
  }

  /** Reads the words of a block that are known to be whole; the rest waits. */
  #feed(reading: Reading, block: Uint8Array): void {
    this.#bytes += block.length
    const bytes = reading.carry.length === 0 ? block : joined(reading.carry, block)
    if (this.#cutter !== undefined) {
      const used = this.#rawWords(this.#cutter, reading, bytes, false)
      reading.offset += used
      reading.carry = new Uint8Array(bytes.subarray(used))
      return
    }
    let from = 0
    if (reading.atStart) {
      if (bytes.length < 3) {
        reading.carry = new Uint8Array(bytes)
        return
      }
      reading.atStart = false
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) from = 3
    }
    const rest = this.#words(reading, bytes, from, false)
    reading.offset += rest
    // a copy, which slice() of a Buffer would not be: the caller may use its block again
    reading.carry = new Uint8Array(bytes.subarray(rest))
    if (reading.carry.length > MAX_KEY_BYTES) {
      if (!reading.skipping) {
        this.#malformedWord(reading, 0, 'ERR_ANYVEC_KEY_LENGTH', TOO_LONG)
      }
      // passed over whatever follows: what came of it need not be kept
      reading.skipping = true
      reading.offset += reading.carry.length
      reading.carry = new Uint8Array(0)
    }
  }

  #end(reading: Reading): void {
    if (this.#cutter !== undefined) this.#rawWords(this.#cutter, reading, reading.carry, true)
    else this.#words(reading, reading.carry, 0, true)
    if (this.#open) this.#endSequence()
  }

  /** Cuts raw text into words and reads them; answers how much of it is done with. */
  #rawWords(cutter: WordCutter, reading: Reading, bytes: Uint8Array, last: boolean): number {
    const fault: WordFault = (at, code, what) => this.#malformedWord(reading, at, code, what)
    const { words, used } = cutter.cut(bytes, last, fault)
    this.#words(reading, words, 0, true)
    return used
  }

  #endSequence(): void {
    this.#ids.push(END_MARK)
    this.#sequences++
    this.#open = false
  }

  /** Answers where the last word begins that may go on behind these bytes. */
  #words(reading: Reading, bytes: Uint8Array, from: number, last: boolean): number {
    const table = this.#table
    const size = bytes.length
    let at = from
    if (reading.skipping) {
      while (at < size && IS_SPACE[bytes[at]] === 0) at++
      if (at === size) return at
      reading.skipping = false
    }
    for (;;) {
      while (at < size && IS_SPACE[bytes[at]] === 1) {
        if (bytes[at] === LINE_FEED && this.#open) this.#endSequence()
        at++
      }
      if (at === size) return at
      const start = at
      let hash = HASH_SEED
      while (at < size && IS_SPACE[bytes[at]] === 0) hash = Math.imul(hash ^ bytes[at++], HASH_STEP)
      if (at === size && !last) return start
      let id = table.find(bytes, start, at, hash)
      if (id === ABSENT) {
        // only a key's first occurrence is checked; one that fails never enters the table
        if (this.#defective(reading, bytes, start, at)) continue
        id = table.insert(bytes, start, at, hash)
      }
      this.#token(id)
    }
  }

  #defective(reading: Reading, bytes: Uint8Array, from: number, to: number): boolean {
    if (to - from > MAX_KEY_BYTES) {
      this.#malformedWord(reading, from, 'ERR_ANYVEC_KEY_LENGTH', TOO_LONG)
      return true
    }
    if (isCleanUtf8(bytes, from, to)) return false
    const what = bytes.subarray(from, to).includes(0)
      ? 'a word holds a NUL byte'
      : 'a word is not valid UTF-8'
    this.#malformedWord(reading, from, 'ERR_ANYVEC_ENCODING', what)
    return true
  }

  #malformedWord({ source, offset }: Reading, at: number, code: ErrorCode, what: string): void {
    this.#malformedTokens++
    if (this.#malformed === 'skip') return
    throw new AnyvecError(
      code,
      `${source}: ${what} at byte ${offset + at}; mend the text, or pass such words over with malformed: 'skip' ` +
        '(--malformed skip)',
      { source, offset: offset + at },
    )
  }
}

function begin(source: string): Reading {
  return { source, carry: new Uint8Array(0), offset: 0, atStart: true, skipping: false }
}

function soundKey(bytes: Uint8Array, from: number, to: number): boolean {
  return from < to && to - from <= MAX_KEY_BYTES && to <= bytes.length && isCleanUtf8(bytes, from, to)
}

function numberIn(table: KeyTable, bytes: Uint8Array, from: number, to: number): number {
  const hash = hashBytes(bytes, from, to)
  const id = table.find(bytes, from, to, hash)
  return id === ABSENT ? table.insert(bytes, from, to, hash) : id
}

function tooFewKeys(
  types: number,
  frequent: number,
  mostFrequent: number,
  minCount: number,
  maxVocabulary: number,
): AnyvecError {
  const found =
    maxVocabulary === 1
      ? 'maxVocabulary (--max-vocabulary) keeps 1'
      : `of ${types} distinct words ${frequent} occur at least ${minCount} times (the most frequent one ${mostFrequent} times)`
  return new AnyvecError(
    'ERR_ANYVEC_VOCABULARY',
    `training needs two words or more, and ${found}; lower minCount (--min-count) or bring more text`,
    { minCount, types, mostFrequent },
  )
}
