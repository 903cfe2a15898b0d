import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Embedding,
  type InteractionOptions,
  interactions,
  train,
  type TrainOptions,
} from '../../lib/index.js'
import { ENGINES } from '../engines.js'
import { raised, rejection } from '../rejection.js'
import { written } from '../temporary.js'

type Input = Parameters<typeof interactions>[0]

const countsOf = (items: Embedding) =>
  Object.fromEntries([...items.keys].map((key) => [key, items.count(key)]))

for (const engine of ENGINES) {
  const run = (input: Input, options?: InteractionOptions, more: TrainOptions = {}) =>
    train(interactions(input, options), {
      engine,
      dimensions: 2,
      epochs: 1,
      minCount: 1,
      threads: 2,
      subsample: 0,
      ...more,
    })
  /** Pairs of a window of one tell which items stood side by side: 2 a neighbourhood. */
  const pairs = async (input: Input, options?: InteractionOptions) =>
    (await run(input, options, { window: 1 })).report?.pairs

  test(`${engine}: a user's items are a sequence, whatever lies between them`, async () => {
    const csv = 'user,item\nann,tea\nbob,tea\nann,green tea\nbob,milk\ncid,rice\n'
    const items = await run(written('i.csv', csv))
    assert.equal(countsOf(items), { tea: 2, 'green tea': 1, milk: 1, rice: 1 })
    const { source, corpus } = items.report!
    assert.equal([source.rows, source.users, source.interactions], [5, 3, 5])
    assert.equal([corpus.sequences, corpus.tokens], [3, 5])
    assert.is(await pairs(written('i.csv', csv)), 4)
    const { kind } = items.metadata.source as { kind?: unknown }
    assert.is(kind, 'interactions')
  })

  test(`${engine}: time orders a user's items, equal times keep the order of rows`, async () => {
    // a b c in time; with a window of one, a and c are neighbours only where time is not heeded
    const rows = [
      'u\tb\t2',
      'u\ta\t1',
      'u\tc\t10',
      'v\tx\t2024-01-02',
      'v\ty\t2024-01-01T10:00',
      'v\tz\t2024-01-01 10:00:00Z',
    ]
    const vectors = async (order: readonly string[], options: InteractionOptions = { time: 3 }) =>
      (
        await run(
          [Buffer.from(order.join('\n'))],
          { user: 1, item: 2, ...options },
          { threads: 1, window: 1 },
        )
      ).vector('b')
    const sorted = [
      'u\ta\t1',
      'u\tb\t2',
      'u\tc\t10',
      'v\ty\t2024-01-01',
      'v\tz\t2024-01-01',
      'v\tx\t2024-01-02',
    ]
    assert.equal(await vectors(rows), await vectors(sorted))
    assert.not.equal(await vectors(rows, {}), await vectors(rows))
  })

  test(`${engine}: rows that say too little are left out and counted`, async () => {
    const csv = [
      'user,item,time,weight',
      'u,a,1,1',
      'u,,2,1',
      ',b,2,1',
      'u,c,soon,1',
      'u,c,,1',
      'u,d,1,many',
      'u,d,1,-1',
      'u,e,1,0',
      'u,f,2,5000',
      'v',
    ].join('\n')
    const items = await run(written('i.csv', csv), { time: 'time', weight: 'weight' })
    const { rows, users, interactions, ...leftOut } = items.report!.source
    assert.equal([rows, users, interactions], [10, 1, 1001])
    assert.equal(leftOut, {
      rowsWithoutUser: 1,
      rowsWithoutItem: 2,
      unreadableTimes: 2,
      unreadableWeights: 2,
      zeroWeights: 1,
      cappedWeights: 1,
      malformedRows: 0,
    })
    assert.equal(countsOf(items), { f: 1000, a: 1 })
  })

  test(`${engine}: a weight is how often an item stands in its sequence, on average`, async () => {
    const rows = Array.from({ length: 4000 }, (_, i) => ({
      user: i % 40,
      item: `i${i % 2}`,
      weight: i % 2 ? 2.25 : 1,
    }))
    const items = await run(rows, { weight: 'weight' })
    assert.is(items.count('i0'), 2000)
    // 2000 draws of 0.25: four standard deviations are 77
    const count = items.count('i1') ?? 0
    assert.ok(Math.abs(count - 4500) < 77, String(count))
    const again = await run(rows, { weight: 'weight' })
    assert.equal(countsOf(again), countsOf(items))
    const other = await run(rows, { weight: 'weight' }, { seed: 2 })
    assert.not.equal(countsOf(other), countsOf(items))
  })

  test(`${engine}: an item that cannot be a key is an error, or is counted`, async () => {
    for (const item of ['a\nb', 'x\0', 'y'.repeat(16385), '\ud800']) {
      const rows = [
        { user: 1, item: 'a' },
        { user: 1, item },
        { user: 1, item: 'b' },
      ]
      await rejection(() => run(rows), 'ERR_ANYVEC_FORMAT', /^The item/)
      const items = await run(rows, { malformed: 'skip' })
      assert.equal([items.report?.source.malformedRows, items.size], [1, 2])
    }
  })

  test(`${engine}: endless rows end at an abort, and what an iterable throws is what the run rejects with`, async () => {
    function* endless() {
      for (let i = 0; ; i++) yield { user: i % 7, item: i % 5 }
    }
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 50)
    assert.is(await raised(() => run(endless(), {}, { signal: controller.signal })), reason)
    async function* broken() {
      yield { user: 1, item: 1 }
      throw reason
    }
    assert.is(await raised(() => run(broken())), reason)
  })
}

test('what is wrong with the options is said before anything is read', async () => {
  await rejection(() => interactions('a', { users: 'x' } as object), 'ERR_ANYVEC_OPTION', /"user"/)
  await rejection(
    () => interactions('a', { user: 0 }),
    'ERR_ANYVEC_OPTION',
    /column's name, or its number from 1/,
  )
  await rejection(() => interactions('a', { user: '' }), 'ERR_ANYVEC_OPTION')
  await rejection(() => interactions('a', { format: 'xml' } as object), 'ERR_ANYVEC_OPTION')
  await rejection(() => interactions(7 as unknown as Input), 'ERR_ANYVEC_USAGE', /file of interactions/)
  await rejection(() => interactions([]), 'ERR_ANYVEC_USAGE')
})

test.run()
