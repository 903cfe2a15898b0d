/** A graph from lines `a b [weight]`, as native/walks/graph.cpp reads and sorts it. */

import { AnyvecError } from '../../errors.js'
import {
  type Graph,
  type GraphParameters,
  type GraphSummary,
  type Hooks,
  type KeyBytes,
  MAX_KEY_BYTES,
  type ReadProgress,
} from '../engine.js'
import { fillAliasTable } from './alias.js'
import { CHUNK, IS_SPACE, joined, LINE_FEED, usage } from './bytes.js'
import { readInto, withFile } from './file.js'
import { ABSENT, hashBytes, KeyTable } from './key-table.js'
import { reserve } from './memory.js'
import { Pace } from './pace.js'
import { mulhi } from './random.js'
import { NUMBER } from './text-rows.js'
import { isCleanUtf8 } from './utf8.js'

/** A line that is longer cannot be an edge: two keys, a weight, and blanks. */
const MAX_LINE = 4 * MAX_KEY_BYTES
const NO_ARC = -1
/** What a line of no edge begins with. */
const HASH = 0x23
const PERCENT = 0x25

/** Lines that are being read, wherever their blocks come from. */
interface Reading {
  readonly source: string
  carry: Uint8Array
  lines: number
  /** The first bytes may be a byte-order mark. */
  atStart: boolean
}

/** Edges as they come: columns that grow. */
class EdgeList {
  length = 0
  from = new Uint32Array(1 << 12)
  to = new Uint32Array(1 << 12)
  weight = new Float32Array(1 << 12)

  push(from: number, to: number, weight: number): void {
    if (this.length === this.from.length) this.#grow()
    this.from[this.length] = from
    this.to[this.length] = to
    this.weight[this.length++] = weight
  }

  #grow(): void {
    const size = 2 * this.length
    reserve(size * 12, `${this.length} edges`, () => {
      const [from, to, weight] = [new Uint32Array(size), new Uint32Array(size), new Float32Array(size)]
      from.set(this.from)
      to.set(this.to)
      weight.set(this.weight)
      Object.assign(this, { from, to, weight })
    })
  }
}

export class PortableGraph implements Graph {
  readonly directed: boolean
  readonly #malformed: 'error' | 'skip'
  #state: 'reading' | 'built' | 'failed' | 'disposed' = 'reading'
  #busy = false
  #table = new KeyTable()
  #edges = new EdgeList()
  #stream: Reading | undefined
  readonly #counted = { zeroWeights: 0, malformedLines: 0, comments: 0, bytes: 0 }

  #keys: KeyBytes | undefined
  #starts = new Float64Array(1)
  #targets = new Uint32Array(0)
  /** All of these are empty where all edges weigh the same. */
  #weights = new Float64Array(0)
  #totals = new Float64Array(0)
  #threshold = new Uint32Array(0)
  #alias = new Uint32Array(0)

  constructor({ directed, malformed }: GraphParameters) {
    this.directed = directed
    this.#malformed = malformed
  }

