import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { graph, type GraphOptions, type Progress, train, type TrainOptions } from '../../lib/index.js'
import { ENGINES } from '../engines.js'
import { raised, rejection } from '../rejection.js'
import { written } from '../temporary.js'

type Input = Parameters<typeof graph>[0]

/** Two groups of five, all of whose members know each other, and one bridge. */
const GROUPS = [0, 5].flatMap((base) =>
  [0, 1, 2, 3, 4].flatMap((a) =>
    [0, 1, 2, 3, 4].filter((b) => a < b).map((b) => [`n${base + a}`, `n${base + b}`] as const),
  ),
)
const EDGES = [...GROUPS, ['n0', 'n5'] as const]
const LINES = EDGES.map(([a, b]) => `${a}\t${b}\n`).join('')

for (const engine of ENGINES) {
  const run = (input: Input, options?: GraphOptions, more: TrainOptions = {}) =>
    train(graph(input, options), { engine, dimensions: 8, epochs: 3, minCount: 1, threads: 1, ...more })

  test(`${engine}: nodes that walks meet together become near`, async () => {
    const nodes = await run(written('e.tsv', LINES), { walks: 100, walkLength: 20 })
    const { nodes: count, edges, walks, endedEarly, weighted } = nodes.report!.source
    assert.equal([count, edges, walks, endedEarly, weighted], [10, 21, 1000, 0, false])
    assert.ok(nodes.similarity('n1', 'n2') > nodes.similarity('n1', 'n7') + 0.3)
    assert.equal([nodes.report?.corpus.tokens, nodes.report?.corpus.sequences], [20_000, 1000])
  })

  test(`${engine}: a file, gzip, several files, a stream, blocks and edges make the same vectors`, async () => {
    const expected = await run(written('e.tsv', LINES))
    const half = LINES.indexOf('\n', LINES.length / 2) + 1
    async function* later() {
      yield* EDGES
    }
    for (const input of [
      written('e.gz', gzipSync(LINES)),
      [written('1.tsv', LINES.slice(0, half)), written('2.tsv', LINES.slice(half))],
      Readable.from([Buffer.from(LINES)]),
      [LINES].values(),
      EDGES,
      new Set(EDGES),
      later(),
      Readable.from(EDGES),
    ]) {
      const found = await run(input)
      assert.equal([...found.keys], [...expected.keys])
      assert.equal(found.vector('n3'), expected.vector('n3'))
    }
  })

  test(`${engine}: edges may be of numbers, have weights, and lead one way`, async () => {
    const nodes = await run(
      [
        [0, 1, 2.5],
        [1, 2],
        [2, 0, 0],
        ['#3', 0, 1],
      ],
      { directed: true, walks: 5 },
    )
    const { weighted, zeroWeights, comments, endedEarly, edges } = nodes.report!.source
    assert.equal(
      { weighted, zeroWeights, comments, endedEarly, edges },
      { weighted: true, zeroWeights: 1, comments: 0, endedEarly: 20, edges: 3 },
    )
    assert.equal([...nodes.keys].sort(), ['#3', '0', '1', '2'])
  })

  test(`${engine}: the seed decides the walks`, async () => {
    const vector = async (seed: number) => (await run(EDGES, {}, { seed, epochs: 1 })).vector('n0')
    assert.equal(await vector(1), await vector(1))
    assert.not.equal(await vector(1), await vector(2))
  })

  test(`${engine}: what is no edge is an error that names it, or is counted`, async () => {
    const lines = written('bad.tsv', `${LINES}alone\n`)
    await rejection(() => run(lines), 'ERR_ANYVEC_FORMAT', /line 22 is no edge/)
    assert.is((await run(lines, { malformed: 'skip' })).report?.source.malformedLines, 1)
    for (const bad of [
      'a b',
      7,
      null,
      ['a'],
      ['a', 'b', 1, 2],
      ['a', 1.5],
      ['a', 'b c'],
      ['', 'b'],
      ['a', 'b', -1],
      ['a', 'b', Number.NaN],
    ]) {
      const error = await rejection(
        () => run([...EDGES, bad].values() as unknown as Input),
        'ERR_ANYVEC_USAGE',
        /edge 21/,
      )
      assert.is(error.details.edge, 21)
      const { report } = await run([...EDGES, bad].values() as unknown as Input, { malformed: 'skip' })
      assert.equal([report?.source.malformedLines, report?.source.edges], [1, 21])
    }
  })

  test(`${engine}: progress tells of walking, and a graph without edges is an empty corpus`, async () => {
    const seen: Progress[] = []
    await run(EDGES, {}, { onProgress: (progress) => void seen.push(progress) })
    assert.equal(seen.filter(({ phase }) => phase === 'walking').at(-1), {
      phase: 'walking',
      walks: 100,
      totalWalks: 100,
    })
    await rejection(() => run([]), 'ERR_ANYVEC_USAGE', /empty array/)
    await rejection(() => run(written('none.tsv', '# nothing\n')), 'ERR_ANYVEC_EMPTY_CORPUS')
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 50)
    const endless = { walks: 10_000, walkLength: 100_000 }
    const aborted = run(EDGES, endless, { signal: controller.signal, memoryLimit: 2 ** 24 })
    assert.is(await raised(() => aborted), reason)
  })
}

test('what is wrong with the options is said before anything is read', async () => {
  for (const options of [
    { walks: 0 },
    { walkLength: 0 },
    { p: 0 },
    { q: Number.POSITIVE_INFINITY },
    { directed: 'yes' },
    { walk: 1 },
  ]) {
    await rejection(() => graph('a', options as GraphOptions), 'ERR_ANYVEC_OPTION')
  }
  await rejection(() => graph(7 as unknown as Input), 'ERR_ANYVEC_USAGE', /file of graph/)
})

test.run()
