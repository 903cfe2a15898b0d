/**
 * `npm run prebuild`: the release binary of this machine's platform in prebuilds/, compiled from nothing and stripped.
 *
 * One Node-API binary serves every version of Node; the instruction set is chosen when it is loaded.
 */

import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { headersFolder } from './headers.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`)
const release = join(root, 'build', 'Release')
const headers = headersFolder()

/** What a command says goes to stderr, and only when it fails: this also runs inside `npm pack`, which owns stdout. */
function run(command: readonly string[], environment: NodeJS.ProcessEnv = {}): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...environment },
  })
  if (status === 0) return
  process.stderr.write(stdout + stderr)
  throw new Error(`${command.join(' ')} ended with ${status}`)
}

rmSync(folder, { recursive: true, force: true })
const options = ['--napi', `--target=${process.version}`, '--strip', '--tag-armv', '--tag-libc', '--name=anyvec']
run(['node_modules/prebuildify/bin.js', ...options], {
  npm_config_jobs: 'max',
  npm_config_loglevel: 'error',
  ...(headers ? { npm_config_nodedir: headers } : {}),
})

const binaries = readdirSync(folder)
if (binaries.length !== 1) throw new Error(`expected one binary in ${folder} but found: ${binaries.join(', ')}`)
const binary = join(folder, binaries[0])
// prebuildify moves the binary away; the clone shall go on working from build/, and `npm run compile` find it up to date.
mkdirSync(release, { recursive: true })
copyFileSync(binary, join(release, 'anyvec.node'))
run(['scripts/addon.mjs'])
process.stderr.write(`${binary}: ${(statSync(binary).size / 1024).toFixed(0)} KB\n`)
