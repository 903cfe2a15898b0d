/** Files of tests, gone when the process ends. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const folder = mkdtempSync(join(tmpdir(), 'anyvec-test-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

let files = 0

/** A path in the folder that nothing has yet. */
export function fresh(name: string): string {
  return join(folder, `${files++}-${name}`)
}

/** A file with that content. */
export function written(name: string, content: string | Uint8Array): string {
  const path = fresh(name)
  writeFileSync(path, content)
  return path
}
