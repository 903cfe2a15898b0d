/**
 * `npm run prebuild`: the release binary of this machine's platform in prebuilds/, stripped.
 *
 * One Node-API binary serves every version of Node; the instruction set is chosen when it is loaded.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`)
const prefix = dirname(dirname(process.execPath))
const local = existsSync(join(prefix, 'include', 'node', 'node_api.h'))

/** All output goes to stderr: this also runs inside `npm pack`, whose stdout names the tarball. */
function run(command: readonly string[], environment: NodeJS.ProcessEnv = {}): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...environment },
  })
  if (status !== 0) {
    process.stderr.write(stdout + stderr)
    throw new Error(`${command.join(' ')} ended with ${status}`)
  }
}

rmSync(folder, { recursive: true, force: true })
run(['node_modules/prebuildify/bin.js', '--napi', '--strip', '--tag-armv', '--tag-libc', '--name=anyvec'], {
  npm_config_jobs: 'max',
  npm_config_loglevel: 'error',
  // Else node-gyp downloads the headers of some other version.
  ...(local ? { npm_config_nodedir: prefix } : {}),
})
// prebuildify moves the binary out of build/; the clone shall go on working from there.
run(['scripts/addon.mjs'])

for (const file of readdirSync(folder)) {
  const kilobytes = statSync(join(folder, file)).size / 1024
  process.stderr.write(`prebuilds/${process.platform}-${process.arch}/${file}: ${kilobytes.toFixed(0)} KB\n`)
}
