import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Embedding, open } from '../../lib/index.js'
import { AN_ENGINE, ENGINES } from '../engines.js'
import { embedding, rowsOf } from '../models.js'
import { raised, rejection } from '../rejection.js'
import { fresh, written } from '../temporary.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const GENUINE = join(process.env.ANYVEC_DATA ?? join(root, '../shared/data'), 'formats')

const KEYS = ['the', '苹果', 'x1']
const ROWS = rowsOf(3, 4)

const hasLineEnd = (_row: number): boolean => true

/** Both flavours of the binary format, written here and not by the code under test. */
function binary(
  keys: readonly (string | Uint8Array)[],
  rows: readonly (readonly number[])[],
  { lineEnds = hasLineEnd, header = `${keys.length} ${rows[0].length}\n` } = {},
): Buffer {
  const parts: Buffer[] = [Buffer.from(header)]
  keys.forEach((key, row) => {
    parts.push(Buffer.from(key as string), Buffer.from(' '), Buffer.from(Float32Array.from(rows[row]).buffer))
    if (lineEnds(row)) parts.push(Buffer.from('\n'))
  })
  return Buffer.concat(parts)
}

const lines = (keys: readonly string[], rows: readonly (readonly number[])[]) =>
  keys.map((key, row) => `${key} ${rows[row].join(' ')}`)

function holds(
  opened: Embedding,
  keys: readonly string[] = KEYS,
  rows: readonly (readonly number[])[] = ROWS,
): void {
  assert.equal([...opened.keys], keys)
  assert.equal([...opened.vectors], rows.flat())
  assert.is(opened.dimensions, rows[0].length)
}

