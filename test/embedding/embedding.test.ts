import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Neighbour, type Query, train, sequences } from '../../lib/index.js'
import { ENGINES } from '../engines.js'
import { embedding, rowsOf } from '../models.js'
import { raised, rejection } from '../rejection.js'

const KEYS = Array.from({ length: 500 }, (_, i) => `key${i}`)
const ROWS = rowsOf(500, 17)

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (value, i) => value * b[i]).reduce((x, y) => x + y, 0)
const unit = (a: ArrayLike<number>) => Array.from(a, (value) => value / Math.sqrt(dot(a, a)))

/** The plain answer: every score in double, sorted. */
function bruteForce(
  query: readonly number[],
  k: number,
  excluded: readonly string[],
  metric = 'cosine',
  limit = 500,
) {
  const wanted = metric === 'cosine' ? unit(query) : query
  return KEYS.slice(0, limit)
    .map((key, i) => ({ key, score: dot(metric === 'cosine' ? unit(ROWS[i]) : ROWS[i], wanted) }))
    .filter(({ key }) => !excluded.includes(key))
    .sort((a, b) => b.score - a.score)
    .slice(0, k)
}

function same(found: readonly Neighbour[], expected: readonly Neighbour[]): void {
  assert.equal(
    found.map(({ key }) => key),
    expected.map(({ key }) => key),
  )
  found.forEach(({ score }, i) => {
    assert.ok(Math.abs(score - expected[i].score) < 1e-5, `${score} instead of ${expected[i].score}`)
  })
}

const sum = (...rows: readonly (readonly number[])[]) =>
  rows[0].map((_, i) => rows.reduce((all, row) => all + row[i], 0))
const minus = (row: readonly number[]) => row.map((value) => -value)

