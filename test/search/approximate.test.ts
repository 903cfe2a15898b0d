/** Approximate search: how near it comes to exact search, and its way through a file. */

import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type IndexProgress, open } from '../../lib/index.js'
import { ENGINES } from '../engines.js'
import { embedding, rowsOf } from '../models.js'
import { raised, rejection } from '../rejection.js'
import { fresh } from '../temporary.js'

/** So many that the walk is worth it. */
const SIZE = 9000
const KEYS = Array.from({ length: SIZE }, (_, i) => `key${i}`)
const ROWS = rowsOf(SIZE, 12)

for (const engine of ENGINES) {
  const words = embedding(engine, KEYS, ROWS)

  test(`${engine}: without an index approximate search is an error that says what to do`, async () => {
    await rejection(() => words.nearest('key1', { approximate: true }), 'ERR_ANYVEC_USAGE', /buildIndex/)
    await rejection(() => words.removeFromIndex(['key1']), 'ERR_ANYVEC_USAGE', /buildIndex/)
    assert.is(words.index, undefined)
  })

  test(`${engine}: a build reports progress, can be aborted, and refuses what makes no sense`, async () => {
    const reason = new Error('enough')
    assert.is(await raised(() => words.buildIndex({ signal: AbortSignal.abort(reason) })), reason)
    const mine = new Error('mine')
    const onProgress = () => {
      throw mine
    }
    assert.is(await raised(() => words.buildIndex({ onProgress })), mine)
    assert.is(words.index, undefined)
    await rejection(() => words.buildIndex({ connectivity: 1 }), 'ERR_ANYVEC_OPTION')
    await rejection(() => words.buildIndex({ storage: 'f64' as 'int8' }), 'ERR_ANYVEC_OPTION')
    const seen: IndexProgress[] = []
    const info = await words.buildIndex({ threads: 2, onProgress: (progress) => seen.push(progress) })
    assert.equal(info, { size: SIZE, connectivity: 16, expansion: 128, storage: 'float32' })
    assert.equal(seen[seen.length - 1], { rows: SIZE, totalRows: SIZE })
  })

  test(`${engine}: nearly all of the nearest are found, in every storage`, async () => {
    for (const storage of ['float32', 'float16', 'int8'] as const) {
      await words.buildIndex({ storage })
      const report = await words.recallAgainstExact({ queries: 200, expansion: 100 })
      assert.ok(report.recall > 0.95, `${report.recall}`)
      assert.equal(
        [report.queries, report.k, report.expansion, report.exact],
        [200, 10, 100, engine === 'portable'],
      )
    }
    const found = await words.nearest('key5', { approximate: true, k: 5 })
    const exact = await words.nearest('key5', { k: 5 })
    assert.is(found.length, 5)
    assert.ok(found.filter(({ key }) => exact.some((one) => one.key === key)).length >= 4)
    assert.is((await words.analogy('key1', 'key2', 'key3', { approximate: true })).length, 10)
  })

  test(`${engine}: filters are kept, and never fewer than k answers come where k exist`, async () => {
    for (const share of [1, 10, 50, 90]) {
      const filter = await words.filter({ where: ({ key }) => (Number(key.slice(3)) * 37) % 100 < share })
      const { ids, k } = await words.nearestRows(
        Uint32Array.from({ length: 20 }, (_, i) => 13 * i),
        { filter, approximate: true },
      )
      assert.is(k, 10)
      for (const id of ids) assert.ok(filter.has(`key${id}`))
    }
    const few = await words.nearestRows(Uint32Array.of(1), {
      filter: { only: ['key1', 'key7', 'key8'] },
      approximate: true,
    })
    assert.equal([few.exact, ...[...few.ids.subarray(0, 2)].sort()], [true, 7, 8])
    assert.is((await words.nearest('key1', { approximate: true, k: SIZE })).length, SIZE - 1)
  })

  test(`${engine}: only cosines among vectors are approximate`, async () => {
    await rejection(
      () => words.nearest('key1', { approximate: true, metric: 'dot' }),
      'ERR_ANYVEC_USAGE',
      /cosine/,
    )
    await rejection(
      () => words.analogy('key1', 'key2', 'key3', { approximate: true, method: '3cosmul' }),
      'ERR_ANYVEC_USAGE',
    )
    await rejection(() => words.nearest('key1', { approximate: true, expansion: 0 }), 'ERR_ANYVEC_OPTION')
  })

  test(`${engine}: removed keys are no answers until they are added again`, async () => {
    const [first] = await words.nearest('key40', { approximate: true })
    assert.is((await words.removeFromIndex([first.key])).size, SIZE - 1)
    assert.not.ok((await words.nearest('key40', { approximate: true })).some(({ key }) => key === first.key))
    assert.is((await words.addToIndex([first.key])).size, SIZE)
    assert.ok((await words.nearest('key40', { approximate: true })).some(({ key }) => key === first.key))
    await rejection(() => words.removeFromIndex(['nothing']), 'ERR_ANYVEC_UNKNOWN_KEY')
  })
}

if (ENGINES.includes('native')) {
  test('an index is saved with its model, opens with it in any engine, and changes like a new one', async () => {
    for (const storage of ['float32', 'int8'] as const) {
      const words = embedding('native', KEYS, ROWS)
      await words.buildIndex({ storage })
      await words.removeFromIndex(['key3'])
      const path = fresh(`index-${storage}.safetensors`)
      await words.save(path)
      const again = await open(path, { verify: true, engine: 'native' })
      assert.equal(again.index, { size: SIZE - 1, connectivity: 16, expansion: 128, storage })
      for (const key of ['key1', 'key8999']) {
        assert.equal(
          await again.nearest(key, { approximate: true }),
          await words.nearest(key, { approximate: true }),
        )
      }
      assert.is((await again.addToIndex(['key3'])).size, SIZE)
      assert.is((await again.nearest(ROWS[3], { approximate: true, k: 1 }))[0].key, 'key3')
      const portable = await open(path, { engine: 'portable' })
      assert.equal(portable.index, { size: SIZE - 1, connectivity: 16, expansion: 128, storage })
      assert.not.ok(
        (await portable.nearest(ROWS[3], { approximate: true })).some(({ key }) => key === 'key3'),
      )
      // what the portable engine cannot make it hands on
      const copy = fresh('copy.safetensors')
      await portable.save(copy)
      assert.equal(readFileSync(copy), readFileSync(path))
    }
  })

  test('a damaged index is an error, and the exact answers of its model are not', async () => {
    const words = embedding('native', KEYS.slice(0, 5000), ROWS.slice(0, 5000))
    await words.buildIndex()
    const path = fresh('sound.safetensors')
    await words.save(path)
    const bytes = readFileSync(path)
    const start = bytes.indexOf('anyvecH1')
    for (let i = 0; i < 40; i++) {
      const bad = Buffer.from(bytes)
      bad[start + Math.floor((i / 40) * 700_000) + i] ^= 1 << (i % 8)
      const place = fresh(`damaged-${i}.safetensors`)
      writeFileSync(place, bad)
      const approximate = async () =>
        (await open(place, { engine: 'native' })).nearest('key1', { approximate: true })
      await rejection(approximate, 'ERR_ANYVEC_FORMAT', /index is damaged/)
      await rejection(() => open(place, { engine: 'native', verify: true }), 'ERR_ANYVEC_FORMAT')
      if (i > 0) assert.is((await (await open(place, { engine: 'native' })).nearest('key1')).length, 10)
    }
  })
}

test.run()
