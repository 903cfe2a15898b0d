/**
 * The binary format of word2vec: `V D\n`, then for each of V rows the key, a space, and D float32 (little-endian).
 * The original writes a line end behind each row, gensim does not; either is read, also mixed. Keys are bytes, and the
 * original cuts long ones in the middle of a character, so genuine files hold keys that are not UTF-8.
 */

import { isUtf8 } from 'node:buffer'
import { KeyBytesWriter, offsetAt, offsetWords, withoutKeys } from '../embedding/key-bytes.js'
import { Keys } from '../embedding/keys.js'
import { firstNonFinite } from '../embedding/vectors.js'
import { type Engine, type KeyBytes, type MappedFile, type Matrix, MAX_KEY_BYTES } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import type { Promised } from './detect.js'
import type { OutputFile } from './file.js'
import type { Model, Skipped } from './model.js'
import { PIECE_BYTES, type ReadHooks } from './pieces.js'

const SPACE = 0x20
const LF = 0x0a
/** Bytes gathered for one write. */
const BLOCK = 2 ** 22

/** What a reader of word2vec files makes of one. */
export interface ReadRows {
  readonly keys: Keys
  readonly vectors: Matrix
  readonly skipped: Skipped
}

/**
 * Reads the rows behind the header, in two passes: first the keys, so that a damaged file is refused before any
 * memory is taken for vectors, then the vectors.
 *
 * Errors: ERR_ANYVEC_FORMAT with `details.row` (from 0) and `details.offset` (bytes) where a row is damaged.
 */
export async function readWord2vecBinary(
  engine: Engine,
  file: MappedFile,
  { rows, columns }: Promised,
  offset: number,
  malformed: 'error' | 'skip',
  hooks: ReadHooks,
): Promise<ReadRows> {
  const { path, bytes } = file
  const least = offset + rows * (2 + 4 * columns)
  if (least > bytes.length) {
    throw new AnyvecError(
      'ERR_ANYVEC_FORMAT',
      `${path} is damaged: its first line promises ${rows} vectors of ${columns} values, which need ${least} bytes or ` +
        `more, and it has ${bytes.length}: it is cut off, or its first line is wrong`,
      { path, rows, columns, bytes: bytes.length },
    )
  }
  let { keys, starts, malformedKeys } = await readKeys(file, rows, columns, offset, malformed, hooks)
  let table = new Keys(keys)
  await table.prepare(hooks.pause)
  const duplicates = table.duplicates()
  if (duplicates.length > 0) {
    if (malformed === 'error') throw duplicateKey(path, table)
    keys = withoutKeys(keys, duplicates)
    const repeated = new Set(duplicates)
    starts = starts.filter((_, row) => !repeated.has(row))
    table = new Keys(keys)
  }
  if (table.size === 0) throw damaged(path, 'none of its keys is sound', {})

  const vectors = engine.allocate(table.size, columns)
  const size = columns * 4
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const target = Buffer.from(vectors.data.buffer, vectors.data.byteOffset, vectors.data.byteLength)
  const step = Math.max(1, Math.floor(PIECE_BYTES / size))
  for (let from = 0; from < table.size; from += step) {
    const to = Math.min(table.size, from + step)
    for (let row = from; row < to; row++) source.copy(target, row * size, starts[row], starts[row] + size)
    const bad = firstNonFinite(vectors.data.subarray(from * columns, to * columns))
    if (bad >= 0) {
      const row = from + Math.floor(bad / columns)
      const value = vectors.data[from * columns + bad]
      throw damaged(path, `the vector of ${JSON.stringify(table.at(row))} holds ${value}`, {
        row,
        offset: starts[row] + (bad % columns) * 4,
      })
    }
    hooks.advance?.(starts[to - 1] + size)
    await hooks.pause()
  }
  return { keys: table, vectors, skipped: { malformedKeys, duplicateKeys: duplicates.length } }
}