  async addFile(path: string, hooks: Hooks<ReadProgress> = {}): Promise<void> {
    await this.#work(async () => {
      if (this.#stream !== undefined) throw usage('a stream is being read; end it before a file is added')
      const pace = new Pace(hooks, this.alive)
      await withFile(path, async (handle, { size }) => {
        const reading: Reading = { source: path, carry: new Uint8Array(0), lines: 0, atStart: true }
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
        this.#lines(reading, reading.carry, true)
        pace.end(progress)
      })
    })
  }

  async addBlock(block: Uint8Array, source: string): Promise<void> {
    await this.#work(async () => {
      const pace = new Pace({}, this.alive)
      this.#stream ??= { source, carry: new Uint8Array(0), lines: 0, atStart: true }
      for (let from = 0; from < block.length; from += CHUNK) {
        this.#feed(this.#stream, block.subarray(from, from + CHUNK))
        if (pace.due()) await pace.rest()
      }
    })
  }

  async endStream(): Promise<void> {
    await this.#work(async () => {
      const reading = this.#stream
      this.#stream = undefined
      if (reading !== undefined) this.#lines(reading, reading.carry, true)
    })
  }

  async build(): Promise<GraphSummary> {
    return this.#work(async () => {
      if (this.#stream !== undefined) throw usage('a stream is being read; end it first')
      const pace = new Pace({}, this.alive)
      const nodes = this.#table.size
      this.#keys = this.#table.keys()
      this.#table = new KeyTable()
      const lines = this.#edges.length
      await this.#sort(nodes, pace)
      const loops = await this.#merge(nodes, pace)
      const arcs = this.#targets.length
      const edges = this.directed ? arcs : (arcs + loops) / 2
      const weighted = this.#weights.some((weight) => weight !== 1)
      if (this.#weights.every((weight) => weight === this.#weights[0])) this.#weights = new Float64Array(0)
      else await this.#makeTables(nodes, pace)
      this.#state = 'built'
      return { nodes, edges, repeatedEdges: lines - edges, loops, weighted, ...this.#counted }
    })
  }

  dispose(): void {
    this.#state = 'disposed'
    this.#keys = undefined
    this.#edges = new EdgeList()
    this.#table = new KeyTable()
  }

  readonly alive = (): void => {
    if (this.#state === 'disposed') throw new AnyvecError('ERR_ANYVEC_DISPOSED', 'the graph was disposed of')
  }

  /** After `build`: the nodes, by number. */
  get keys(): KeyBytes {
    this.alive()
    if (this.#state !== 'built' || this.#keys === undefined) throw usage('the graph is not built')
    return this.#keys
  }

  degree(node: number): number {
    return this.#starts[node + 1] - this.#starts[node]
  }

  /** The neighbour that two draws choose, in proportion to the weights; the node must have one. */
  draw(node: number, drawn: number, coin: number): number {
    const start = this.#starts[node]
    let column = mulhi(drawn, this.degree(node))
    if (this.#alias.length > 0 && coin >= this.#threshold[start + column])
      column = this.#alias[start + column]
    return this.#targets[start + column]
  }

  hasEdge(from: number, to: number): boolean {
    return this.#find(from, to) !== NO_ARC
  }

  /** What share of the weights that leave `from` leads to `to`; 0 without such an edge. */
  share(from: number, to: number): number {
    const arc = this.#find(from, to)
    if (arc === NO_ARC) return 0
    return this.#weights.length === 0 ? 1 / this.degree(from) : this.#weights[arc] / this.#totals[from]
  }

  #find(from: number, to: number): number {
    let low = this.#starts[from]
    let high = this.#starts[from + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.#targets[middle] < to) low = middle + 1
      else high = middle
    }
    return low < this.#starts[from + 1] && this.#targets[low] === to ? low : NO_ARC
  }

  /** Nothing more can be asked of a graph in whose reading or building something failed. */
  async #work<T>(work: () => Promise<T>): Promise<T> {
    this.alive()
    if (this.#busy) throw usage('the graph is at work; wait for the call before')
    if (this.#state !== 'reading') throw usage('no edges can be added to a graph that is built')
    this.#busy = true
    try {
      return await work()
    } catch (error) {
      const refused =
        error instanceof AnyvecError && ['ERR_ANYVEC_USAGE', 'ERR_ANYVEC_FILE'].includes(error.code)
      if (this.#state === 'reading' && !refused) this.#state = 'failed'
      throw error
    } finally {
      this.#busy = false
    }
  }

  #feed(reading: Reading, block: Uint8Array): void {
    let bytes = reading.carry.length === 0 ? block : joined(reading.carry, block)
    if (reading.atStart) {
      if (bytes.length >= 3) {
        reading.atStart = false
        if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
          bytes = bytes.subarray(3)
          this.#counted.bytes += 3
        }
      } else {
        reading.carry = new Uint8Array(bytes)
        return
      }
    }
    // a copy: the caller may use its block again
    reading.carry = new Uint8Array(bytes.subarray(this.#lines(reading, bytes, false)))
  }

  /** Reads whole lines, and the last one where `last`; answers how much is done with. */
  #lines(reading: Reading, bytes: Uint8Array, last: boolean): number {
    let at = 0
    while (at < bytes.length) {
      const found = bytes.indexOf(LINE_FEED, at)
      const end = found < 0 ? bytes.length : found
      const tooLong = end - at > MAX_LINE
      if (found < 0 && !last && !tooLong) break
      const wrong = tooLong ? 'it is too long' : this.#line(bytes, at, end)
      if (wrong !== undefined) {
        this.#counted.malformedLines++
        if (this.#malformed === 'error' || tooLong) throw noEdge(reading.source, reading.lines + 1, wrong)
      }
      reading.lines++
      at = Math.min(bytes.length, end + 1)
    }
    this.#counted.bytes += at
    return at
  }

  /** What is wrong with the line `bytes[from .. end)`, if anything is. */
  #line(bytes: Uint8Array, from: number, end: number): string | undefined {
    if (bytes[from] === HASH || bytes[from] === PERCENT) {
      this.#counted.comments++
      return undefined
    }
    const bounds: number[] = []
    for (let at = from; ; ) {
      while (at < end && IS_SPACE[bytes[at]] === 1) at++
      if (at === end) break
      if (bounds.length === 6) return 'it has more than three fields'
      bounds.push(at)
      while (at < end && IS_SPACE[bytes[at]] === 0) at++
      bounds.push(at)
    }
    if (bounds.length === 0) return undefined
    if (bounds.length === 2) return 'it names one node'
    let weight = 1
    if (bounds.length === 6) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + bounds[4], bounds[5] - bounds[4]).toString(
        'latin1',
      )
      weight = NUMBER.test(text) ? Math.fround(Number(text)) : Number.NaN
      if (!Number.isFinite(weight)) return 'its weight is no number'
      if (weight < 0) return 'its weight is negative'
      if (weight === 0) {
        this.#counted.zeroWeights++
        return undefined
      }
    }
    const a = this.#node(bytes, bounds[0], bounds[1])
    if (typeof a === 'string') return a
    const b = this.#node(bytes, bounds[2], bounds[3])
    if (typeof b === 'string') return b
    this.#edges.push(a, b, weight)
    return undefined
  }

  #node(bytes: Uint8Array, from: number, to: number): number | string {
    if (to - from > MAX_KEY_BYTES) return `a node's name is longer than ${MAX_KEY_BYTES} bytes`
    const hash = hashBytes(bytes, from, to)
    const known = this.#table.find(bytes, from, to, hash)
    if (known !== ABSENT) return known
    if (!isCleanUtf8(bytes, from, to)) {
      const nul = bytes.subarray(from, to).includes(0)
      return nul ? "a node's name holds a NUL byte" : "a node's name is not valid UTF-8"
    }
    return this.#table.insert(bytes, from, to, hash)
  }

  /** By counting, first by where an arc leads, then by where it begins: equal ones stay in the order of their lines. */
  async #sort<P>(nodes: number, pace: Pace<P>): Promise<void> {
    const { length, from, to, weight } = this.#edges
    const starts = new Float64Array(nodes + 1)
    const at = new Float64Array(nodes + 1)
    for (let edge = 0; edge < length; edge++) {
      starts[from[edge] + 1]++
      at[to[edge] + 1]++
      if (this.directed || from[edge] === to[edge]) continue
      starts[to[edge] + 1]++
      at[from[edge] + 1]++
    }
    for (let node = 0; node < nodes; node++) {
      starts[node + 1] += starts[node]
      at[node + 1] += at[node]
    }
    const arcs = starts[nodes]
    const arcsOf = () => ({
      target: new Uint32Array(arcs),
      other: new Uint32Array(arcs),
      weight: new Float64Array(arcs),
    })
    const first = reserve(arcs * 16, `${length} edges`, arcsOf)
    const put = (source: number, target: number, each: number) => {
      const place = at[target]++
      first.other[place] = source
      first.target[place] = target
      first.weight[place] = each
    }
    for (let edge = 0; edge < length; edge++) {
      put(from[edge], to[edge], weight[edge])
      if (!this.directed && from[edge] !== to[edge]) put(to[edge], from[edge], weight[edge])
      if ((edge & 0xffff) === 0xffff && pace.due()) await pace.rest()
    }
    this.#edges = new EdgeList()
    at.set(starts)
    this.#targets = reserve(arcs * 12, `${length} edges`, () => {
      this.#weights = new Float64Array(arcs)
      return new Uint32Array(arcs)
    })
    for (let arc = 0; arc < arcs; arc++) {
      const place = at[first.other[arc]]++
      this.#targets[place] = first.target[arc]
      this.#weights[place] = first.weight[arc]
      if ((arc & 0xffff) === 0xffff && pace.due()) await pace.rest()
    }
    this.#starts = starts
  }

  /** Edges that came more than once become one; answers how many lead from a node to itself. */
  async #merge<P>(nodes: number, pace: Pace<P>): Promise<number> {
    const [starts, targets, weights] = [this.#starts, this.#targets, this.#weights]
    let kept = 0
    let loops = 0
    for (let node = 0, from = 0; node < nodes; node++) {
      const to = starts[node + 1]
      const start = kept
      starts[node] = start
      for (let arc = from; arc < to; arc++) {
        if (kept > start && targets[kept - 1] === targets[arc]) {
          weights[kept - 1] += weights[arc]
          continue
        }
        if (targets[arc] === node) loops++
        targets[kept] = targets[arc]
        weights[kept++] = weights[arc]
      }
      from = to
      if ((node & 0xfff) === 0xfff && pace.due()) await pace.rest()
    }
    starts[nodes] = kept
    this.#targets = targets.slice(0, kept)
    this.#weights = weights.slice(0, kept)
    return loops
  }

  async #makeTables<P>(nodes: number, pace: Pace<P>): Promise<void> {
    const arcs = this.#targets.length
    reserve(arcs * 8 + nodes * 8, `the weights of ${arcs} edges`, () => {
      this.#threshold = new Uint32Array(arcs)
      this.#alias = new Uint32Array(arcs)
      this.#totals = new Float64Array(nodes)
    })
    let stack = new Uint32Array(64)
    for (let node = 0; node < nodes; node++) {
      const [from, to] = [this.#starts[node], this.#starts[node + 1]]
      if (to - from > stack.length) stack = new Uint32Array(2 * (to - from))
      const table = { threshold: this.#threshold.subarray(from, to), alias: this.#alias.subarray(from, to) }
      await fillAliasTable(this.#weights.slice(from, to), table, stack.subarray(0, to - from), pace)
      for (let arc = from; arc < to; arc++) this.#totals[node] += this.#weights[arc]
      if ((node & 0xfff) === 0xfff && pace.due()) await pace.rest()
    }
  }
}

function noEdge(source: string, line: number, wrong: string): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_FORMAT',
    `${source}: line ${line} is no edge (\`a b\` or \`a b weight\`): ${wrong}; mend it, or pass such lines over with ` +
      "malformed: 'skip' (--malformed skip)",
    { source, line },
  )
}
