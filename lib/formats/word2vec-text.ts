/**
 * The text format of word2vec: a line `V D`, then for each row a line with the key and D numbers. GloVe's files are the
 * same without the first line.
 */

import { isUtf8 } from 'node:buffer'
import { withoutKeys } from '../embedding/key-bytes.js'
import { Keys } from '../embedding/keys.js'
import type { Engine, Hooks, KeyBytes, MappedFile, Matrix, ReadProgress } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import type { Promised } from './detect.js'
import type { OutputFile } from './file.js'
import type { Model } from './model.js'
import type { ReadHooks } from './pieces.js'
import { damaged, duplicateKey, type ReadRows } from './word2vec-binary.js'

const LF = 0x0a
/** Values that are formatted at once: about a tenth of a second for the slower engine. */
const BLOCK_VALUES = 2 ** 17

/** Where the rows of a text file stand, and how many there should be. */
export interface TextLayout {
  readonly promised: Promised | undefined
  readonly columns: number
  readonly offset: number
}

/**
 * Reads the rows of a text file.
 *
 * Errors: ERR_ANYVEC_FORMAT with `details.row` (from 0) and `details.line` (of the file, from 1) where a row is damaged.
 */
export async function readWord2vecText(
  engine: Engine,
  file: MappedFile,
  { promised, columns, offset }: TextLayout,
  malformed: 'error' | 'skip',
  hooks: Hooks<ReadProgress>,
  pause: () => Promise<void>,
): Promise<ReadRows> {
  const { path } = file
  const masked = malformed === 'skip' ? await maskKeys(file, offset, pause) : []
  const { keys, matrix } = await parse(engine, file, { promised, columns, offset }, hooks)
  if (promised !== undefined && promised.rows !== matrix.rows) {
    const fault = promised.rows > matrix.rows ? 'it is cut off, or' : 'it has grown, or'
    throw damaged(
      path,
      `its first line promises ${promised.rows} rows, and it has ${matrix.rows}: ${fault} its first line is wrong`,
      { promised: promised.rows, rows: matrix.rows },
    )
  }
  const first = dropRows(engine, keys, matrix, masked)
  let table = new Keys(first.keys)
  await table.prepare(pause)
  const duplicates = table.duplicates()
  if (duplicates.length > 0 && malformed === 'error') throw duplicateKey(path, table)
  const second = dropRows(engine, first.keys, first.matrix, duplicates)
  if (duplicates.length > 0) table = new Keys(second.keys)
  if (table.size === 0) throw damaged(path, 'none of its keys is sound', {})
  return {
    keys: table,
    vectors: second.matrix,
    skipped: { malformedKeys: masked.length, duplicateKeys: duplicates.length },
  }
}

async function parse(
  engine: Engine,
  file: MappedFile,
  { promised, columns, offset }: TextLayout,
  hooks: Hooks<ReadProgress>,
): Promise<{ readonly keys: KeyBytes; readonly matrix: Matrix }> {
  try {
    return await engine.parseRows(file, { offset, columns }, hooks)
  } catch (error) {
    if (!(error instanceof AnyvecError) || typeof error.details.line !== 'number') throw error
    // engines count from the first row, people from the first line of the file
    const row = error.details.line - 1
    const line = row + (promised === undefined ? 1 : 2)
    throw new AnyvecError(error.code, error.message, { ...error.details, row, line }, error)
  }
}

/**
 * Overwrites keys that no engine takes (not UTF-8, or with a NUL) in the memory of the file with question marks, and
 * answers their rows: the engine then reads everything, and these rows are dropped. The file itself is not touched.
 */
async function maskKeys(
  { bytes }: MappedFile,
  offset: number,
  pause: () => Promise<void>,
): Promise<number[]> {
  const rows: number[] = []
  let row = 0
  for (let at = offset; at < bytes.length; row++) {
    const from = at
    let high = 0
    let nul = false
    for (; at < bytes.length && !isBlank(bytes[at]); at++) {
      high |= bytes[at]
      if (bytes[at] === 0) nul = true
    }
    if (nul || (high >= 0x80 && !isUtf8(bytes.subarray(from, at)))) {
      bytes.fill(0x3f, from, at)
      rows.push(row)
    }
    const end = bytes.indexOf(LF, at)
    at = end < 0 ? bytes.length : end + 1
    if (row % 16384 === 16383) await pause()
  }
  return rows
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === LF
}

/** The same keys and rows without those numbered in `dropped` (rising). */
function dropRows(
  engine: Engine,
  keys: KeyBytes,
  matrix: Matrix,
  dropped: readonly number[],
): { readonly keys: KeyBytes; readonly matrix: Matrix } {
  if (dropped.length === 0) return { keys, matrix }
  const { columns, rows, data } = matrix
  const kept = engine.allocate(rows - dropped.length, columns)
  let from = 0
  let to = 0
  // whole runs between dropped rows at a time
  for (const row of [...dropped, rows]) {
    kept.data.set(data.subarray(from * columns, row * columns), to * columns)
    to += row - from
    from = row + 1
  }
  return { keys: withoutKeys(keys, dropped), matrix: kept }
}

/** Writes a model with the header line; every value is the shortest decimal that reads back as the same float32. */
export async function writeWord2vecText(
  engine: Engine,
  output: OutputFile,
  { keys, vectors }: Model,
  hooks: ReadHooks,
): Promise<void> {
  const { rows, columns } = vectors
  await output.write(Buffer.from(`${rows} ${columns}\n`))
  const step = Math.max(1, Math.floor(BLOCK_VALUES / columns))
  for (let from = 0; from < rows; from += step) {
    await output.write(await engine.formatRows(vectors, keys, from, Math.min(rows, from + step)))
    await hooks.pause()
  }
}
