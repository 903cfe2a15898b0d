/** Standard output: answers, and nothing else. */

import { once } from 'node:events'

/** Writes text and waits while the reader is slow, so that a long batch does not pile up in memory. */
export async function print(text: string | Uint8Array): Promise<void> {
  if (text.length > 0 && !process.stdout.write(text)) await once(process.stdout, 'drain')
}

/** One JSON object on one line. A number that does not exist (NaN) is null, as JSON has it. */
export async function printJson(value: object): Promise<void> {
  await print(`${JSON.stringify(value)}\n`)
}

/**
 * A reader that has seen enough (`anyvec nearest ... | head`) is no failure: end quietly.
 * Other errors of stdout (a full disk) stay errors.
 */
export function endQuietlyWhenReaderLeaves(command: string): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    process.stderr.write(`${command}: cannot write to standard output: ${error.message}\n`)
    process.exit(1)
  })
}

/** A table of columns set apart by two spaces: the first to the left, the others (numbers) to the right. */
export function table(rows: readonly (readonly string[])[], align: 'left' | 'right' = 'right'): string {
  const widths: number[] = []
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) widths[i] = Math.max(widths[i] ?? 0, row[i].length)
  }
  const cell = (text: string, i: number) =>
    i === 0 || align === 'left' ? text.padEnd(widths[i]) : text.padStart(widths[i])
  return rows.map((row) => `${row.map(cell).join('  ').trimEnd()}\n`).join('')
}
