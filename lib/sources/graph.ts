/** Graphs: walks at random over their edges are the sequences. */

import type { Corpus, Graph } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import type { Metadata } from '../formats/model.js'
import { type OptionSpec, received, resolveOptions } from '../train/specs.js'
import { BlockWriter } from './block-writer.js'
import { Input, type ItemSink, type TextInput } from './input.js'
import { MALFORMED } from './raw-text.js'
import { defectOf } from './sequences.js'
import { type Reading, readHooks, Source, type SourceCounts } from './source.js'

/** From where to where, and how strong; nodes are names or whole numbers. */
export type Edge = readonly [from: string | number, to: string | number, weight?: number]

/** How to walk over a graph. */
export interface GraphOptions {
  /** An edge leads from its first node to its second alone. Default: false, both ways. */
  readonly directed?: boolean | undefined
  /** Walks from every node, 1..10000. Default: 10. */
  readonly walks?: number | undefined
  /** Nodes in a walk, 1..100000; it ends earlier at a node that no edge leaves. Default: 80. */
  readonly walkLength?: number | undefined
  /** node2vec's return parameter, 0.001..1000: small values keep a walk near where it came from. Default: 1. */
  readonly p?: number | undefined
  /** node2vec's in-out parameter, 0.001..1000: small values send a walk away from where it came from. Default: 1. */
  readonly q?: number | undefined
  /** What to do with a line or an edge that is none: `error`, or `skip` it and count it in the report. Default: `error`. */
  readonly malformed?: 'error' | 'skip' | undefined
}

interface GraphSettings {
  readonly directed: boolean
  readonly walks: number
  readonly walkLength: number
  readonly p: number
  readonly q: number
  readonly malformed: 'error' | 'skip'
}

export const GRAPH_DEFAULTS: GraphSettings = Object.freeze({
  directed: false,
  walks: 10,
  walkLength: 80,
  p: 1,
  q: 1,
  malformed: 'error',
})

export const DIRECTED: OptionSpec = {
  name: 'directed',
  type: 'boolean',
  doc: 'edges lead from their first node to their second alone',
}
export const WALK_SPECS: readonly OptionSpec[] = [
  { name: 'walks', type: 'integer', min: 1, max: 10_000, doc: 'walks from every node' },
  { name: 'walkLength', type: 'integer', min: 1, max: 100_000, doc: 'nodes in a walk' },
  { name: 'p', type: 'number', min: 0.001, max: 1000, doc: "node2vec's return parameter" },
  { name: 'q', type: 'number', min: 0.001, max: 1000, doc: "node2vec's in-out parameter" },
]

/**
 * A graph to train on: nodes that random walks meet together become near. With p and q at 1 the walks are DeepWalk's (Perozzi et
 * al. 2014), else node2vec's (Grover and Leskovec 2016). The engine walks by itself, on all threads; the walks follow from the
 * data and the seed alone. docs/training-law.md says which they are.
 *
 * `input` is a file of lines `a b` or `a b weight` separated by white space, several of them (also .gz), a stream of such text, or an
 * iterable of edges `[a, b]` or `[a, b, weight]`. Lines that begin with `#` or `%` are comments. Weights are above 0; of an edge that
 * comes again the weights are added up, edges of weight 0 are left out, and both are counted in `report.source`.
 *
 * Nothing is read before `train` does. Errors: ERR_ANYVEC_USAGE, ERR_ANYVEC_OPTION; in `train`: ERR_ANYVEC_FILE; ERR_ANYVEC_FORMAT,
 * naming the line, for one that is no edge; ERR_ANYVEC_USAGE, naming it by number, for an edge of an iterable that is none.
 *
 * @example
 * const nodes = await train(graph('karate.edges.tsv', { walks: 5, walkLength: 20, p: 0.5, q: 2 }), { dimensions: 16 })
 * nodes.report?.source.edges // 7
 *
 * @example
 * const edges = [['ann', 'bob'], ['bob', 'cid', 2.5], ['cid', 'ann']] as const
 * const people = await train(graph(edges), { dimensions: 8 })
 */
