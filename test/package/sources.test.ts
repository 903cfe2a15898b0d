import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

interface Sources {
  readonly core: readonly string[]
  readonly kernels: readonly {
    readonly name: string
    readonly file: string
    readonly flags: readonly string[]
  }[]
  readonly addon: readonly string[]
  readonly tests: readonly string[]
}
const sources = JSON.parse(readFileSync(join(root, 'native/sources.json'), 'utf8')) as Sources
const kernels = sources.kernels.map(({ file }) => file)
const listed = [...sources.core, ...kernels, ...sources.addon, ...sources.tests]

function printed(...args: readonly string[]): string {
  const run = spawnSync(process.execPath, ['scripts/sources.mjs', ...args], { cwd: root, encoding: 'utf8' })
  assert.is(run.status, 0, run.stderr)
  return run.stdout
}

test('every C++ file is in native/sources.json once, and every file it names is there', () => {
  const present = readdirSync(join(root, 'native'), { recursive: true, encoding: 'utf8' })
    .map((file) => file.split(sep).join('/'))
    // Fuzzers and the MPI shim are built by those who want them.
    .filter((file) => file.endsWith('.cpp') && !/^(fuzz|mpi)\//.test(file))
  assert.equal([...listed].sort(), present.sort())
})

test('a source is in the list of its folder', () => {
  for (const file of sources.addon) assert.match(file, /^addon\//)
  for (const file of kernels) assert.match(file, /^kernels\//)
  for (const file of sources.tests) assert.match(file, /^tests\//)
  for (const file of sources.core) assert.not.match(file, /^(addon|tests)\//)
})

test('no two files of one list share a name, which some linkers and CMake would mix up', () => {
  for (const list of [sources.core, sources.addon, sources.tests]) {
    const names = list.map((file) => file.replace(/^.*\//, ''))
    assert.equal([...new Set(names)], names)
  }
})

test('binding.gyp gets the lists as paths from the repository', () => {
  for (const list of ['core', 'addon'] as const) {
    assert.is(printed(list), sources[list].map((file) => `native/${file}`).join(' '))
  }
  for (const { name, file, flags } of sources.kernels) {
    assert.is(printed('kernel', name, 'file'), `native/${file}`)
    assert.is(printed('kernel', name, 'flags'), flags.join(' '))
  }
  assert.ok(existsSync(join(root, printed('nodeAddonApi'), 'napi.h')))
})

test('binding.gyp has a target for every kernel', () => {
  const gyp = readFileSync(join(root, 'binding.gyp'), 'utf8')
  for (const { name } of sources.kernels) assert.ok(gyp.includes(`'target_name': 'kernel_${name}'`), name)
})

test('a list or kernel that does not exist is an error, not an empty list', () => {
  for (const args of [['cores'], ['kernel', 'avx9', 'file'], ['kernel', 'avx2', 'flag'], []]) {
    const run = spawnSync(process.execPath, ['scripts/sources.mjs', ...args], { cwd: root, encoding: 'utf8' })
    assert.is.not(run.status, 0, args.join(' '))
    assert.is(run.stdout, '')
  }
})

test.run()
