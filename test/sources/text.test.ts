import { createReadStream, readFileSync, truncateSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { PassThrough, Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Embedding,
  type Progress,
  text,
  type TextOptions,
  train,
  type TrainOptions,
} from '../../lib/index.js'
import { ENGINES } from '../engines.js'
import { raised, rejection } from '../rejection.js'
import { fresh, written } from '../temporary.js'

type Input = Parameters<typeof text>[0]

const CONTENT = 'The cat sat\nthe CAT ate\n苹果 香蕉 苹果\n🍎 é ÉTÉ\n'
const COUNTS = { The: 1, cat: 1, sat: 1, the: 1, CAT: 1, ate: 1, 苹果: 2, 香蕉: 1, '🍎': 1, é: 1, ÉTÉ: 1 }
const BYTES = Buffer.from(CONTENT)

/** The same content in two frames of zstd. */
const ZSTD = Buffer.from(
  'KLUv/QRYcQAAVGhlIGNhdCBzYXQKdGhAZ3J+KLUv/QRYaQEAZSBDQVQgYXRlCuiLueaenCDpppnolYkg6Iu55p6cCvCfjY4gw6kgw4lUw4kKuzYmhw==',
  'base64',
)
const FIRST_FRAME = ZSTD.indexOf(ZSTD.subarray(0, 4), 1)
const hasZstd = 'createZstdDecompress' in zlib

const countsOf = (words: Embedding) =>
  Object.fromEntries([...words.keys].map((key) => [key, words.count(key)]))

for (const engine of ENGINES) {
  const run = (input: Input, options?: TextOptions, more: TrainOptions = {}) =>
    train(text(input, options), { engine, dimensions: 2, epochs: 1, minCount: 1, threads: 2, ...more })

  const reads = async (input: Input, sequences = 4) => {
    const words = await run(input)
    assert.equal(sorted(countsOf(words)), sorted(COUNTS))
    assert.is(words.report?.corpus.sequences, sequences)
  }

  test(`${engine}: the same text is read from a file, compressed, in several files and in blocks of all sizes`, async () => {
    await reads(written('t.txt', CONTENT))
    // the content tells, not the name
    await reads(written('t.txt', gzipSync(CONTENT)))
    await reads(written('t.gz', CONTENT))
    await reads([written('1.txt', BYTES.subarray(0, 12)), written('2.txt.gz', gzipSync(BYTES.subarray(12)))])
    await reads(written('bom.txt', `\ufeff${CONTENT}`))
    await reads(written('bom.txt.gz', gzipSync(`\ufeff${CONTENT}`)))
    await reads(written('crlf.txt', CONTENT.replaceAll('\n', '\r\n')))
    // members, as `cat a.gz b.gz` makes them, cut in the middle of a word
    await reads(written('m.gz', Buffer.concat([gzipSync(BYTES.subarray(0, 5)), gzipSync(BYTES.subarray(5))])))
    for (const size of [1, 2, 3, 7, 1000]) {
      const blocks: Uint8Array[] = []
      for (let at = 0; at < BYTES.length; at += size) blocks.push(BYTES.subarray(at, at + size))
      await reads(blocks)
      await reads(Readable.from(blocks))
    }
    for (const size of [1, 2, 5]) {
      // of UTF-16 units: pairs of surrogates are cut in two
      const strings: string[] = []
      for (let at = 0; at < CONTENT.length; at += size) strings.push(CONTENT.slice(at, at + size))
      await reads(strings.values())
    }
    await reads(createReadStream(written('s.txt', CONTENT), { highWaterMark: 3 }))
    await reads(new Blob([CONTENT]).stream() as unknown as AsyncIterable<Uint8Array>)
  })

  test(`${engine}: lines of readline keep their ends`, async () => {
    await reads(createInterface({ input: createReadStream(written('l.txt', CONTENT)) }))
  })

  test(`${engine}: the end of a file ends a word and a sequence, the end of a block does not`, async () => {
    const files = await run([written('1.txt', 'a b'), written('2.txt', 'c d')])
    assert.equal(sorted(countsOf(files)), { a: 1, b: 1, c: 1, d: 1 })
    assert.is(files.report?.corpus.sequences, 2)
    const blocks = await run(['a b', 'c d'].values())
    assert.equal(sorted(countsOf(blocks)), { a: 1, bc: 1, d: 1 })
    assert.is(blocks.report?.corpus.sequences, 1)
  })

  test(`${engine}: text larger than a block comes through whole, from strings, bytes and gzip`, async () => {
    const lines = Array.from({ length: 400_000 }, (_, i) => `w${i % 1000} 苹${i % 7} x\n`)
    const whole = lines.join('')
    assert.ok(Buffer.byteLength(whole) > 2 ** 22)
    const path = written('large.txt', whole)
    const expected = await run(path)
    assert.is(expected.report?.corpus.tokens, 1_200_000)
    const packed = written('large.txt.gz', gzipSync(whole, { level: 1 }))
    for (const input of [packed, [whole].values(), lines.values(), [Buffer.from(whole)]]) {
      const words = await run(input)
      assert.equal(words.report?.corpus, expected.report?.corpus)
      assert.equal([...words.keys], [...expected.keys])
    }
    const seen: Progress[] = []
    await run([packed, path], {}, { onProgress: (progress) => void seen.push(progress) })
    const last = seen.filter(({ phase }) => phase === 'reading').at(-1)
    const total = readFileSync(packed).length + readFileSync(path).length
    assert.equal(last, { phase: 'reading', bytes: total, totalBytes: total })
  })

  test(`${engine}: a malformed word in one of many blocks ends the reading, and says where it stands`, async () => {
    const line = `${'a b c d e f g h '.repeat(1000)}\n`
    const lines = Array.from({ length: 1000 }, () => Buffer.from(line))
    lines[600] = Buffer.concat([Buffer.from('a '), Buffer.from([0xff]), Buffer.from(' b\n')])
    const offset = 600 * line.length + 2
    const packed = written('bad.gz', gzipSync(Buffer.concat(lines), { level: 1 }))
    for (const input of [lines.values(), packed]) {
      const error = await rejection(() => run(input), 'ERR_ANYVEC_ENCODING')
      assert.is(error.details.offset, offset)
    }
  })

  test(`${engine}: lower-casing makes words that differ in case alone one`, async () => {
    const words = await run([`${CONTENT}ΣΊΣΥΦΟΣ İ Straße\n`].values(), { lowercase: true })
    assert.equal(
      sorted(countsOf(words)),
      sorted({
        the: 2,
        cat: 2,
        sat: 1,
        ate: 1,
        苹果: 2,
        香蕉: 1,
        '🍎': 1,
        é: 1,
        été: 1,
        σίσυφος: 1,
        i̇: 1,
        straße: 1,
      }),
    )
    assert.is(words.report?.corpus.types, 12)
    // and counts them together
    const frequent = await run(['Ab aB ab x\nAB X x\n'].values(), { lowercase: true }, { minCount: 3 })
    assert.equal(countsOf(frequent), { ab: 4, x: 3 })
  })

  test(`${engine}: a word that grows too long in lower case is an error`, async () => {
    await rejection(
      () => run([`a b ${'İ'.repeat(8000)}`].values(), { lowercase: true }),
      'ERR_ANYVEC_KEY_LENGTH',
    )
  })

  test(`${engine}: malformed words are an error with their place, or are skipped and counted`, async () => {
    const bad: readonly [Input & Uint8Array[], 'ERR_ANYVEC_ENCODING' | 'ERR_ANYVEC_KEY_LENGTH'][] = [
      [[Buffer.from('a b '), Buffer.from([0x78, 0xff, 0x78]), Buffer.from(' a b\n')], 'ERR_ANYVEC_ENCODING'],
      [[Buffer.from('a b x\0x a b\n')], 'ERR_ANYVEC_ENCODING'],
      [[Buffer.from(`a b ${'x'.repeat(16385)} a b\n`)], 'ERR_ANYVEC_KEY_LENGTH'],
      [[Buffer.from(`a b ${'x'.repeat(10_000_000)} a b\n`)], 'ERR_ANYVEC_KEY_LENGTH'],
    ]
    for (const [blocks, code] of bad) {
      for (const input of [
        blocks,
        written('bad.txt', Buffer.concat(blocks)),
        written('b', gzipSync(Buffer.concat(blocks))),
      ]) {
        const error = await rejection(() => run(input), code)
        assert.is(error.details.offset, 4, error.message)
        const words = await run(input, { malformed: 'skip' })
        assert.equal(countsOf(words), { a: 2, b: 2 })
        assert.is(words.report?.dropped.malformedTokens, 1)
      }
    }
    const longest = 'x'.repeat(16384)
    assert.ok((await run([`a ${longest}`].values())).has(longest))
  })

  test(`${engine}: a lone surrogate in a string is malformed, and never becomes another character`, async () => {
    for (const strings of [
      ['a b x\ud83cx a b'],
      ['a b x\ud83c', 'x a b'],
      ['a b x\udf4e a b'],
      ['a b x', '\udf4e a b'],
    ]) {
      await rejection(() => run(strings.values()), 'ERR_ANYVEC_ENCODING')
      const words = await run(strings.values(), { malformed: 'skip' })
      assert.equal(countsOf(words), { a: 2, b: 2 })
    }
    await rejection(() => run(['a b \ud83c'].values()), 'ERR_ANYVEC_ENCODING')
  })

  test(`${engine}: gzip that is cut off or damaged is an error of the format`, async () => {
    const noise = Array.from({ length: 20_000 }, (_, i) => `w${(i * 7919) % 10_007}`).join(' ')
    const path = written('cut.gz', gzipSync(noise))
    truncateSync(path, Math.floor(readFileSync(path).length / 2))
    const error = await rejection(() => run(path), 'ERR_ANYVEC_FORMAT', /damaged/)
    assert.is(error.details.path, path)
    const flipped = gzipSync(noise)
    flipped[flipped.length - 6] ^= 0xff
    await rejection(() => run(written('flipped.gz', flipped)), 'ERR_ANYVEC_FORMAT')
    const header = written('header.gz', Buffer.from([0x1f, 0x8b, 8]))
    await rejection(() => run(header), 'ERR_ANYVEC_FORMAT')
  })

  test(`${engine}: zstd is read where Node can decompress it, and is an error that says so where not`, async () => {
    const path = written('t.txt', ZSTD)
    if (!hasZstd) {
      const error = await rejection(() => run(path), 'ERR_ANYVEC_FORMAT', /zstd.*Node 22\.15/)
      assert.is(error.details.path, path)
      return
    }
    await reads(path)
    // Node itself takes a stream that was cut off for a whole one
    for (let size = 4; size < ZSTD.length; size++) {
      // between the frames nothing is missing
      if (size === FIRST_FRAME) continue
      await rejection(() => run(written('cut.zst', ZSTD.subarray(0, size))), 'ERR_ANYVEC_FORMAT', /damaged/)
    }
    const garbage = written('garbage.zst', Buffer.concat([ZSTD, Buffer.from('a b c')]))
    await rejection(() => run(garbage), 'ERR_ANYVEC_FORMAT', /damaged/)
    const flipped = Buffer.from(ZSTD)
    flipped[flipped.length - 1] ^= 0xff
    await rejection(() => run(written('flipped.zst', flipped)), 'ERR_ANYVEC_FORMAT', /damaged/)
  })

  test(`${engine}: files are all looked at before the first is read`, async () => {
    const missing = fresh('missing.txt')
    const error = await rejection(
      () => run([written('a.txt', 'a b'), missing]),
      'ERR_ANYVEC_FILE',
      /no such file/,
    )
    assert.is(error.details.path, missing)
    await rejection(() => run(['the cat', 'the dog']), 'ERR_ANYVEC_FILE', /names files.*lines\.values\(\)/)
    if (process.platform !== 'win32')
      await rejection(() => run('/dev/zero'), 'ERR_ANYVEC_FILE', /no regular file/)
    await rejection(() => run('/'), 'ERR_ANYVEC_FILE', /folder/)
  })

  test(`${engine}: what the data throw is what the run rejects with`, async () => {
    const thrown = new Error('the network broke')
    let closed = false
    async function* data() {
      try {
        yield 'a b '
        throw thrown
      } finally {
        closed = true
      }
    }
    assert.is(await raised(() => run(data())), thrown)
    assert.ok(closed)
    const stream = new PassThrough()
    stream.write('a b')
    setImmediate(() => stream.destroy(thrown))
    assert.is(await raised(() => run(stream)), thrown)
    const error = await rejection(
      () => run([7 as unknown as string].values()),
      'ERR_ANYVEC_USAGE',
      /block 0 is 7/,
    )
    assert.is(error.details.block, 0)
  })

  test(`${engine}: a stream that brings nothing does not hold up an abort`, async () => {
    const silent = new PassThrough()
    silent.write('a b\n')
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 50)
    const started = performance.now()
    assert.is(await raised(() => run(silent, {}, { signal: controller.signal })), reason)
    assert.ok(performance.now() - started < 250)
    assert.ok(silent.destroyed)
  })

  test(`${engine}: endless data end at an abort`, async () => {
    function* endless() {
      for (;;) yield 'a b c d\n'
    }
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 100)
    assert.is(await raised(() => run(endless(), {}, { signal: controller.signal })), reason)
  })

  test(`${engine}: what can be read once is not read twice, what can be is`, async () => {
    const options = { engine, dimensions: 2, epochs: 1, minCount: 1, threads: 1 }
    const once = text(['a b c\n'].values())
    await train(once, options)
    await rejection(() => train(once, options), 'ERR_ANYVEC_USAGE', /only once/)
    const stream = text(Readable.from([Buffer.from('a b c\n')]))
    await train(stream, options)
    await rejection(() => train(stream, options), 'ERR_ANYVEC_USAGE', /only once/)
    const twice = text([Buffer.from('a b c\n')])
    assert.equal(countsOf(await train(twice, options)), countsOf(await train(twice, options)))
  })
}

test('what is no text is an error before anything is read', async () => {
  for (const input of [undefined, null, 7, {}, () => 'a', Buffer.from('a b'), new Float32Array(3)]) {
    await rejection(() => text(input as Input), 'ERR_ANYVEC_USAGE')
  }
  await rejection(() => text(Buffer.from('a b') as unknown as Input), 'ERR_ANYVEC_USAGE', /text\(\[bytes\]\)/)
  await rejection(() => text([]), 'ERR_ANYVEC_USAGE', /empty array/)
  await rejection(() => text(''), 'ERR_ANYVEC_USAGE')
  await rejection(() => text(['a.txt', 7 as unknown as string]), 'ERR_ANYVEC_USAGE')
  await rejection(() => text('a', { lowerCase: true } as object), 'ERR_ANYVEC_OPTION', /"lowercase"/)
  await rejection(() => text('a', { malformed: 'ignore' } as object), 'ERR_ANYVEC_OPTION')
})

function sorted(counts: object): object {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)))
}

test.run()