export function graph(
  input: TextInput | Iterable<Edge> | AsyncIterable<Edge>,
  options?: GraphOptions,
): Source {
  const settings = resolveOptions<GraphSettings>(
    [DIRECTED, ...WALK_SPECS, MALFORMED],
    options,
    GRAPH_DEFAULTS,
  )
  return new Walks(new Input(input, 'graph', 'edges or blocks of text'), settings)
}

class Walks extends Source {
  readonly description: Metadata
  readonly malformed: 'error' | 'skip'
  readonly #input: Input
  readonly #settings: GraphSettings

  constructor(input: Input, settings: GraphSettings) {
    super()
    this.#input = input
    this.#settings = settings
    this.malformed = settings.malformed
    this.description = { kind: 'graph', ...settings }
  }

  async read(corpus: Corpus, reading: Reading): Promise<SourceCounts> {
    const { directed, walks, walkLength, p, q, malformed } = this.#settings
    const { engine, seed, signal, onProgress } = reading
    const hooks = readHooks(reading)
    const made = engine.createGraph({ directed, malformed })
    try {
      const edges = new EdgeSink(made, hooks, malformed)
      await this.#input.feed(made, 'graph', hooks, edges)
      signal?.throwIfAborted()
      const summary = await made.build()
      signal?.throwIfAborted()
      const walked = await corpus.addWalks(
        made,
        { walks, walkLength, p, q, seed },
        { signal, onProgress: onProgress && ((progress) => onProgress({ phase: 'walking', ...progress })) },
      )
      return { ...summary, malformedLines: summary.malformedLines + edges.malformed, ...walked }
    } finally {
      made.dispose()
    }
  }
}

const LF = 0x0a

/** Edges that a program hands over: written as lines, which the engine reads. */
class EdgeSink implements ItemSink {
  /** Edges left out because they are none. */
  malformed = 0
  readonly #writer: BlockWriter
  readonly #malformed: 'error' | 'skip'

  constructor(graph: Graph, hooks: ReturnType<typeof readHooks>, malformed: 'error' | 'skip') {
    this.#writer = new BlockWriter(graph, 'the graph', hooks)
    this.#malformed = malformed
  }

  add(edge: unknown, number: number): Promise<void> | void {
    const wrong = this.#wrong(edge)
    if (wrong !== undefined) {
      this.malformed++
      if (this.#malformed === 'skip') return
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        `Expected every edge to be [from, to] or [from, to, weight] but edge ${number} ${wrong}`,
        { edge: number, received: edge },
      )
    }
    const [from, to, weight] = edge as Edge
    // a blank first: a line that begins with # is a comment
    const line = ` ${from} ${to}${weight === undefined ? '' : ` ${weight}`}`
    if (this.#writer.room >= 3 * line.length + 1) return this.#put(line)
    return this.#writer.flush().then(() => this.#put(line))
  }

  breathe(): Promise<void> {
    return this.#writer.breathe()
  }

  end(): Promise<void> {
    return this.#writer.end()
  }

  stop(): void {
    this.#writer.stop()
  }

  #put(line: string): void {
    this.#writer.putText(line)
    this.#writer.put(LF)
  }

  #wrong(edge: unknown): string | undefined {
    if (!Array.isArray(edge)) return `is ${received(edge)}`
    if (edge.length < 2 || edge.length > 3) return `has ${edge.length} members`
    for (const node of edge.slice(0, 2)) {
      if (typeof node === 'number') {
        if (!Number.isSafeInteger(node)) return `names a node ${received(node)}, no string or whole number`
        continue
      }
      const defect = defectOf(node)
      if (defect !== undefined) return `names a node ${received(node)}, which ${defect[1]}`
    }
    const weight = edge[2]
    if (weight === undefined) return undefined
    if (typeof weight !== 'number' || !(weight >= 0) || !Number.isFinite(Math.fround(weight))) {
      return `has the weight ${received(weight)}, no number of 0 or more`
    }
    return undefined
  }
}
