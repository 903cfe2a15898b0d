import { Readable } from 'node:stream'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sequences, train, type TrainOptions } from '../../lib/index.js'
import { ENGINES } from '../engines.js'
import { raised, rejection } from '../rejection.js'

type Data = Parameters<typeof sequences>[0]

for (const engine of ENGINES) {
  const run = (data: Data, more: TrainOptions = {}) =>
    train(sequences(data), { engine, dimensions: 2, epochs: 1, minCount: 1, threads: 2, ...more })

  test(`${engine}: keys of all kinds come through as they are`, async () => {
    const odd = [
      'a',
      '苹果',
      '🍎',
      '__proto__',
      '\ufeffx',
      'no\u00a0break',
      'c\u0001d',
      '\u2028',
      '"q"',
      'x'.repeat(16384),
    ]
    const words = await run([odd, ['a', 'a']])
    assert.equal([...words.keys].sort(), [...odd].sort())
    assert.equal([words.count('a'), words.count('\ufeffx')], [3, 1])
    assert.is(words.report?.corpus.sequences, 2)
  })

  test(`${engine}: a key at the very start may begin with U+FEFF`, async () => {
    assert.ok((await run([['\ufeffx', 'y']])).has('\ufeffx'))
  })

  test(`${engine}: all kinds of iterables are read`, async () => {
    async function* later() {
      yield ['a', 'b']
      yield new Set(['b', 'c'])
    }
    function* now() {
      yield ['a', 'b']
      yield 'b c'.split(' ').values()
    }
    for (const data of [
      later(),
      now(),
      new Set([
        ['a', 'b'],
        ['b', 'c'],
      ]),
    ]) {
      const words = await run(data)
      assert.equal([words.count('a'), words.count('b'), words.count('c')], [1, 2, 1])
      assert.is(words.report?.corpus.sequences, 2)
    }
  })

  test(`${engine}: typed arrays of whole numbers are sequences of their spellings`, async () => {
    const words = await run([
      Uint32Array.of(7, 4294967295),
      Int8Array.of(-7, 0),
      BigUint64Array.of(7n, 2n ** 64n - 1n),
      Buffer.from([7]),
      new Uint16Array(0),
      ['7', 'a'],
    ])
    assert.equal([...words.keys].sort(), ['-7', '0', '18446744073709551615', '4294967295', '7', 'a'])
    assert.equal([words.count('7'), words.report?.corpus.sequences], [4, 5])
    const long = await run([Uint32Array.from({ length: 3_000_000 }, (_, i) => i % 5)])
    assert.equal([long.report?.corpus.tokens, long.report?.corpus.sequences], [3_000_000, 1])
    for (const bad of [Float32Array.of(1), new DataView(new ArrayBuffer(4)), Float64Array.of(1)]) {
      await rejection(() => run([['a'], bad as unknown as Uint8Array]), 'ERR_ANYVEC_USAGE', /sequence 1/)
    }
  })

  test(`${engine}: a stream of sequences is read like any other`, async () => {
    const words = await run(Readable.from([['a', 'b'], Uint8Array.of(1, 2), ['b']]))
    assert.equal([...words.keys].sort(), ['1', '2', 'a', 'b'])
    assert.is(words.report?.corpus.sequences, 3)
  })

  test(`${engine}: contexts do not reach into another sequence, and empty sequences are passed over`, async () => {
    const apart = await run([['a'], [], ['b'], ['a'], ['b']])
    assert.equal([apart.report?.pairs, apart.report?.corpus.sequences], [0, 4])
    const together = await run(
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
      { subsample: 0 },
    )
    assert.is(together.report?.pairs, 4)
  })

  test(`${engine}: more keys than fit a block, in many sequences and in one`, async () => {
    const many = Array.from({ length: 200_000 }, (_, i) => [`user-${i % 50}`, `item-苹果-${i % 20}`, 'x'])
    assert.is((await run(many)).report?.corpus.tokens, 600_000)
    const one = await run([many.flat()])
    assert.equal([one.report?.corpus.tokens, one.report?.corpus.sequences, one.size], [600_000, 1, 71])
  })

  test(`${engine}: a bad key is an error that names it and where it stands`, async () => {
    const cases = [
      ['a b', 'ERR_ANYVEC_USAGE', /Key 1 of sequence 2, "a b" \(string\), holds white space/],
      ['a\nb', 'ERR_ANYVEC_USAGE', /white space/],
      ['\t', 'ERR_ANYVEC_USAGE', /white space/],
      ['a\x0b', 'ERR_ANYVEC_USAGE', /white space/],
      ['', 'ERR_ANYVEC_USAGE', /is empty/],
      [7, 'ERR_ANYVEC_USAGE', /7 \(number\), is no string/],
      [undefined, 'ERR_ANYVEC_USAGE', /is no string/],
      ['a\0b', 'ERR_ANYVEC_ENCODING', /NUL/],
      ['a\ud83c', 'ERR_ANYVEC_ENCODING', /lone surrogate/],
      ['x'.repeat(16385), 'ERR_ANYVEC_KEY_LENGTH', /16385 bytes/],
      ['苹'.repeat(5462), 'ERR_ANYVEC_KEY_LENGTH', /16386 bytes/],
    ] as const
    for (const [key, code, message] of cases) {
      const error = await rejection(() => run([['a'], ['b'], ['c', key as string]]), code, message)
      assert.equal([error.details.sequence, error.details.index, error.details.key], [2, 1, key])
    }
  })

  test(`${engine}: a sequence that is none is an error that names it`, async () => {
    for (const bad of ['a b', 7, null, undefined, {}]) {
      const error = await rejection(
        () => run([['a'], bad as unknown as string[]]),
        'ERR_ANYVEC_USAGE',
        /sequence 1/,
      )
      assert.is(error.details.sequence, 1)
    }
    await rejection(() => run(['a b']), 'ERR_ANYVEC_USAGE', /split/)
  })

  test(`${engine}: what the data throw is what the run rejects with, and generators are closed`, async () => {
    const thrown = new Error('the database broke')
    let closed = 0
    function* broken() {
      try {
        yield ['a', 'b']
        throw thrown
      } finally {
        closed++
      }
    }
    function* bad() {
      try {
        yield ['a b']
      } finally {
        closed++
      }
    }
    assert.is(await raised(() => run(broken())), thrown)
    await rejection(() => run(bad()), 'ERR_ANYVEC_USAGE')
    assert.is(closed, 2)
  })

  test(`${engine}: endless and silent data end at an abort`, async () => {
    function* endless() {
      for (;;) yield []
    }
    function* endlessKeys() {
      for (;;) yield 'a'
    }
    async function* silent() {
      yield ['a', 'b']
      await new Promise(() => {})
    }
    for (const data of [endless(), [endlessKeys()], silent()]) {
      const reason = new Error('enough')
      const controller = new AbortController()
      setTimeout(() => controller.abort(reason), 50)
      const started = performance.now()
      assert.is(await raised(() => run(data as Data, { signal: controller.signal })), reason)
      assert.ok(performance.now() - started < 1000)
    }
  })

  test(`${engine}: a generator is not read twice`, async () => {
    const source = sequences([['a', 'b']].values())
    const options = { engine, dimensions: 2, epochs: 1, minCount: 1, threads: 1 }
    await train(source, options)
    await rejection(() => train(source, options), 'ERR_ANYVEC_USAGE', /only once/)
  })
}

test('what cannot be iterated over is refused at once', async () => {
  for (const data of [undefined, null, 7, 'a b', {}, Buffer.from('a')]) {
    await rejection(() => sequences(data as unknown as Data), 'ERR_ANYVEC_USAGE')
  }
})

test.run()