for (const engine of ENGINES) {
  for (const [flavour, lineEnds] of [
    ["the original's line ends", () => true],
    ["gensim's lack of line ends", () => false],
    ['some line ends', (row: number): boolean => row === 1],
  ] as const) {
    test(`${engine}: a binary file with ${flavour} opens`, async () => {
      const opened = await open(written('v.bin', binary(KEYS, ROWS, { lineEnds })), { engine })
      holds(opened)
      assert.is(opened.origin?.format, 'word2vec-binary')
      assert.equal(opened.metadata, {})
    })
  }

  for (const [flavour, content] of [
    ['a first line', ['3 4', ...lines(KEYS, ROWS), '']],
    ['no first line, as GloVe writes it', [...lines(KEYS, ROWS), '']],
    ['no last line end', ['3 4', ...lines(KEYS, ROWS)]],
    ['blanks behind its values', ['3 4 ', ...lines(KEYS, ROWS).map((line) => `${line} `), '']],
    ['CR LF', ['3 4\r', ...lines(KEYS, ROWS).map((line) => `${line}\r`), '']],
    ['tabs', ['3\t4', ...lines(KEYS, ROWS).map((line) => line.replaceAll(' ', '\t')), '']],
    ['a byte-order mark', ['\ufeff3 4', ...lines(KEYS, ROWS), '']],
    ['empty lines at its end', ['3 4', ...lines(KEYS, ROWS), '', '', '']],
  ] as const) {
    test(`${engine}: a text file with ${flavour} opens`, async () => {
      // the extension lies on purpose
      const opened = await open(written('v.bin', content.join('\n')), { engine })
      holds(opened)
      assert.is(opened.origin?.format, 'word2vec-text')
    })
  }

  test(`${engine}: what is saved as word2vec opens with the same bits`, async () => {
    const hard = [
      [1e-45, -1.17549435e-38, 3.4028234663852886e38],
      [0.1, -0, 16777217],
      [1 / 3, -1e-10, 123456.789],
    ].map((row) => row.map(Math.fround))
    for (const extension of ['bin', 'vec', 'txt', 'BIN']) {
      const path = fresh(`v.${extension}`)
      await embedding(engine, KEYS, hard).save(path)
      const opened = await open(path, { engine })
      assert.is(
        opened.origin?.format,
        extension.toLowerCase() === 'bin' ? 'word2vec-binary' : 'word2vec-text',
      )
      assert.equal([...opened.keys], KEYS)
      for (let i = 0; i < 9; i++)
        assert.ok(Object.is(opened.vectors[i], hard.flat()[i]), `${extension}, value ${i}`)
    }
  })

  test(`${engine}: the binary file is the original's, byte for byte`, async () => {
    const path = fresh('v.bin')
    await embedding(engine, KEYS, ROWS).save(path)
    assert.ok(readFileSync(path).equals(binary(KEYS, ROWS)))
  })

  test(`${engine}: many rows go through in blocks`, async () => {
    const count = 30000
    const keys = Array.from({ length: count }, (_, i) => `key${i}`)
    const rows = rowsOf(count, 50)
    const made = embedding(engine, keys, rows)
    const progress: number[] = []
    for (const extension of ['bin', 'vec']) {
      const path = fresh(`v.${extension}`)
      await made.save(path)
      const opened = await open(path, {
        engine,
        onProgress: ({ bytes, totalBytes }) => progress.push(bytes / totalBytes),
      })
      assert.is(opened.size, count)
      assert.is(Buffer.compare(bytesOf(opened.vectors), bytesOf(made.vectors)), 0)
      assert.is(opened.keys.at(count - 1), `key${count - 1}`)
    }
    assert.ok(progress.length > 0 && progress.every((part) => part >= 0 && part <= 1))
    assert.ok((progress.at(-1) as number) > 0.9)
  })

  test(`${engine}: a damaged row of text is named by its line`, async () => {
    const bad = (row: string, index = 1) => lines(KEYS, ROWS).with(index, row).join('\n')
    const cases = [
      ['a word for a number', 'x 1 2 three 4'],
      ['too few values', 'x 1 2 3'],
      ['too many values', 'x 1 2 3 4 5'],
      ['NaN', 'x 1 2 nan 4'],
      ['infinity', 'x 1 2 inf 4'],
      ['a number past float32', 'x 1 2 1e39 4'],
      ['a comma', 'x 1,5 2 3 4'],
    ] as const
    for (const [what, row] of cases) {
      const withHeader = await rejection(
        () => open(written('v.vec', `3 4\n${bad(row)}\n`), { engine }),
        'ERR_ANYVEC_FORMAT',
      )
      assert.equal([withHeader.details.row, withHeader.details.line], [1, 3], what)
      const without = await rejection(
        () => open(written('v.vec', `${bad(row)}\n`), { engine }),
        'ERR_ANYVEC_FORMAT',
      )
      assert.equal([without.details.row, without.details.line], [1, 2], what)
    }
  })

  test(`${engine}: rows with malformed or repeated keys are refused, or skipped and counted`, async () => {
    const broken = Buffer.concat([Buffer.from('zee'), Buffer.from([0xc3])])
    const keys = [
      Buffer.from('a'),
      broken,
      Buffer.from('b'),
      Buffer.from('a'),
      Buffer.from('n\0l'),
      Buffer.from('c'),
    ]
    const rows = rowsOf(6, 4)
    const textual = keys.map((key, row) => Buffer.concat([key, Buffer.from(` ${rows[row].join(' ')}\n`)]))
    for (const [name, content] of [
      ['v.bin', binary(keys, rows)],
      ['v.vec', Buffer.concat([Buffer.from('6 4\n'), ...textual])],
      ['glove.txt', Buffer.concat(textual)],
    ] as const) {
      const path = written(name, content)
      const error = await rejection(() => open(path, { engine }), 'ERR_ANYVEC_FORMAT', /UTF-8/)
      assert.is(error.details.row, 1)
      const opened = await open(path, { engine, malformed: 'skip' })
      holds(opened, ['a', 'b', 'c'], [rows[0], rows[2], rows[5]])
      assert.equal(opened.origin?.skipped, { malformedKeys: 2, duplicateKeys: 1 })
      assert.equal(await opened.nearest('c', { k: 5 }).then((found) => found.length), 2)
    }
  })
}