for (const engine of ENGINES) {
  const words = embedding(engine, KEYS, ROWS, {
    contexts: rowsOf(500, 17, 5),
    counts: KEYS.map((_, i) => BigInt(1000 - i)),
    metadata: { from: 'a test' },
  })

  test(`${engine}: what an embedding holds is shown, not copied`, () => {
    assert.equal([words.size, words.dimensions, words.keys.size], [500, 17, 500])
    assert.equal([...words.vector('key3')], ROWS[3])
    assert.equal([...(words.context('key3') ?? [])], rowsOf(500, 17, 5)[3])
    assert.is(words.vector('key3').buffer, words.vectors.buffer)
    assert.is(words.vectors.length, 500 * 17)
    assert.is(words.count('key3'), 997)
    assert.ok(words.has('key499') && !words.has('key500'))
    assert.equal(words.metadata, { from: 'a test' })
    assert.equal([words.report, words.origin], [undefined, undefined])
  })

  test(`${engine}: nearest is what brute force finds, without the key itself`, async () => {
    for (const key of ['key0', 'key250', 'key499']) {
      const row = ROWS[Number(key.slice(3))]
      same(await words.nearest(key), bruteForce(row, 10, [key]))
      same(await words.nearest(key, { k: 3, metric: 'dot' }), bruteForce(row, 3, [key], 'dot'))
      same(await words.nearest(key, { k: 4, limit: 50, threads: 2 }), bruteForce(row, 4, [key], 'cosine', 50))
    }
  })

  test(`${engine}: a vector is answered with all keys, in any kind of array and of any length`, async () => {
    const expected = bruteForce(ROWS[7], 5, [])
    for (const vector of [
      ROWS[7],
      Float32Array.from(ROWS[7]),
      Float64Array.from(ROWS[7]),
      words.vector('key7'),
    ]) {
      same(await words.nearest(vector, { k: 5 }), expected)
    }
    same(
      await words.nearest(
        ROWS[7].map((value) => value * 1e30),
        { k: 5 },
      ),
      expected,
    )
    same(
      await words.nearest(
        ROWS[7].map((value) => value * 1e-30),
        { k: 5 },
      ),
      expected,
    )
  })

  test(`${engine}: a set adds and subtracts unit vectors and leaves out its keys`, async () => {
    const [a, b, c] = [1, 2, 3].map((i) => unit(ROWS[i]))
    const expected = bruteForce(sum(b, c, minus(a)), 10, ['key1', 'key2', 'key3'])
    same(await words.nearest({ positive: ['key2', 'key3'], negative: ['key1'] }), expected)
    same(await words.analogy('key1', 'key2', 'key3'), expected)
    same((await words.analogyBatch([['key1', 'key2', 'key3']]))[0], expected)
    same(await words.nearest({ negative: ['key1'] }, { k: 2 }), bruteForce(minus(a), 2, ['key1']))
    const mixed = await words.nearest({ positive: ['key2', ROWS[3]] }, { k: 3 })
    same(mixed, bruteForce(sum(b, c), 3, ['key2']))
  })

  test(`${engine}: a batch is answered in order, as one by one`, async () => {
    const queries: Query[] = ['key5', ROWS[6], { positive: ['key7', 'key8'] }]
    const batch = await words.nearestBatch(queries, { k: 4 })
    for (let i = 0; i < queries.length; i++) same(batch[i], await words.nearest(queries[i], { k: 4 }))
    assert.equal(await words.nearestBatch([]), [])
  })

  test(`${engine}: fewer answers come where the vocabulary is smaller than k`, async () => {
    const few = embedding(
      engine,
      ['a', 'b', 'c'],
      [
        [1, 0],
        [0, 1],
        [1, 1],
      ],
    )
    assert.equal(
      (await few.nearest('a', { k: 10 })).map(({ key }) => key),
      ['c', 'b'],
    )
    assert.equal(
      (await few.nearest([1, 0], { k: 10 })).map(({ key }) => key),
      ['a', 'c', 'b'],
    )
    assert.equal((await few.nearest([1, 0], { k: 2 ** 40 })).length, 3)
    assert.equal((await few.nearest('c', { limit: 2 ** 40 })).length, 2)
    // the query's own key is all that the limit lets in
    assert.equal(await few.nearest('a', { limit: 1 }), [])
  })

  test(`${engine}: similarity is the cosine`, () => {
    const expected = dot(unit(ROWS[1]), unit(ROWS[2]))
    assert.ok(Math.abs(words.similarity('key1', 'key2') - expected) < 1e-6)
    assert.ok(Math.abs(words.similarity(ROWS[1], 'key2') - expected) < 1e-6)
    assert.ok(Math.abs(words.similarity('key1', 'key1') - 1) < 1e-9)
    const zero = embedding(
      engine,
      ['zero', 'one'],
      [
        [0, 0],
        [1, 0],
      ],
    )
    assert.is(zero.similarity('zero', 'one'), 0)
  })

  test(`${engine}: what cannot be asked is a typed error`, async () => {
    await rejection(() => words.nearest('key'), 'ERR_ANYVEC_UNKNOWN_KEY')
    await rejection(() => words.vector('nothing'), 'ERR_ANYVEC_UNKNOWN_KEY')
    await rejection(() => words.context('nothing'), 'ERR_ANYVEC_UNKNOWN_KEY')
    await rejection(() => words.count('nothing'), 'ERR_ANYVEC_UNKNOWN_KEY')
    await rejection(() => words.analogy('key1', 'nothing', 'key2'), 'ERR_ANYVEC_UNKNOWN_KEY')
    await rejection(() => words.nearest([1, 2, 3]), 'ERR_ANYVEC_VECTOR', /17 values .* one of 3/)
    const bad = (value: unknown) => ROWS[0].with(4, value as number)
    for (const value of [Number.NaN, Infinity, 1e39, '1', null, undefined, 1n]) {
      await rejection(() => words.nearest(bad(value)), 'ERR_ANYVEC_VECTOR', /value 4/)
    }
    await rejection(() => words.nearest(Array<number>(17).fill(0)), 'ERR_ANYVEC_VECTOR', /zero/)
    await rejection(
      () => words.nearest({ positive: ['key1'], negative: ['key1'] }),
      'ERR_ANYVEC_VECTOR',
      /zero/,
    )
    const zero = embedding(
      engine,
      ['zero', 'one'],
      [
        [0, 0],
        [1, 0],
      ],
    )
    await rejection(() => zero.nearest('zero'), 'ERR_ANYVEC_VECTOR', /The vector of "zero" is zero/)
    for (const query of [
      undefined,
      null,
      7,
      {},
      { positive: 'key1' },
      { positve: ['key1'] },
      { positive: [] },
      () => 1,
    ]) {
      await rejection(() => words.nearest(query as Query), 'ERR_ANYVEC_USAGE')
    }
    await rejection(() => words.nearest({ positive: [7 as unknown as string] }), 'ERR_ANYVEC_USAGE')
    for (const options of [
      { k: 0 },
      { k: 1.5 },
      { limit: -1 },
      { metric: 'l2' },
      { threads: 0 },
      { threads: 2000 },
    ]) {
      await rejection(() => words.nearest('key1', options as object), 'ERR_ANYVEC_OPTION')
    }
    await rejection(() => words.nearest('key1', { top: 3 } as object), 'ERR_ANYVEC_OPTION', /no option "top"/)
  })

  test(`${engine}: an aborted search rejects with the reason`, async () => {
    const reason = new Error('enough')
    assert.is(await raised(() => words.nearest('key1', { signal: AbortSignal.abort(reason) })), reason)
  })

  test(`${engine}: an embedding outlives the corpus it was trained on`, async () => {
    const baskets = Array.from({ length: 200 }, (_, i) => ['a', 'b', 'c'].map((key) => `${key}${i % 3}`))
    const trained = await train(sequences(baskets), {
      engine,
      dimensions: 8,
      minCount: 1,
      threads: 1,
      subsample: 0,
    })
    for (let i = 0; i < 20; i++) Buffer.alloc(1e6)
    assert.is(trained.count('a0'), 67)
    assert.is((await trained.nearest('a0', { k: 2 })).length, 2)
  })
}

test.run()
