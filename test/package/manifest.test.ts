import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

interface Manifest {
  readonly type: string
  readonly engines: Readonly<Record<string, string>>
  readonly gypfile: boolean
  readonly bin: Readonly<Record<string, string>>
  readonly exports: { readonly '.': Readonly<Record<string, string>> }
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

test('installing runs nothing: no install script, and npm is told not to compile binding.gyp', () => {
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) {
    assert.is(manifest.scripts[script], undefined, script)
  }
  assert.is(manifest.gypfile, false)
})

test('no script is by accident the hook of another', () => {
  // npm runs `prebuild` before a script named `build`, and so on.
  const names = Object.keys(manifest.scripts)
  const intended = ['prepack']
  const hooks = names.filter(
    (name) =>
      !intended.includes(name) && names.some((other) => name === `pre${other}` || name === `post${other}`),
  )
  assert.equal(hooks, [])
})

test('what the package exports and the commands it installs were built', () => {
  for (const file of [...Object.values(manifest.exports['.']), ...Object.values(manifest.bin)]) {
    assert.ok(existsSync(join(root, file)), file)
  }
  for (const file of Object.values(manifest.bin)) {
    assert.match(readFileSync(join(root, file), 'utf8'), /^#!\/usr\/bin\/env node\n/, file)
  }
})

test('every package that the compiled code imports is a dependency, or one that it can do without', () => {
  const lib = join(root, 'lib')
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const imported = new Set<string>()
  for (const file of files) {
    const source = readFileSync(join(lib, file), 'utf8')
    for (const [, name] of source.matchAll(
      /(?:\sfrom\s+|\bimport\s*\(?\s*|\brequire\s*\(\s*)'([^'.][^']*)'/g,
    )) {
      if (!name.startsWith('node:')) imported.add(/^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name)
    }
  }
  assert.ok(imported.size > 0, 'no import was found at all')
  const optional = Object.keys(manifest.peerDependencies)
  const known = [...Object.keys(manifest.dependencies), ...optional]
  for (const name of imported) assert.ok(known.includes(name), `${name} is imported but no dependency`)
  for (const name of known) assert.ok(imported.has(name), `${name} is never imported`)
  for (const name of optional) assert.is(manifest.peerDependenciesMeta[name]?.optional, true, name)
})

test.run()
