/** What is wrong with files is one line on stderr, exit 1 or 2, and an old output file as it was. */

import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { AN_ENGINE } from '../engines.js'
import { embedding, rowsOf } from '../models.js'
import { folder, fresh, written } from '../temporary.js'
import { failure } from './command.js'
import { CORPUS } from './corpus.js'

const corpus = written('corpus.txt', CORPUS)
const OLD = 'an old model that someone needs'

/** Training on `inputs` fails, and neither touches the old output nor leaves anything beside it. */
async function fails(inputs: readonly string[], message: RegExp, stdin?: Uint8Array): Promise<void> {
  const place = fresh('place')
  mkdirSync(place)
  const old = join(place, 'old.bin')
  writeFileSync(old, OLD)
  await failure(['train', ...inputs, '--output', old, '--threads', '1'], 1, message, stdin)
  assert.is(readFileSync(old, 'utf8'), OLD)
  assert.equal(readdirSync(place), ['old.bin'])
}

const tenMegabytes = Buffer.alloc(10_000_000, 0x61)

const CORPORA: readonly (readonly [
  what: string,
  content: string | Uint8Array,
  code: string,
  message: RegExp,
])[] = [
  ['an empty file', '', 'ERR_ANYVEC_EMPTY_CORPUS', /./],
  ['a file of white space', ' \n\t\r\n\n', 'ERR_ANYVEC_EMPTY_CORPUS', /./],
  ['no word frequent enough', 'one two three four two', 'ERR_ANYVEC_VOCABULARY', /min-?count/i],
  ['one distinct word', 'word '.repeat(100), 'ERR_ANYVEC_VOCABULARY', /./],
  ['invalid UTF-8', Buffer.from('good words and caf\xe9 here', 'latin1'), 'ERR_ANYVEC_ENCODING', /UTF-8/],
  ['a NUL', 'good words and\0 here', 'ERR_ANYVEC_ENCODING', /NUL/],
  ['a word of 10 MB', tenMegabytes, 'ERR_ANYVEC_KEY_LENGTH', /16,?384/],
  ['damaged gzip', gzipSync(CORPUS).subarray(0, 200), 'ERR_ANYVEC_FORMAT', /compressed/],
]

for (const [what, content, code, message] of CORPORA) {
  test(`a corpus of ${what} is ${code}, with exit 1`, async () => {
    const path = written('bad.txt', content)
    await fails([path], new RegExp(`^(?=.*\\(${code}\\))(?=.*${message.source})`, message.flags))
  })
}

test('malformed text on stdin is an error too', async () => {
  await fails(
    ['-'],
    /not valid UTF-8 at byte 5;.*--malformed skip.*ERR_ANYVEC_ENCODING/,
    Buffer.from('good words\xff', 'latin1'),
  )
  await fails(['-'], /ERR_ANYVEC_EMPTY_CORPUS/)
})

test('a missing file, a folder and a device are ERR_ANYVEC_FILE, whichever input they are', async () => {
  await fails([fresh('missing.txt')], /missing\.txt: there is no such file .*ERR_ANYVEC_FILE/)
  await fails([corpus, folder], /it is a folder .*ERR_ANYVEC_FILE/)
  if (process.platform !== 'win32') await fails(['/dev/null'], /no regular file .*ERR_ANYVEC_FILE/)
})

test('an output that cannot be written is found before anything is read', async () => {
  // reading would fail otherwise, so it is the output that is looked at first
  const input = fresh('missing.txt')
  const file = written('file', '')
  await failure(
    ['train', input, '--output', join(folder, 'nowhere', 'm.bin')],
    1,
    /no folder.*ERR_ANYVEC_OUTPUT/,
  )
  await failure(['train', input, '--output', join(file, 'm.bin')], 1, /ERR_ANYVEC_OUTPUT/)
  const directory = fresh('folder.bin')
  mkdirSync(directory)
  await failure(['train', input, '--output', directory], 1, /it is a folder.*ERR_ANYVEC_OUTPUT/)
  await failure(['train', input, '--output', fresh('m.doc')], 2, /\.safetensors.*ERR_ANYVEC_OPTION/)
  await failure(['train', input], 2, /--output/)
})

// the superuser may write anywhere
const whereRightsMatter = process.getuid?.() === 0 || process.platform === 'win32' ? test.skip : test
if (whereRightsMatter === test.skip) process.stdout.write('skip: the superuser may write to any folder\n')
whereRightsMatter('an output in a folder without rights is found before anything is read', async () => {
  const place = fresh('locked')
  mkdirSync(place)
  chmodSync(place, 0o555)
  await failure(
    ['train', fresh('missing.txt'), '--output', join(place, 'm.bin')],
    1,
    /denied.*ERR_ANYVEC_OUTPUT/,
  )
})

test('an output that is an input is wrong usage, also behind a link', async () => {
  const text = written('text.txt', CORPUS)
  await failure(['train', text, '--output', text], 2, /also an input/)
  const link = fresh('link.txt')
  symlinkSync(text, link)
  await failure(['train', corpus, text, '--output', link], 2, /also an input/)
  assert.is(statSync(text).size, CORPUS.length)
})

test('a damaged model is ERR_ANYVEC_FORMAT in every command', async () => {
  const good = fresh('good.safetensors')
  await embedding(AN_ENGINE, ['a', 'b', 'c'], rowsOf(3, 4)).save(good)
  const bytes = readFileSync(good)
  const cut = written('cut.safetensors', bytes.subarray(0, bytes.length - 5))
  const noise = written(
    'noise.bin',
    Buffer.from(
      rowsOf(1, 64)
        .flat()
        .map((value) => value * 1e9),
    ),
  )
  const empty = written('empty.bin', '')
  const short = written('short.vec', '3 2\na 1 2\nb 1\n')
  for (const args of [
    ['nearest', cut, 'a'],
    ['similarity', noise, 'a', 'b'],
    ['analogy', empty, 'a', 'b', 'c'],
    ['convert', short, fresh('out.bin')],
    ['info', corpus],
  ]) {
    await failure(args, 1, /ERR_ANYVEC_FORMAT/)
  }
  await failure(['info', fresh('missing.bin')], 1, /ERR_ANYVEC_FILE/)
  await failure(['info', folder], 1, /ERR_ANYVEC_FILE/)
})

test.run()
