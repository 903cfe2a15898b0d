/** Nearest rows by every measure, with weights, typed arrays and other matrices; analogies by every method. */

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { NO_ROW } from '../../lib/index.js'
import { ENGINES } from '../engines.js'
import { embedding, rowsOf } from '../models.js'
import { rejection } from '../rejection.js'

const SIZE = 400
const COLUMNS = 19
const KEYS = Array.from({ length: SIZE }, (_, i) => `key${i}`)
const ROWS = rowsOf(SIZE, COLUMNS)
const CONTEXTS = rowsOf(SIZE, COLUMNS, 9)

type Vector = readonly number[]
const dot = (a: Vector, b: Vector) => a.reduce((sum, value, i) => sum + value * b[i], 0)
const unit = (a: Vector) => a.map((value) => value / Math.sqrt(dot(a, a)))
const minus = (a: Vector, b: Vector) => a.map((value, i) => value - b[i])
const cosine = (a: Vector, b: Vector) => dot(unit(a), unit(b))
const UNITS = ROWS.map(unit)

/** The plain answer: every score in double, sorted. */
function ranked(score: (row: number) => number, k: number, excluded: readonly number[] = []): number[] {
  return KEYS.map((_, row) => row)
    .filter((row) => !excluded.includes(row))
    .sort((a, b) => score(b) - score(a))
    .slice(0, k)
}