/** The keys that are sound, and where their vectors begin. */
async function readKeys(
  { path, bytes }: MappedFile,
  rows: number,
  columns: number,
  offset: number,
  malformed: 'error' | 'skip',
  hooks: ReadHooks,
): Promise<{ keys: KeyBytes; starts: Float64Array; malformedKeys: number }> {
  const writer = new KeyBytesWriter(rows, rows * 8)
  const starts = new Float64Array(rows)
  const size = columns * 4
  let sound = 0
  let at = offset
  let rest = at + PIECE_BYTES
  for (let row = 0; row < rows; row++) {
    if (bytes[at] === LF) at++
    const from = at
    const limit = Math.min(bytes.length, from + MAX_KEY_BYTES + 1)
    let high = 0
    let control = false
    for (; at < limit && bytes[at] !== SPACE; at++) {
      const byte = bytes[at]
      high |= byte
      if (byte === 0 || byte === LF) control = true
    }
    if (at < limit && at + 1 + size > bytes.length) throw cutOff(path, row, rows, from)
    if (at === limit) {
      if (at === bytes.length) throw cutOff(path, row, rows, from)
      throw damaged(
        path,
        `the key of row ${row + 1} has no end within ${MAX_KEY_BYTES} bytes; is the first line right?`,
        {
          row,
          offset: from,
        },
      )
    }
    const defect =
      at === from
        ? 'is empty'
        : control
          ? 'holds a NUL or a line end; is the first line right?'
          : high >= 0x80 && !isUtf8(bytes.subarray(from, at))
            ? "is not valid UTF-8; pass such rows over with malformed: 'skip'"
            : undefined
    if (defect === undefined) {
      writer.add(bytes, from, at)
      starts[sound++] = at + 1
    } else if (malformed === 'error') {
      throw damaged(path, `the key of row ${row + 1}, at byte ${from}, ${defect}`, { row, offset: from })
    }
    at += 1 + size
    if (at >= rest) {
      rest = at + PIECE_BYTES
      await hooks.pause()
    }
  }
  if (at < bytes.length && bytes[at] === LF) at++
  if (at < bytes.length) {
    throw damaged(path, `${bytes.length - at} bytes follow its last vector; is the first line right?`, {
      offset: at,
    })
  }
  return { keys: writer.finish(), starts: starts.subarray(0, sound), malformedKeys: rows - sound }
}

/** Writes a model as the original word2vec does, with a line end behind each row. */
export async function writeWord2vecBinary(output: OutputFile, model: Model, hooks: ReadHooks): Promise<void> {
  const { keys, vectors } = model
  const { rows, columns, data } = vectors
  const size = columns * 4
  const words = offsetWords(keys.offsets)
  const values = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const block = Buffer.allocUnsafe(Math.max(BLOCK, MAX_KEY_BYTES + size + 2))
  let used = block.write(`${rows} ${columns}\n`)
  for (let row = 0; row < rows; row++) {
    const from = offsetAt(words, row)
    const to = offsetAt(words, row + 1)
    if (used + (to - from) + size + 2 > block.length) {
      await output.write(block.subarray(0, used))
      used = 0
      await hooks.pause()
    }
    // a key of a file of ours may be longer than any of text
    if (to - from + size + 2 > block.length) {
      await output.write(keys.bytes.subarray(from, to))
    } else {
      for (let i = from; i < to; i++) block[used++] = keys.bytes[i]
    }
    block[used++] = SPACE
    used += values.copy(block, used, row * size, (row + 1) * size)
    block[used++] = LF
  }
  await output.write(block.subarray(0, used))
}

/** The error for a key that stands twice. */
export function duplicateKey(path: string, keys: Keys): AnyvecError {
  const [first, second] = keys.duplicate() ?? [0, 0]
  return damaged(
    path,
    `the key ${JSON.stringify(keys.at(first))} stands in rows ${first + 1} and ${second + 1}; ` +
      "keep the first of such rows with malformed: 'skip'",
    { key: keys.at(first), row: second, first },
  )
}

export function damaged(path: string, what: string, details: Readonly<Record<string, unknown>>): AnyvecError {
  return new AnyvecError('ERR_ANYVEC_FORMAT', `${path} is damaged: ${what}`, { path, ...details })
}

function cutOff(path: string, row: number, rows: number, offset: number): AnyvecError {
  return damaged(
    path,
    `it ends within row ${row + 1} of ${rows}, which begins at byte ${offset}: it is cut off`,
    { row, offset },
  )
}
