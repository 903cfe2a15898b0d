/** Graphs and walks: both engines read the same graphs and walk the same walks. */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  END_OF_SEQUENCE,
  type Engine,
  type GraphParameters,
  type GraphSummary,
  type WalkParameters,
  type WalkProgress,
} from '../../lib/engine/engine.js'
import { engine } from '../../lib/engine/load.js'
import type { AnyvecError } from '../../lib/errors.js'
import { ENGINES } from '../engines.js'
import { raised, rejection } from '../rejection.js'
import { fresh, written } from '../temporary.js'
import { CORPUS, keysOf, PARAMETERS, random } from './corpora.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const data = process.env.ANYVEC_DATA ?? join(root, '..', 'shared', 'data')

const GRAPH: GraphParameters = { directed: false, malformed: 'error' }
const WALKS: WalkParameters = { walks: 3, walkLength: 20, p: 1, q: 1, seed: 7 }

/** Edges of 300 nodes, few of them with many, some with weights, some twice, some to themselves. */
function randomEdges(seed: number): string {
  const next = random(seed)
  const node = () => `n${Math.floor(Math.exp(next() * 5.7))}`
  return Array.from(
    { length: 2000 },
    (_, i) => `${node()} ${node()}${i % 3 > 0 ? ` ${(next() * 9 + 0.1).toFixed(2)}` : ''}\n`,
  ).join('')
}

/** What an engine makes of a graph: its summary, how often each node is met, and what training on the walks tells of their order. */
async function walked(
  made: Engine,
  lines: string,
  graph: Partial<GraphParameters>,
  walks: Partial<WalkParameters>,
  threads = 1,
) {
  const read = made.createGraph({ ...GRAPH, ...graph })
  await read.addBlock(Buffer.from(lines), 'edges')
  await read.endStream()
  const summary = await read.build()
  const corpus = made.createCorpus({ ...CORPUS, threads })
  const walk = await corpus.addWalks(read, { ...WALKS, ...walks })
  read.dispose()
  const found = await corpus.finish({ minCount: 1, maxVocabulary: 0 })
  const { pairs, trainedTokens, vectors } = await made.train(corpus, {
    ...PARAMETERS,
    dimensions: 4,
    epochs: 1,
  })
  const answer = {
    summary,
    walk,
    found,
    keys: keysOf(corpus),
    counts: [...corpus.counts],
    pairs,
    trainedTokens,
  }
  return { answer, vectors: Float32Array.from(vectors.data) }
}

