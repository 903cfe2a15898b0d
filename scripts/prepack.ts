/**
 * Runs before `npm pack` and `npm publish`: compiles dist/ and this platform's binary from nothing, so that a package
 * never carries what an earlier state of the sources left behind. Binaries of other platforms, made by `npm run prebuild`
 * there, are put into prebuilds/ beforehand and go along.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

function run(script: string): void {
  // stdout belongs to npm pack, which prints the tarball's name there.
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', script], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`${script} ended with ${status}`)
}

rmSync(join(root, 'dist'), { recursive: true, force: true })
run('scripts/prebuild.ts')
run('scripts/compile.ts')

interface Manifest {
  readonly bin: Readonly<Record<string, string>>
  readonly exports: { readonly '.': Readonly<Record<string, string>> }
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
for (const file of [...Object.values(manifest.bin), ...Object.values(manifest.exports['.'])]) {
  if (!existsSync(join(root, file))) throw new Error(`package.json names ${file}, which was not built`)
}