function bytesOf(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength)
}

const openBinary = (content: Uint8Array) => open(written('v.bin', content), { engine: AN_ENGINE })
const openText = (content: string) => open(written('v.vec', content), { engine: AN_ENGINE })

test('a key that stands twice is refused with both rows', async () => {
  const keys = ['a', 'b', 'a']
  const inBinary = await rejection(
    () => openBinary(binary(keys, ROWS)),
    'ERR_ANYVEC_FORMAT',
    /"a" stands in rows 1 and 3/,
  )
  assert.is(inBinary.details.row, 2)
  await rejection(
    () => openText(lines(keys, ROWS).join('\n')),
    'ERR_ANYVEC_FORMAT',
    /"a" stands in rows 1 and 3/,
  )
})

test('a binary file cut off at any byte is refused', async () => {
  for (const lineEnds of [true, false]) {
    const whole = binary(KEYS, ROWS, { lineEnds: () => lineEnds })
    const path = fresh('cut.bin')
    // the last line end is not missed
    for (let size = 0; size < whole.length - (lineEnds ? 1 : 0); size++) {
      writeFileSync(path, whole.subarray(0, size))
      await rejection(() => open(path, { engine: AN_ENGINE }), 'ERR_ANYVEC_FORMAT')
    }
  }
})

test('a text file with fewer or more rows than it promises is refused', async () => {
  await rejection(
    () => openText(`4 4\n${lines(KEYS, ROWS).join('\n')}`),
    'ERR_ANYVEC_FORMAT',
    /promises 4 rows, and it has 3/,
  )
  await rejection(
    () => openText(`2 4\n${lines(KEYS, ROWS).join('\n')}`),
    'ERR_ANYVEC_FORMAT',
    /promises 2 rows, and it has 3/,
  )
})

test('a binary file whose first line is wrong is refused, without taking the memory it promises', async () => {
  const content = (header: string) => binary(KEYS, ROWS, { header: `${header}\n` })
  for (const header of [
    '4 4',
    '2 4',
    '3 5',
    '3 3',
    '4611686018427387904 4',
    '3 4611686018427387904',
    '4294967296 4294967296',
    '9223372036854775807 1',
    `${'9'.repeat(50)} 4`,
  ]) {
    const before = process.memoryUsage().rss
    await rejection(() => openBinary(content(header)), 'ERR_ANYVEC_FORMAT')
    assert.ok(process.memoryUsage().rss - before < 2 ** 28, header)
  }
  for (const header of ['0 4', '3 0', '0 0']) {
    await rejection(() => openBinary(content(header)), 'ERR_ANYVEC_FORMAT', /holds no vectors/)
  }
  for (const header of ['-3 4', '3 -4', '3.0 4', '3', '3 4 5', '', '3e0 4', '0x3 4']) {
    await rejection(() => openBinary(content(header)), 'ERR_ANYVEC_FORMAT')
  }
})

test('bytes behind the last vector are refused', async () => {
  const grown = Buffer.concat([binary(KEYS, ROWS), Buffer.from('x')])
  await rejection(() => openBinary(grown), 'ERR_ANYVEC_FORMAT', /1 bytes follow/)
})

test('a value that is not finite is refused with its key and place', async () => {
  for (const value of [Number.NaN, Infinity, -Infinity]) {
    const rows = ROWS.map((row) => [...row])
    rows[1][2] = value
    const content = binary(KEYS, rows)
    const error = await rejection(
      () => openBinary(content),
      'ERR_ANYVEC_FORMAT',
      new RegExp(`"苹果" holds ${value}`),
    )
    assert.is(error.details.row, 1)
    const at = error.details.offset as number
    assert.ok(Object.is(content.readFloatLE(at), value))
  }
})

