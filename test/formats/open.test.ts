import { mkdirSync, symlinkSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { open } from '../../lib/index.js'
import { AN_ENGINE } from '../engines.js'
import { raised, rejection } from '../rejection.js'
import { fresh, written } from '../temporary.js'

const options = { engine: AN_ENGINE }

test('a file that is missing, or is none, is named with what it is', async () => {
  const missing = fresh('missing.safetensors')
  const error = await rejection(() => open(missing, options), 'ERR_ANYVEC_FILE', /no such file/)
  assert.is(error.details.path, missing)
  const folder = fresh('folder.bin')
  mkdirSync(folder)
  await rejection(() => open(folder, options), 'ERR_ANYVEC_FILE', /folder/)
  await rejection(() => open(`${written('x.bin', '1')}/y.bin`, options), 'ERR_ANYVEC_FILE', /no folder/)
  await rejection(() => open('a\0b', options), 'ERR_ANYVEC_FILE', /NUL/)
  await rejection(() => open('', options), 'ERR_ANYVEC_USAGE')
  await rejection(() => open(undefined as unknown as string, options), 'ERR_ANYVEC_USAGE')
  if (process.platform !== 'win32') {
    await rejection(() => open('/dev/zero', options), 'ERR_ANYVEC_FILE', /no regular file/)
    const circle = fresh('circle.bin')
    symlinkSync(circle, circle)
    await rejection(() => open(circle, options), 'ERR_ANYVEC_FILE', /circle/)
  }
})

test('a file in no known format says what it probably is', async () => {
  const cases: readonly [Uint8Array | string, RegExp][] = [
    ['', /is empty/],
    [gzipSync('3 2\na 1 2\n'), /gzip/],
    [Buffer.from('PK\x03\x04rest'), /zip/],
    [Buffer.from([0x80, 0x04, 0x95, 0x00]), /pickle.*save_word2vec_format/],
    [Buffer.from([0xba, 0x16, 0x4f, 0x2f, 12, 0, 0, 0]), /fastText/],
    ['FiFu....', /finalfusion/],
    ['once upon a time\nthere was', /no format/],
    ['\n\n\n', /no format/],
    ['word\n', /no format/],
    [Buffer.alloc(100), /no format/],
    [Buffer.alloc(5_000_000), /no format/],
    [Buffer.alloc(5_000_000, 'a 1 '), /no format/],
  ]
  for (const [content, message] of cases) {
    await rejection(() => open(written('thing.bin', content), options), 'ERR_ANYVEC_FORMAT', message)
  }
})

test('misspelled, mistyped and unknown options are named', async () => {
  const path = written('v.txt', 'a 1 2\nb 3 4\n')
  const bad = (given: object) => () => open(path, given)
  const error = await rejection(bad({ verfy: true }), 'ERR_ANYVEC_OPTION', /did you mean "verify"/)
  assert.is(error.details.nearest, 'verify')
  await rejection(bad({ malformed: 'replace' }), 'ERR_ANYVEC_OPTION', /one of 'error', 'skip'/)
  await rejection(bad({ engine: 'gpu' }), 'ERR_ANYVEC_OPTION')
  await rejection(bad({ signal: {} }), 'ERR_ANYVEC_OPTION', /AbortSignal/)
  await rejection(() => open(path, null as unknown as object), 'ERR_ANYVEC_OPTION')
})

test('a throw in onProgress rejects the promise with what was thrown', async () => {
  const path = written(
    'v.bin',
    Buffer.concat([Buffer.from('1 1\nkey '), Buffer.from(Float32Array.of(1e-9).buffer)]),
  )
  const thrown = new Error('no more')
  const onProgress = () => {
    throw thrown
  }
  assert.is(await raised(() => open(path, { ...options, onProgress })), thrown)
})

test('a first row that begins with two numbers is a key and numbers where a third follows', async () => {
  const opened = await open(written('numbers.txt', '2 0.5 0.25\n3 1 2\n'), options)
  assert.equal([...opened.keys], ['2', '3'])
  assert.is(opened.dimensions, 2)
})

test.run()