for (const engine of ENGINES) {
  const words = embedding(engine, KEYS, ROWS, { contexts: CONTEXTS })
  const rowsFound = (found: readonly { readonly key: string }[]) =>
    found.map(({ key }) => Number(key.slice(3)))

  test(`${engine}: euclidean scores by minus the distance, alone and in batches`, async () => {
    const distance = (row: number) => -Math.sqrt(dot(minus(ROWS[row], ROWS[5]), minus(ROWS[row], ROWS[5])))
    const one = await words.nearest('key5', { metric: 'euclidean', k: 20 })
    assert.equal(rowsFound(one), ranked(distance, 20, [5]))
    for (const { key, score } of one) assert.ok(Math.abs(score - distance(Number(key.slice(3)))) < 1e-5)
    const many = await words.nearestBatch(Array<string>(50).fill('key5'), { metric: 'euclidean', k: 20 })
    for (const answer of many) assert.equal(rowsFound(answer), rowsFound(one))
    assert.is((await words.nearest(ROWS[5], { metric: 'euclidean', k: 1 }))[0].score, 0)
  })

  test(`${engine}: near rows keep their order at a great distance from zero`, async () => {
    const far = embedding(
      engine,
      ['a', 'b', 'c', 'd'],
      [
        [1000, 0.004],
        [1000, 0.001],
        [1000, 0.003],
        [1000, 0.002],
      ],
    )
    const found = await far.nearest([1000, 0], { metric: 'euclidean' })
    assert.equal(
      found.map(({ key }) => key),
      ['b', 'd', 'c', 'a'],
    )
  })

  test(`${engine}: weights multiply terms of length 1`, async () => {
    const query = {
      positive: [{ term: 'key1', weight: 3 }, 'key2'],
      negative: [{ term: ROWS[3], weight: 0.5 }],
    }
    const sum = UNITS[1].map((value, i) => 3 * value + UNITS[2][i] - 0.5 * UNITS[3][i])
    assert.equal(
      rowsFound(await words.nearest(query)),
      ranked((row) => cosine(ROWS[row], sum), 10, [1, 2]),
    )
    for (const weight of [0, -1, Number.NaN, Infinity, '1']) {
      await rejection(
        () => words.nearest({ positive: [{ term: 'key1', weight: weight as number }] }),
        'ERR_ANYVEC_USAGE',
        /weight/,
      )
    }
  })

  test(`${engine}: answers come from the matrix that is asked, for keys of the matrix that is named`, async () => {
    const contexts = await words.nearest('key1', { among: 'contexts', metric: 'dot' })
    assert.equal(
      rowsFound(contexts),
      ranked((row) => dot(CONTEXTS[row], ROWS[1]), 10, [1]),
    )
    const back = await words.nearest('key1', { from: 'contexts' })
    assert.equal(
      rowsFound(back),
      ranked((row) => cosine(ROWS[row], CONTEXTS[1]), 10, [1]),
    )
    const without = embedding(engine, KEYS, ROWS)
    await rejection(() => without.nearest('key1', { among: 'contexts' }), 'ERR_ANYVEC_USAGE', /no contexts/)
    await rejection(() => words.nearest('key1', { among: 'tags' as 'contexts' }), 'ERR_ANYVEC_OPTION')
  })

  test(`${engine}: typed arrays give the answers of keys`, async () => {
    for (const count of [1, 3, 70]) {
      const ids = Uint32Array.from({ length: count }, (_, i) => (i * 7) % SIZE)
      const { k, ids: found, scores } = await words.nearestRows(ids, { k: 6 })
      assert.equal([k, found.length, scores.length], [6, count * 6, count * 6])
      const named = await words.nearestBatch(
        [...ids].map((id) => `key${id}`),
        { k: 6 },
      )
      assert.equal([...found], named.flatMap(rowsFound))
      const vectors = Float32Array.from([...ids].flatMap((id) => ROWS[id]))
      const all = await words.nearestRows(vectors, { k: 7 })
      for (let i = 0; i < count; i++) {
        assert.is(all.ids[i * 7], ids[i])
        assert.equal([...all.ids.subarray(i * 7 + 1, i * 7 + 7)], [...found.subarray(i * 6, i * 6 + 6)])
      }
    }
    assert.equal([...(await words.nearestRows(new Uint32Array(0))).ids], [])
  })

  test(`${engine}: places of typed arrays without an answer are marked`, async () => {
    const { k, ids } = await words.nearestRows(Uint32Array.of(0), {
      k: 3,
      filter: { only: ['key0', 'key1'] },
    })
    assert.equal([k, ...ids], [3, 1, NO_ROW, NO_ROW])
    const every = await words.nearestRows(Uint32Array.of(0), { k: 2 ** 40 })
    assert.equal([every.k, every.ids.length, every.ids[SIZE - 1]], [SIZE, SIZE, NO_ROW])
    assert.is(new Set(every.ids).size, SIZE)
  })

  test(`${engine}: typed arrays that cannot be asked are typed errors`, async () => {
    await rejection(() => words.nearestRows(new Float32Array(20)), 'ERR_ANYVEC_VECTOR', /19 values/)
    await rejection(
      () => words.nearestRows(new Float32Array(38).fill(1, 0, 19)),
      'ERR_ANYVEC_VECTOR',
      /Query 1 is zero/,
    )
    await rejection(
      () => words.nearestRows(new Float32Array(38).fill(1).fill(Number.NaN, 22, 23)),
      'ERR_ANYVEC_VECTOR',
      /value 3 of query 1 is NaN/,
    )
    await rejection(
      () => words.nearestRows(Uint32Array.of(SIZE)),
      'ERR_ANYVEC_UNKNOWN_KEY',
      /no key number 400/,
    )
    await rejection(() => words.nearestRows([1, 2] as unknown as Uint32Array), 'ERR_ANYVEC_USAGE')
    assert.is((await words.nearestRows(new Float32Array(19), { metric: 'euclidean', k: 1 })).ids.length, 1)
  })

  test(`${engine}: analogies are those of their formulas, one and many`, async () => {
    const formulas = {
      '3cosadd': (a: number, b: number, c: number) => (row: number) =>
        cosine(
          ROWS[row],
          minus(
            UNITS[b].map((value, i) => value + UNITS[c][i]),
            UNITS[a],
          ),
        ),
      '3cosmul': (a: number, b: number, c: number) => (row: number) =>
        ((1 + cosine(ROWS[row], ROWS[b])) * (1 + cosine(ROWS[row], ROWS[c]))) /
        4 /
        ((1 + cosine(ROWS[row], ROWS[a])) / 2 + 0.001),
      'pair-direction': (a: number, b: number, c: number) => (row: number) =>
        row === c ? -1 : cosine(minus(UNITS[row], UNITS[c]), minus(UNITS[b], UNITS[a])),
    }
    for (const [method, formula] of Object.entries(formulas) as [
      keyof typeof formulas,
      (typeof formulas)['3cosadd'],
    ][]) {
      const questions = Array.from({ length: 30 }, (_, i) => [i, i + 40, 3 * i + 7] as const)
      const found = await words.analogyBatch(
        questions.map(([a, b, c]) => [`key${a}`, `key${b}`, `key${c}`] as const),
        { method, k: 5 },
      )
      questions.forEach(([a, b, c], i) => {
        const score = formula(a, b, c)
        assert.equal(rowsFound(found[i]), ranked(score, 5, [a, b, c]), method)
        for (const { key, score: given } of found[i])
          assert.ok(Math.abs(given - score(Number(key.slice(3)))) < 1e-4)
      })
      assert.equal(
        rowsFound(await words.analogy('key0', 'key40', 'key7', { method, k: 5 })),
        rowsFound(found[0]),
      )
    }
    await rejection(
      () => words.analogy('key0', 'key1', 'key2', { method: 'cosmul' as '3cosmul' }),
      'ERR_ANYVEC_OPTION',
    )
    await rejection(
      () => words.analogy('key0', 'key1', 'key2', { metric: 'dot' } as object),
      'ERR_ANYVEC_OPTION',
    )
  })
}

test.run()
