import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  keyDefect,
  KeyBytesWriter,
  offsetAt,
  offsetWords,
  withoutKeys,
} from '../../lib/embedding/key-bytes.js'
import { Keys } from '../../lib/embedding/keys.js'
import { editDistance, nearestSpelling } from '../../lib/embedding/spelling.js'
import { keyBytes } from '../models.js'
import { rejection } from '../rejection.js'

test('keys are found by number and by spelling', () => {
  const spelled = ['the', '苹果', 'a b', '', '__proto__', 'é', 'e\u0301', '🍎']
  const keys = new Keys(keyBytes(spelled))
  assert.is(keys.size, 8)
  assert.equal([...keys], spelled)
  spelled.forEach((key, id) => {
    assert.is(keys.id(key), id)
    assert.is(keys.at(id), key)
    assert.ok(keys.has(key))
  })
  for (const key of ['The', 'th', 'thee', 'toString', '\ud83c', '🍏']) assert.not(keys.has(key))
  for (const id of [-1, 8, 0.5, Number.NaN]) assert.is(keys.at(id), undefined)
  assert.is(keys.id(7 as unknown as string), undefined)
})

test('a hundred thousand keys are all found again', () => {
  const spelled = Array.from({ length: 100_000 }, (_, i) => `k${(i * 7919) % 100_003}`)
  const keys = new Keys(keyBytes(spelled))
  assert.ok(spelled.every((key, id) => keys.id(key) === id))
  assert.is(keys.duplicate(), undefined)
})

test('keys that stand twice are known by the row of the first', () => {
  const keys = new Keys(keyBytes(['a', 'b', 'a', 'c', 'b', 'a']))
  assert.equal(keys.duplicate(), [0, 2])
  assert.equal(keys.duplicates(), [2, 4, 5])
  assert.is(keys.id('a'), 0)
})

test('an unknown key is an error that names the nearest one', async () => {
  const keys = new Keys(keyBytes(['banana', 'apple', 'apples']))
  const error = await rejection(
    () => keys.require('aple'),
    'ERR_ANYVEC_UNKNOWN_KEY',
    /"aple".*did you mean "apple"/,
  )
  assert.equal(error.details, { key: 'aple', nearest: 'apple' })
  const far = await rejection(() => keys.require('zebra'), 'ERR_ANYVEC_UNKNOWN_KEY')
  assert.equal(far.details, { key: 'zebra' })
  const long = await rejection(() => keys.require('x'.repeat(1e6)), 'ERR_ANYVEC_UNKNOWN_KEY')
  assert.ok(long.message.length < 200)
})

test('the nearest spelling counts insertions, deletions, replacements and swaps, and not case', () => {
  assert.is(editDistance('kitten', 'sitting', 5), 3)
  assert.is(editDistance('ab', 'ba', 5), 1)
  assert.is(editDistance('', 'abc', 5), 3)
  assert.is(editDistance('kitten', 'sitting', 2), 3)
  assert.is(nearestSpelling('dimension', ['window', 'dimensions'], 3), 'dimensions')
  assert.is(nearestSpelling('Apple', ['aple', 'apple'], 2), 'apple')
  assert.is(nearestSpelling('minCuont', ['maxCount', 'minCount'], 3), 'minCount')
  assert.is(nearestSpelling('ab', ['xy', 'cd'], 3), undefined)
})

test('a writer of keys grows past what it expected, and leaves out what it is told to', () => {
  const writer = new KeyBytesWriter(0, 0)
  const spelled = Array.from({ length: 5000 }, (_, i) => `key-${i}`)
  for (const key of spelled) writer.add(Buffer.from(`xx${key}yy`), 2, 2 + key.length)
  const keys = writer.finish()
  assert.equal([...new Keys(keys)], spelled)
  assert.is(keys.bytes.length, spelled.join('').length)
  const fewer = withoutKeys(keys, [0, 17, 4999])
  assert.equal(
    [...new Keys(fewer)],
    spelled.filter((_, i) => ![0, 17, 4999].includes(i)),
  )
})

test('offsets past four gigabytes are read exactly', () => {
  const words = offsetWords(BigUint64Array.of(0n, 2n ** 32n + 5n, 2n ** 53n - 1n))
  assert.equal(
    [0, 1, 2].map((i) => offsetAt(words, i)),
    [0, 2 ** 32 + 5, 2 ** 53 - 1],
  )
})

test('every defect of keys is found where it is', () => {
  const sound = keyBytes(['ab', 'c'])
  assert.is(keyDefect(sound), undefined)
  const of = (bytes: number[], offsets: bigint[]) =>
    keyDefect({ bytes: Uint8Array.from(bytes), offsets: BigUint64Array.from(offsets) })
  assert.equal(of([97, 98], [1n, 2n])?.key, 0)
  assert.equal(of([97, 98], [0n, 1n, 1n, 2n]), { key: 1, defect: 'is empty' })
  assert.equal(of([97, 98], [0n, 3n])?.key, 0)
  assert.match(of([97, 98], [0n, 1n])?.defect ?? '', /belong to no key/)
  assert.equal(of([97, 0xff], [0n, 1n, 2n]), { key: 1, defect: 'is not valid UTF-8' })
  assert.equal(of([97, 0], [0n, 1n, 2n]), { key: 1, defect: 'holds a NUL byte' })
  // é cut in two: valid as a whole
  assert.equal(of([0xc3, 0xa9], [0n, 1n, 2n]), { key: 1, defect: 'is not valid UTF-8' })
})

test.run()
