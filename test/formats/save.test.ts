import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Embedding } from '../../lib/embedding/embedding.js'
import { engine } from '../../lib/engine/load.js'
import { writeWhole } from '../../lib/formats/file.js'
import { checkDestination } from '../../lib/formats/save.js'
import { open } from '../../lib/index.js'
import { AN_ENGINE } from '../engines.js'
import { embedding, keyBytes, rowsOf } from '../models.js'
import { raised, rejection } from '../rejection.js'
import { fresh, written } from '../temporary.js'

const model = () => embedding(AN_ENGINE, ['a', 'b'], rowsOf(2, 3))
const posix = process.platform !== 'win32'

/** A folder of its own, so that a temporary file left behind is seen. */
function ownFolder(): string {
  const path = fresh('own')
  mkdirSync(path)
  return path
}

test('the extension tells the format, and the option overrules it', async () => {
  for (const [name, format] of [
    ['m.safetensors', 'safetensors'],
    ['m.bin', 'word2vec-binary'],
    ['m.vec', 'word2vec-text'],
    ['m.txt', 'word2vec-text'],
    ['m.SafeTensors', 'safetensors'],
  ] as const) {
    const path = fresh(name)
    await model().save(path)
    assert.is((await open(path, { engine: AN_ENGINE })).origin?.format, format)
  }
  const path = fresh('m.w2v')
  await rejection(() => model().save(path), 'ERR_ANYVEC_OPTION', /\.safetensors, \.bin, \.vec, \.txt/)
  await model().save(path, { format: 'word2vec-binary' })
  assert.is((await open(path, { engine: AN_ENGINE })).origin?.format, 'word2vec-binary')
  await rejection(
    () => model().save(path, { format: 'pickle' as 'safetensors' }),
    'ERR_ANYVEC_OPTION',
    /word2vec-text/,
  )
  await rejection(
    () => model().save(path, { fromat: 'safetensors' } as object),
    'ERR_ANYVEC_OPTION',
    /"format"/,
  )
})

test('a place that cannot be written is refused, and nothing is left there', async () => {
  const folder = ownFolder()
  await rejection(
    () => model().save(join(folder, 'no', 'm.bin')),
    'ERR_ANYVEC_OUTPUT',
    /no folder .*make it first/,
  )
  mkdirSync(join(folder, 'dir.bin'))
  await rejection(() => model().save(join(folder, 'dir.bin')), 'ERR_ANYVEC_OUTPUT', /folder/)
  const file = written('file.txt', 'x')
  await rejection(() => model().save(join(file, 'm.bin')), 'ERR_ANYVEC_OUTPUT')
  await rejection(() => model().save(join(folder, `${'x'.repeat(300)}.bin`)), 'ERR_ANYVEC_OUTPUT', /too long/)
  await rejection(() => model().save(join(folder, 'a\0.bin')), 'ERR_ANYVEC_OUTPUT', /NUL/)
  await rejection(() => model().save(''), 'ERR_ANYVEC_USAGE')
  if (posix)
    await rejection(
      () => model().save('/dev/null', { format: 'safetensors' }),
      'ERR_ANYVEC_OUTPUT',
      /regular/,
    )
  assert.equal(readdirSync(folder), ['dir.bin'])
})

test('a folder or a file without permission is refused before anything is written', async () => {
  if (!posix || process.getuid?.() === 0) {
    console.log('\nskip: permissions do not bind this user')
    return
  }
  const folder = ownFolder()
  writeFileSync(join(folder, 'old.bin'), 'old')
  chmodSync(join(folder, 'old.bin'), 0o444)
  await rejection(() => model().save(join(folder, 'old.bin')), 'ERR_ANYVEC_OUTPUT', /permission/)
  chmodSync(folder, 0o555)
  await rejection(() => model().save(join(folder, 'new.bin')), 'ERR_ANYVEC_OUTPUT', /permission/)
  chmodSync(folder, 0o755)
  assert.is(readFileSync(join(folder, 'old.bin'), 'utf8'), 'old')
})

test('checkDestination says beforehand what save would say', async () => {
  const path = fresh('m.bin')
  assert.equal(await checkDestination(path), { path, format: 'word2vec-binary' })
  assert.equal(
    await checkDestination(fresh('m'), { format: 'safetensors' }).then(({ format }) => format),
    'safetensors',
  )
  await rejection(() => checkDestination(fresh('m.xyz')), 'ERR_ANYVEC_OPTION')
  await rejection(() => checkDestination(join(path, 'm.bin')), 'ERR_ANYVEC_OUTPUT')
  assert.not(readdirSync(dirname(path)).includes(basename(path)))
})