for (const name of ENGINES) {
  const made = engine(name)

  test(`${name}: the walks of a line end at its ends and go to and fro`, async () => {
    const { answer } = await walked(made, 'a b\nb c\n', { directed: true }, { walks: 1 })
    assert.equal(answer.walk, { walks: 3, endedEarly: 3 })
    assert.equal(answer.keys, ['c', 'b', 'a'])
    assert.equal(answer.counts, [3n, 2n, 1n])
    assert.is(answer.found.sequences, 3)
    const both = await walked(made, 'a b\nb c\n', {}, { walks: 2, walkLength: 5 })
    assert.equal(both.answer.walk, { walks: 6, endedEarly: 0 })
    assert.is(both.answer.found.tokens, 30)
  })

  test(`${name}: walks do not depend on the number of threads`, async () => {
    const edges = randomEdges(4)
    for (const q of [1, 0.5]) {
      const one = await walked(made, edges, {}, { q, walks: 50, walkLength: 80 }, 1)
      const three = await walked(made, edges, {}, { q, walks: 50, walkLength: 80 }, 3)
      assert.equal(one, three)
    }
  })

  test(`${name}: a file, a file without a last line end and blocks make the same graph`, async () => {
    const lines = `# comment\r\n${randomEdges(2).trim()}`
    const summaries: GraphSummary[] = []
    for (const block of [1000, 17]) {
      const graph = made.createGraph(GRAPH)
      const bytes = Buffer.from(lines)
      for (let at = 0; at < bytes.length; at += block)
        await graph.addBlock(bytes.subarray(at, at + block), 'edges')
      await graph.endStream()
      summaries.push(await graph.build())
    }
    const graph = made.createGraph(GRAPH)
    let last = { bytes: 0, totalBytes: 0 }
    await graph.addFile(written('edges.txt', lines), {
      onProgress: (progress) => {
        last = progress
      },
    })
    summaries.push(await graph.build())
    assert.equal(summaries[0], summaries[1])
    assert.equal(summaries[0], summaries[2])
    assert.equal(last, { bytes: lines.length, totalBytes: lines.length })
  })

  test(`${name}: walks tell how far they are, and stop at an abort`, async () => {
    const graph = made.createGraph(GRAPH)
    await graph.addBlock(Buffer.from(randomEdges(3)), 'edges')
    await graph.endStream()
    const { nodes } = await graph.build()
    const seen: WalkProgress[] = []
    await made
      .createCorpus(CORPUS)
      .addWalks(graph, { ...WALKS, walks: 200 }, { onProgress: (progress) => void seen.push(progress) })
    assert.equal(seen.at(-1), { walks: 200 * nodes, totalWalks: 200 * nodes })
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 50)
    const endless = { ...WALKS, walks: 1_000_000, walkLength: 1000 }
    const corpus = made.createCorpus({ ...CORPUS, memoryLimit: 2 ** 24 })
    assert.is(await raised(() => corpus.addWalks(graph, endless, { signal: controller.signal })), reason)
  })

  test(`${name}: calls out of order are errors`, async () => {
    const graph = made.createGraph(GRAPH)
    const corpus = made.createCorpus(CORPUS)
    await rejection(() => corpus.addWalks(graph, WALKS), 'ERR_ANYVEC_USAGE', /not built/)
    await graph.addBlock(Buffer.from('a b'), 'edges')
    await rejection(() => graph.build(), 'ERR_ANYVEC_USAGE', /stream/)
    await rejection(() => graph.addFile(written('e.txt', 'a b')), 'ERR_ANYVEC_USAGE', /stream/)
    await graph.endStream()
    await graph.build()
    await rejection(() => graph.build(), 'ERR_ANYVEC_USAGE')
    await rejection(() => graph.addBlock(Buffer.from('a b'), 'edges'), 'ERR_ANYVEC_USAGE')
    for (const bad of [{ walks: 0 }, { walkLength: 0 }, { p: 0 }, { q: Number.NaN }, { p: -1 }]) {
      await rejection(() => corpus.addWalks(graph, { ...WALKS, ...bad }), 'ERR_ANYVEC_OPTION')
    }
    graph.dispose()
    graph.dispose()
    await rejection(() => corpus.addWalks(graph, WALKS), 'ERR_ANYVEC_DISPOSED')
  })

  test(`${name}: sequences of numbers stand beside text, in the order in which they came`, async () => {
    const corpus = made.createCorpus(CORPUS)
    await corpus.addBlock(Buffer.from('b c\n'), 'text')
    await corpus.endStream()
    const names = ['a', 'b', 'a film with blanks']
    const offsets = BigUint64Array.from([0, 1, 2, 20].map(BigInt))
    const keys = { bytes: Buffer.from(names.join('')), offsets }
    const end = END_OF_SEQUENCE
    await corpus.addNumbered(keys, Uint32Array.of(0, 1, end, end, 2, end, 1, 2, end))
    const summary = await corpus.finish({ minCount: 1, maxVocabulary: 0 })
    assert.equal([summary.tokens, summary.sequences, summary.types], [7, 4, 4])
    assert.equal(keysOf(corpus), ['b', 'a film with blanks', 'a', 'c'])
    assert.equal([...corpus.counts], [3n, 2n, 1n, 1n])
    const { pairs } = await made.train(corpus, { ...PARAMETERS, subsample: 0, window: 1, epochs: 1 })
    assert.is(pairs, 6)
    const other = made.createCorpus(CORPUS)
    await rejection(() => other.addNumbered(keys, Uint32Array.of(3, end)), 'ERR_ANYVEC_USAGE', /number/)
    await rejection(() => other.addNumbered(keys, Uint32Array.of(1)), 'ERR_ANYVEC_USAGE', /without an end/)
    const empty = { bytes: keys.bytes, offsets: BigUint64Array.of(0n, 0n) }
    await rejection(() => other.addNumbered(empty, Uint32Array.of(0, end)), 'ERR_ANYVEC_USAGE', /empty/)
    await other.addNumbered(keys, new Uint32Array(0))
  })
}

