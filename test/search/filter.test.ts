/** Who may be an answer: rules, filters for many calls, attributes and their way through a file. */

import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type AttributeRow, open, type SearchOptions } from '../../lib/index.js'
import { KeyFilter } from '../../lib/search/filter.js'
import { ENGINES } from '../engines.js'
import { embedding, rowsOf } from '../models.js'
import { raised, rejection } from '../rejection.js'
import { fresh } from '../temporary.js'

const SIZE = 1000
const KEYS = Array.from({ length: SIZE }, (_, i) => `key${i}`)
const ROWS = rowsOf(SIZE, 16)
const YEARS = KEYS.map((_, i) => 1950 + (i % 70))
const GENRES = KEYS.map((_, i) => ['', 'drama', 'comédie', '喜剧'][i % 4])

for (const engine of ENGINES) {
  const films = embedding(engine, KEYS, ROWS)
  films.attach('year', YEARS)
  films.attach('genre', GENRES)

  /** All keys in order of nearness, as an unfiltered search answers them, that keep a rule. */
  const expected = async (
    query: string,
    k: number,
    keeps: (i: number) => boolean,
    options: SearchOptions = {},
  ) =>
    (await films.nearest(query, { ...options, k: SIZE }))
      .filter(({ key }) => keeps(Number(key.slice(3))))
      .slice(0, k)

  test(`${engine}: every rule gives what sorting all and leaving out would, for any share that it keeps`, async () => {
    for (const share of [0, 1, 10, 50, 90, 100]) {
      const kept = KEYS.filter((_, i) => (i * 37) % 100 < share)
      const keeps = (i: number) => (i * 37) % 100 < share
      for (const metric of ['cosine', 'dot', 'euclidean'] as const) {
        const wanted = await expected('key7', 12, keeps, { metric })
        assert.equal(await films.nearest('key7', { k: 12, metric, filter: { only: kept } }), wanted)
        const except = KEYS.filter((key) => !kept.includes(key))
        assert.equal(await films.nearest('key7', { k: 12, metric, filter: { except } }), wanted)
        assert.equal(
          await films.nearest('key7', { k: 12, metric, filter: { where: ({ key }) => kept.includes(key) } }),
          wanted,
        )
        const many = await films.nearestBatch(Array<string>(40).fill('key7'), {
          k: 12,
          metric,
          filter: { only: kept },
        })
        assert.equal(
          many[39].map(({ key }) => key),
          wanted.map(({ key }) => key),
        )
      }
    }
  })

  test(`${engine}: rules stand together, and with limit`, async () => {
    const filter = {
      only: KEYS.slice(100, 600),
      except: KEYS.slice(100, 200),
      where: (row: AttributeRow) => Number(row.year) < 2000,
    }
    const keeps = (i: number) => i >= 200 && i < 550 && YEARS[i] < 2000
    assert.equal(await films.nearest('key3', { limit: 550, filter }), await expected('key3', 10, keeps))
  })

  test(`${engine}: a filter is made once, counts its keys, and serves any number of searches`, async () => {
    const comedies = await films.filter({
      where: ({ genre, year }) => genre === 'comédie' && Number(year) >= 1990,
    })
    const keeps = (i: number) => i % 4 === 2 && YEARS[i] >= 1990
    assert.ok(comedies instanceof KeyFilter)
    assert.is(comedies.size, KEYS.filter((_, i) => keeps(i)).length)
    assert.equal(
      KEYS.map((key) => comedies.has(key)),
      KEYS.map((_, i) => keeps(i)),
    )
    assert.not.ok(comedies.has('nothing'))
    for (const query of ['key1', 'key2', 'key999'])
      assert.equal(await films.nearest(query, { filter: comedies }), await expected(query, 10, keeps))
    assert.equal((await films.nearest('key1', { k: 2 ** 30, filter: comedies })).length, comedies.size)
    assert.equal(
      await films.analogy('key1', 'key2', 'key3', { filter: { only: ['key1', 'key2', 'key3'] } }),
      [],
    )
  })

  test(`${engine}: attributes are kept with the model`, async () => {
    const path = fresh(`attributes-${engine}.safetensors`)
    await films.save(path)
    const again = await open(path, { engine, verify: true })
    assert.equal(again.attributes, ['year', 'genre'])
    assert.equal([again.attribute('key6', 'year'), again.attribute('key6', 'genre')], [YEARS[6], 'comédie'])
    assert.equal([again.attribute('key4', 'genre'), again.attribute('key4', 'director')], ['', undefined])
    assert.equal(
      await again.nearest('key9', { filter: { where: ({ genre }) => genre === '喜剧' } }),
      await expected('key9', 10, (i) => i % 4 === 3),
    )
    // of any byte that changes, one check or another tells
    const bytes = readFileSync(path)
    const text = bytes.indexOf('comédie')
    for (const at of [text, text + 4, bytes.indexOf(Buffer.from(Float64Array.of(YEARS[0]).buffer))]) {
      const bad = Buffer.from(bytes)
      bad[at] ^= 0xff
      await rejection(async () => open(written(bad), { engine }), 'ERR_ANYVEC_FORMAT', /damaged/)
    }
  })

  test(`${engine}: what cannot be attached or asked is a typed error`, async () => {
    await rejection(() => films.attach('year', [1, 2]), 'ERR_ANYVEC_USAGE', /1000 values/)
    await rejection(
      () => films.attach('year', YEARS.with(5, 'x' as unknown as number)),
      'ERR_ANYVEC_USAGE',
      /value 5/,
    )
    await rejection(() => films.attach('a b', YEARS), 'ERR_ANYVEC_USAGE', /name/)
    await rejection(() => films.attribute('nothing', 'year'), 'ERR_ANYVEC_UNKNOWN_KEY')
    await rejection(
      () => films.nearest('key1', { filter: { only: ['kye1'] } }),
      'ERR_ANYVEC_UNKNOWN_KEY',
      /key1/,
    )
    await rejection(
      () => films.nearest('key1', { filter: { except: ['nothing'] } }),
      'ERR_ANYVEC_UNKNOWN_KEY',
    )
    for (const filter of [{ only: 'key1' }, { only: [1] }, { were: () => true }, { where: 1 }]) {
      await rejection(() => films.nearest('key1', { filter: filter as object }), 'ERR_ANYVEC_USAGE')
    }
    await rejection(() => films.nearest('key1', { filter: 1 as unknown as object }), 'ERR_ANYVEC_OPTION')
    const other = await embedding(engine, KEYS, ROWS).filter({ only: ['key1'] })
    await rejection(() => films.nearest('key1', { filter: other }), 'ERR_ANYVEC_USAGE', /another embedding/)
    const mine = new Error('mine')
    const where = () => {
      throw mine
    }
    assert.is(await raised(() => films.nearest('key1', { filter: { where } })), mine)
  })
}

function written(bytes: Uint8Array): string {
  const path = fresh('damaged.safetensors')
  writeFileSync(path, bytes)
  return path
}

test.run()