test('a failure while writing leaves the old file as it was and no temporary file', async () => {
  const folder = ownFolder()
  const path = join(folder, 'm.safetensors')
  await model().save(path)
  const old = readFileSync(path)
  const failure = new Error('the disk broke')
  const thrown = await raised(() =>
    writeWhole(path, async (output) => {
      await output.write(Buffer.alloc(100_000))
      assert.is(readdirSync(folder).length, 2)
      throw failure
    }),
  )
  assert.is(thrown, failure)
  assert.ok(readFileSync(path).equals(old))
  assert.equal(readdirSync(folder), ['m.safetensors'])
})

test('a full disk is an error of the output', async () => {
  const folder = ownFolder()
  const path = join(folder, 'm.bin')
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  })
  await rejection(
    () =>
      writeWhole(path, async () => {
        throw full
      }),
    'ERR_ANYVEC_OUTPUT',
    /the disk is full/,
  )
  assert.equal(readdirSync(folder), [])
})

test('an aborted save rejects with the reason and leaves the old file', async () => {
  const folder = ownFolder()
  for (const name of ['m.safetensors', 'm.bin', 'm.vec']) {
    const path = join(folder, name)
    writeFileSync(path, 'old')
    const controller = new AbortController()
    const reason = new Error('enough')
    const saving = embedding(AN_ENGINE, ['a', 'b'], rowsOf(2, 3000)).save(path, { signal: controller.signal })
    setImmediate(() => controller.abort(reason))
    assert.is(await raised(() => saving), reason)
    assert.is(readFileSync(path, 'utf8'), 'old')
  }
  assert.equal(readdirSync(folder).length, 3)
})

test('a key with white space is refused where the format cannot hold it', async () => {
  const spaced = (key: string) => embedding(AN_ENGINE, ['first', key, 'last'], rowsOf(3, 2))
  for (const key of ['a b', 'a\nb']) {
    for (const name of ['m.bin', 'm.vec']) {
      const path = fresh(name)
      const error = await rejection(
        () => spaced(key).save(path),
        'ERR_ANYVEC_OUTPUT',
        /white space.*\.safetensors/,
      )
      assert.is(error.details.key, key)
    }
  }
  for (const key of ['a\tb', 'a\rb']) {
    await rejection(() => spaced(key).save(fresh('m.vec')), 'ERR_ANYVEC_OUTPUT')
    const path = fresh('m.bin')
    await spaced(key).save(path)
    assert.ok((await open(path, { engine: AN_ENGINE })).has(key))
  }
  const path = fresh('m.safetensors')
  await spaced('a b').save(path)
  assert.ok((await open(path, { engine: AN_ENGINE })).has('a b'))
})

test('a value that is not finite is not saved', async () => {
  for (const name of ['m.safetensors', 'm.bin', 'm.vec']) {
    const spoilt = model()
    spoilt.vector('b')[1] = Number.NaN
    const path = fresh(name)
    const error = await rejection(() => spoilt.save(path), 'ERR_ANYVEC_VECTOR', /Row 2 .*NaN/)
    assert.is(error.details.row, 1)
  }
})

test('a symbolic link stays one, and the file it names is replaced', async () => {
  if (!posix) return
  const folder = ownFolder()
  writeFileSync(join(folder, 'real.bin'), 'old')
  chmodSync(join(folder, 'real.bin'), 0o640)
  symlinkSync('real.bin', join(folder, 'link.bin'))
  await model().save(join(folder, 'link.bin'))
  assert.ok(lstatSync(join(folder, 'link.bin')).isSymbolicLink())
  assert.is((await open(join(folder, 'real.bin'), { engine: AN_ENGINE })).size, 2)
  assert.is(statSync(join(folder, 'real.bin')).mode & 0o777, 0o640)
})

test('saving does not copy the matrices', async () => {
  const rows = 100_000
  const vectors = engine(AN_ENGINE).allocate(rows, 200)
  vectors.data.fill(0.25)
  const keys = keyBytes(Array.from({ length: rows }, (_, i) => `key${i}`))
  // 80 MB
  const big = new Embedding(engine(AN_ENGINE), { keys, vectors, metadata: {} })
  for (const name of ['m.safetensors', 'm.bin']) {
    const before = process.memoryUsage().rss
    await big.save(fresh(name))
    const grown = process.memoryUsage().rss - before
    assert.ok(grown < 60e6, `${name}: ${(grown / 1e6).toFixed(0)} MB`)
  }
})

test.run()
