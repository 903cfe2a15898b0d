/**
 * `npm run compile`: the native addon by node-gyp, and lib/ to dist/ by tsc, side by side.
 *
 * Not `npm run build`: npm would take `npm run prebuild` for its hook and run it first, every time.
 */

import { spawn } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')

function run(...args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
    child.on('close', (code) => resolve(code === 0))
  })
}

/** npm makes commands executable when it installs them, but a clone also runs them from dist/. */
function makeCommandsExecutable(): void {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    bin: Record<string, string>
  }
  for (const file of Object.values(bin)) chmodSync(join(root, file), 0o755)
}

const done = await Promise.all([run('scripts/addon.mjs'), run(tsc, '-p', 'tsconfig.build.json')])
if (done.every(Boolean)) makeCommandsExecutable()
else process.exitCode = 1
