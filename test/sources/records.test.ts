/** Rows: the same from csv, tsv, jsonl and objects, by the fast way and by csv-parse. */

import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Input } from '../../lib/sources/input.js'
import { readRecords, type RecordSettings } from '../../lib/sources/records.js'
import { random } from '../engine/corpora.js'
import { raised, rejection } from '../rejection.js'
import { written } from '../temporary.js'

const COLUMNS: RecordSettings = { columns: ['a', 'b'], format: undefined, malformed: 'error' }

async function rowsOf(input: unknown, settings: Partial<RecordSettings> = {}) {
  const rows: string[][] = []
  const counts = await readRecords(
    new Input(input, 'rows', 'rows'),
    'rows',
    { ...COLUMNS, ...settings },
    {},
    (values) => {
      rows.push([...values])
    },
  )
  return { rows, malformedRows: counts.malformedRows, counted: counts.rows }
}

const text = (content: string) => [Buffer.from(content)]

test('csv, tsv, jsonl, gzip, streams and objects bring the same rows', async () => {
  const expected = [
    ['1', 'x y'],
    ['2', ''],
    ['3', '苹果'],
  ]
  const csv = 'b,c,a\nx y,0,1\n,0,2\n\n苹果,0,3\n'
  const jsonl = '{"a":1,"b":" x y "}\n{"a":"2","b":null}\n\n{"c":0,"b":"苹果","a":3}'
  for (const input of [
    text(csv),
    text(csv.replaceAll('\n', '\r\n')),
    text(csv.trimEnd()),
    text(`\ufeff${csv}`),
    text(csv.replaceAll(',', '\t')),
    text('b, c , a\n x y ,0, 1\n,0,2\n苹果,0,3'),
    text(jsonl),
    Readable.from([Buffer.from(csv.slice(0, 9)), Buffer.from(csv.slice(9))]),
    [csv].values(),
    written('rows.csv', csv),
    [written('1.csv', csv.slice(0, 18)), written('2.csv.gz', gzipSync(`a,b\n3,苹果\n`))],
    [{ a: 1, b: 'x y' }, { a: '2' }, { a: 3n, b: '苹果' }],
    new Set([
      { a: 1, b: 'x y' },
      { a: 2, b: undefined },
      { a: 3, b: '苹果' },
    ]),
    Readable.from([
      { a: 1, b: 'x y' },
      { a: 2, b: null },
      { a: 3, b: '苹果' },
    ]),
  ]) {
    const { rows, malformedRows, counted } = await rowsOf(input)
    assert.equal([rows, malformedRows, counted], [expected, 0, 3])
  }
})

test('columns are found by number in files that do not name them', async () => {
  const { rows } = await rowsOf(text('1\tx\t7\n2\ty\n'), { columns: [1, 3, undefined] })
  assert.equal(rows, [
    ['1', '7', ''],
    ['2', '', ''],
  ])
  const mixed = await rowsOf(text('a,b,c\n1,2,3\n'), { columns: ['b', 3] })
  assert.equal(mixed.rows, [['2', '3']])
})

test('a column that is not there is an error that names those that are', async () => {
  const error = await rejection(
    () => rowsOf(text('user,item\n1,2\n')),
    'ERR_ANYVEC_FORMAT',
    /no column "a".*"user", "item"/,
  )
  assert.is(error.details.column, 'a')
})

test('quotes hold commas, line ends and quotes, wherever blocks end', async () => {
  const csv = 'a,b\n1,plain\n2,"one, two"\n3,"line\nend"\n4,"say ""hi"""\n5,plain\n"6",""\n'
  const expected = [
    ['1', 'plain'],
    ['2', 'one, two'],
    ['3', 'line\nend'],
    ['4', 'say "hi"'],
    ['5', 'plain'],
    ['6', ''],
  ]
  for (const size of [1, 2, 7, 1000]) {
    const bytes = Buffer.from(csv)
    const blocks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    )
    assert.equal((await rowsOf(blocks)).rows, expected)
  }
  // tsv has no quotes: they are part of what they stand in
  assert.equal((await rowsOf(text('a\tb\n1\t"Great" Cats\n'))).rows, [['1', '"Great" Cats']])
})

test('the fast way finds what csv-parse finds', async () => {
  const next = random(31)
  const field = () => ['', 'x', '苹果', ' y ', '3.5', "it's", ' '][Math.floor(next() * 7)]
  for (const quotes of [false, true]) {
    for (let round = 0; round < 50; round++) {
      const lines = Array.from({ length: 20 }, () =>
        Array.from({ length: 1 + Math.floor(next() * 4) }, () =>
          quotes && next() < 0.2 ? `"${field()},\n""${field()}"` : field(),
        ).join(','),
      )
      const csv = ['a,c,b', ...lines, ''].join(next() < 0.5 ? '\n' : '\r\n')
      const records = parse(csv, { relax_column_count: true, skip_empty_lines: true }) as string[][]
      const expected = records.slice(1).map((record) => [0, 2].map((place) => (record[place] ?? '').trim()))
      assert.equal((await rowsOf(text(csv))).rows, expected, csv)
    }
  }
})

test('a row that cannot be read stops the reading at its line, or is counted', async () => {
  const cases: readonly (readonly [string | Buffer, RegExp])[] = [
    ['{"a":1,"b":2}\n{"a":1\n{"a":3,"b":4}\n', /line 2 .*no JSON/],
    ['{"a":1,"b":2}\n[1,2]\n{"a":3,"b":4}\n', /line 2 .*an array/],
    ['{"a":1,"b":2}\n{"a":{},"b":2}\n{"a":3,"b":4}\n', /line 2 .*its "a" is an object/],
    ['{"a":1,"b":2}\n{"a":9007199254740993,"b":2}\n{"a":3,"b":4}\n', /line 2 .*its "a" is/],
    ['a,b\n1,"x" y\n3,4\n', /line 2/],
    [Buffer.concat([Buffer.from('a,b\n1,2\n'), Buffer.of(0xff), Buffer.from(',2\n3,4\n')]), /line 3 .*UTF-8/],
  ]
  for (const [content, message] of cases) {
    const bytes = [Buffer.from(content)]
    await rejection(() => rowsOf(bytes), 'ERR_ANYVEC_FORMAT', message)
    const { rows, malformedRows } = await rowsOf(bytes, { malformed: 'skip' })
    assert.equal([rows.at(-1), malformedRows], [['3', '4'], 1])
  }
  await rejection(() => rowsOf([{ a: {}, b: 1 }]), 'ERR_ANYVEC_FORMAT', /row 0.*its "a"/)
  for (const bad of [7, null, ['1', '2']])
    await rejection(() => rowsOf([{ a: 1, b: 2 }, bad]), 'ERR_ANYVEC_USAGE', /row 1/)
})

test('what the visitor throws ends the reading', async () => {
  const mine = new Error('mine')
  const thrown = await raised(() =>
    readRecords(new Input(text('a,b\n1,2\n'), 'rows', 'rows'), 'rows', COLUMNS, {}, () => {
      throw mine
    }),
  )
  assert.is(thrown, mine)
})

test.run()
