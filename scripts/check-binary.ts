/**
 * `npm run check:binary`: what only the compiled files can show (Linux, GNU binutils). After `npm run build`;
 * also looks at prebuilds/ and the CMake builds where they are.
 *
 *  - Kernel objects hold no weak symbols: the linker may keep the copy of an inline function that was compiled for
 *    AVX-512, and older processors would die of it.
 *  - Everything that runs before the dispatch uses no register of a newer instruction set.
 *  - The addon shows nothing but its two entry points, and needs no newer glibc than the package promises.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The glibc of Debian 12, Ubuntu 22.04 and RHEL 9 or older. */
const newestGlibc = [2, 34] as const

const root = dirname(dirname(fileURLToPath(import.meta.url)))
let passed = 0
let failed = 0

function check(title: string, offences: readonly string[]): void {
  if (offences.length === 0) passed += 1
  else failed += 1
  console.log(`${offences.length === 0 ? '  ok' : 'FAIL'} ${title}`)
  for (const offence of offences.slice(0, 10)) console.log(`       ${offence}`)
}

function output(command: string, ...args: readonly string[]): string {
  const run = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 30 })
  if (run.error || run.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${run.error ?? run.stderr}`)
  return run.stdout
}