if (!ENGINES.includes('native')) {
  test.skip('agreement on walks: the native engine cannot be loaded here', () => {})
} else {
  const [native, portable] = [engine('native'), engine('portable')]

  test('both engines walk the same walks', async () => {
    const settings: readonly Partial<WalkParameters>[] = [
      {},
      { p: 0.25, q: 0.25 },
      { p: 4, q: 0.5 },
      { p: 0.01, q: 3 },
      { p: 100, q: 1, seed: 2 ** 40 + 3 },
    ]
    const weighted = randomEdges(1)
    const plain = weighted.replace(/^(\S+ \S+) .*$/gm, '$1')
    for (const lines of [weighted, plain]) {
      for (const directed of [false, true]) {
        for (const walks of settings) {
          const [a, b] = [
            await walked(native, lines, { directed }, walks, 2),
            await walked(portable, lines, { directed }, walks),
          ]
          assert.equal(a.answer, b.answer, JSON.stringify({ directed, ...walks }))
          a.vectors.forEach((value, i) => {
            assert.ok(Math.abs(value - b.vectors[i]) < 1e-3)
          })
        }
      }
    }
  })

  test('both refuse the same lines and files with the same words', async () => {
    const lines = [
      'alone',
      'a b c',
      'a b 1 2',
      'a b -1',
      'a b 1e39',
      'a b 0x1',
      'a b\0',
      `${'x'.repeat(16385)} b`,
      'x'.repeat(70_000),
      '\xff b',
    ]
    for (const line of lines) {
      const text = Buffer.from(`# one\nx y\n${line}\n`, line === '\xff b' ? 'latin1' : 'utf8')
      const errors = []
      for (const made of [native, portable]) {
        errors.push(
          (await raised(() => made.createGraph(GRAPH).addFile(written('bad.txt', text)))) as AnyvecError,
        )
      }
      const told = errors.map(({ code, message, details }) => ({
        code,
        message: message.replace(/^.*?: /, ''),
        line: details.line,
      }))
      assert.equal(told[0], told[1])
      assert.equal([told[0].code, told[0].line], ['ERR_ANYVEC_FORMAT', 3])
    }
    for (const path of [fresh('missing.txt'), '/dev/null']) {
      const errors = []
      for (const made of [native, portable])
        errors.push((await raised(() => made.createGraph(GRAPH).addFile(path))) as AnyvecError)
      assert.equal([errors[0].code, errors[0].message], [errors[1].code, errors[1].message])
    }
  })

  const path = join(data, 'graph', 'blogcatalog.edges.tsv')
  if (!existsSync(path)) {
    test.skip(`skipped: ${path} is not there`, () => {})
  } else {
    test('both engines walk the same walks over BlogCatalog', async () => {
      const found = []
      for (const made of [native, portable]) {
        const graph = made.createGraph(GRAPH)
        await graph.addFile(path)
        const summary = await graph.build()
        assert.equal([summary.nodes, summary.edges], [10_312, 333_983])
        const corpus = made.createCorpus(CORPUS)
        await corpus.addWalks(graph, { walks: 1, walkLength: 40, p: 0.5, q: 2, seed: 1 })
        const read = await corpus.finish({ minCount: 1, maxVocabulary: 0 })
        found.push({ summary, read, keys: keysOf(corpus).join(' '), counts: corpus.counts.join() })
      }
      assert.equal(found[0], found[1])
    })
  }
}

test.run()
