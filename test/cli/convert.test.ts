/** `anyvec convert` and `anyvec info`. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { open } from '../../lib/index.js'
import { AN_ENGINE, ENGINES } from '../engines.js'
import { embedding, rowsOf } from '../models.js'
import { fresh, written } from '../temporary.js'
import { answer, failure } from './command.js'

const KEYS = ['apple', '苹果', 'pear']
const FULL = fresh('full.safetensors')

test.before(async () => {
  const made = embedding(AN_ENGINE, KEYS, rowsOf(3, 4), {
    contexts: rowsOf(3, 4, 2),
    counts: [9n, 7n, 5n],
    metadata: { options: { dimensions: 4 }, loss: [1, 0.5], note: 'mine' },
  })
  await made.save(FULL)
})

for (const engine of ENGINES) {
  test(`${engine}: vectors survive every format`, async () => {
    const files = [FULL, fresh('a.bin'), fresh('b.vec'), fresh('c.txt'), fresh('d.safetensors')]
    for (let i = 1; i < files.length; i++) {
      await answer(['convert', files[i - 1], files[i], '--engine', engine])
      const words = await open(files[i], { engine })
      assert.equal([...words.keys], KEYS)
      assert.equal([...words.vectors], rowsOf(3, 4).flat())
    }
  })
}

test('what a format cannot hold is told', async () => {
  const stdout = await answer(['convert', FULL, fresh('a.bin')])
  assert.match(stdout, /3 keys, 4 dimensions: .* \(safetensors\) to .* \(word2vec-binary\)\n/)
  assert.match(stdout, /left behind: contexts, counts, metadata\n/)
  const output = fresh('b.vec')
  assert.equal(JSON.parse(await answer(['convert', FULL, output, '--json'])), {
    input: FULL,
    output,
    format: { in: 'safetensors', out: 'word2vec-text' },
    vocabulary: 3,
    dimensions: 4,
    skipped: { malformedKeys: 0, duplicateKeys: 0 },
    lost: ['contexts', 'counts', 'metadata'],
  })
  const whole = fresh('c.safetensors')
  assert.equal(JSON.parse(await answer(['convert', FULL, whole, '--json'])).lost, [])
  assert.is((await open(whole, { engine: AN_ENGINE })).count('苹果'), 7)
})

test('rows with unsound keys stop the work, or are left out and counted', async () => {
  const input = written('twice.vec', '3 2\na 1 2\nb 3 4\na 5 6\n')
  await failure(['convert', input, fresh('out.bin')], 1, /"a".*ERR_ANYVEC_FORMAT/)
  const output = fresh('out.bin')
  const stdout = await answer(['convert', input, output, '--malformed', 'skip'])
  assert.match(stdout, /left out: 0 rows with a malformed key, 1 with a repeated one/)
  assert.equal([...(await open(output, { engine: AN_ENGINE })).keys], ['a', 'b'])
})

test('a vector that was damaged is not written again, and the old output stays', async () => {
  const bytes = readFileSync(FULL)
  // the first value of the vectors: the header tells where
  const header = Number(bytes.readBigUInt64LE(0))
  const [begin] = JSON.parse(bytes.toString('utf8', 8, 8 + header)).vectors.data_offsets
  bytes[8 + header + begin] ^= 1
  const damaged = written('damaged.safetensors', bytes)
  const output = fresh('old.bin')
  writeFileSync(output, 'old')
  const before = readdirSync(dirname(output))
  await failure(['convert', damaged, output], 1, /checksum.*ERR_ANYVEC_FORMAT/)
  assert.is(readFileSync(output, 'utf8'), 'old')
  assert.equal(readdirSync(dirname(output)), before)
  // opening alone does not read the vectors; --verify does
  assert.match(await answer(['info', damaged]), /safetensors/)
  await failure(['info', damaged, '--verify'], 1, /checksum.*ERR_ANYVEC_FORMAT/)
})

test('a key with a space does not fit into a word2vec file', async () => {
  const input = fresh('spaces.safetensors')
  await embedding(AN_ENGINE, ['New York', 'Rome'], rowsOf(2, 2)).save(input)
  await failure(['convert', input, fresh('out.bin')], 1, /"New York".*\.safetensors.*ERR_ANYVEC_OUTPUT/)
})

test('an output that cannot be, or is the input, is found before the input is opened', async () => {
  const missing = fresh('missing.bin')
  await failure(['convert', missing, fresh('out.doc')], 2, /ERR_ANYVEC_OPTION/)
  await failure(['convert', FULL, FULL], 2, /also an input/)
  await failure(['convert', missing, fresh('out.bin')], 1, /no such file.*ERR_ANYVEC_FILE/)
})

test('info tells what a file holds', async () => {
  const { bytes, ...facts } = JSON.parse(await answer(['info', FULL, '--json']))
  assert.is(bytes, readFileSync(FULL).length)
  assert.equal(facts, {
    model: FULL,
    format: 'safetensors',
    vocabulary: 3,
    dimensions: 4,
    contexts: true,
    counts: true,
    keys: KEYS,
    metadata: { options: { dimensions: 4 }, loss: [1, 0.5], note: 'mine' },
  })
  const text = await answer(['info', FULL, '--verify'])
  assert.match(text, /^format +safetensors, .*, verified$/m)
  assert.match(text, /^keys +3$/m)
  assert.match(text, /^also holds +context vectors, counts$/m)
  assert.match(text, /^first keys +apple 苹果 pear$/m)
  assert.match(text, /^options +dimensions 4$/m)
  assert.match(text, /^loss +1 0\.5$/m)
  const bare = fresh('bare.bin')
  await answer(['convert', FULL, bare])
  assert.match(await answer(['info', bare]), /^also holds +nothing$/m)
})

test.run()