test('a key without an end, an empty key and a key with a line end are refused', async () => {
  const endless = Buffer.concat([Buffer.from('1 2\n'), Buffer.alloc(100_000, 'x')])
  await rejection(() => openBinary(endless), 'ERR_ANYVEC_FORMAT', /no end within 16384 bytes/)
  await rejection(() => openBinary(binary(['a', '', 'c'], ROWS)), 'ERR_ANYVEC_FORMAT', /is empty/)
  await rejection(() => openBinary(binary(['a', 'b\nb', 'c'], ROWS)), 'ERR_ANYVEC_FORMAT', /line end/)
})

test('a file of nothing but unusable keys is refused even when they are skipped', async () => {
  const keys = [Buffer.from([0xff]), Buffer.from([0xfe])]
  const path = written('v.bin', binary(keys, ROWS.slice(0, 2)))
  await rejection(
    () => open(path, { engine: AN_ENGINE, malformed: 'skip' }),
    'ERR_ANYVEC_FORMAT',
    /none of its keys/,
  )
})

test('an aborted open rejects with the reason', async () => {
  const path = written('v.bin', binary(KEYS, ROWS))
  const reason = new Error('enough')
  assert.is(await raised(() => open(path, { engine: AN_ENGINE, signal: AbortSignal.abort(reason) })), reason)
  const controller = new AbortController()
  const opening = open(path, { engine: AN_ENGINE, signal: controller.signal })
  setImmediate(() => controller.abort(reason))
  assert.is(await raised(() => opening), reason)
})

test('files that other tools wrote open, binary and text alike', async () => {
  if (!existsSync(GENUINE)) {
    console.log(`\nskip: no genuine files in ${GENUINE}`)
    return
  }
  for (const engine of ENGINES) {
    const genuine = (name: string, malformed: 'error' | 'skip' = 'error') =>
      open(join(GENUINE, name), { engine, malformed })
    const inBinary = await genuine('word2vec/similarity.bin')
    assert.equal([inBinary.size, inBinary.dimensions, inBinary.keys.at(0)], [41, 100, 'Berlin'])
    for (const name of ['word2vec/similarity.txt', 'glove/similarity.nodims']) {
      const inText = await genuine(name)
      assert.equal([...inText.keys], [...inBinary.keys])
      // both round the same vectors, one to float32 and one to eight digits
      assert.ok(
        inText.vectors.every(
          (value, i) => Math.abs(value - inBinary.vectors[i]) <= 1e-6 * Math.abs(value) + 1e-7,
        ),
      )
    }
    assert.equal((await inBinary.nearest('Berlin', { k: 3 })).length, 3)
    const sizes: readonly [string, number, number][] = [
      ['word2vec/euclidean_vectors.bin', 2747, 10],
      ['word2vec/high_precision.kv.bin', 2, 2],
      ['word2vec/high_precision.kv.txt', 2, 2],
      ['glove/test_glove.txt', 76, 50],
      ['fasttext/lee_fasttext.vec', 1762, 10],
    ]
    for (const [name, size, dimensions] of sizes) {
      const opened = await genuine(name)
      assert.equal([opened.size, opened.dimensions], [size, dimensions], name)
    }
    for (const name of ['word2vec/utf8-incomplete.bin', 'word2vec/utf8-incomplete.txt']) {
      await rejection(() => genuine(name), 'ERR_ANYVEC_FORMAT', /UTF-8/)
      const opened = await genuine(name, 'skip')
      assert.equal([...opened.keys], ['meren', 'rivieren'])
      assert.is(opened.origin?.skipped.malformedKeys, 1)
    }
    for (const name of [
      'fasttext/cooking.model.bin',
      'fasttext/lid.176.ftz',
      'finalfusion/similarity.fifu',
    ]) {
      await rejection(() => genuine(name), 'ERR_ANYVEC_FORMAT', /fastText|finalfusion/)
    }
  }
})

test.run()
