/** Rows as text, the way word2vec and GloVe write them: `key v v v ...`, a row a line. */

import { AnyvecError } from '../../errors.js'
import {
  type Hooks,
  type KeyBytes,
  type MappedFile,
  MAX_KEY_BYTES,
  type ParsedRows,
  type ReadProgress,
  type TextRows,
} from '../engine.js'
import { PortableMatrix } from './matrix.js'
import { reserve } from './memory.js'
import { Pace } from './pace.js'
import { isCleanUtf8 } from './utf8.js'

const LINE_FEED = 0x0a
const isBlank = (byte: number) => byte === 0x20 || byte === 0x09 || byte === 0x0d
/** A decimal number as both engines read it. */
export const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

export async function parseTextRows(
  file: MappedFile,
  { offset, columns }: TextRows,
  hooks: Hooks<ReadProgress> = {},
): Promise<ParsedRows> {
  const { bytes, path } = file
  const pace = new Pace(hooks)
  let size = bytes.length
  while (size > offset && (isBlank(bytes[size - 1]) || bytes[size - 1] === LINE_FEED)) size--
  let rows = size > offset ? 1 : 0
  for (let at = bytes.indexOf(LINE_FEED, offset); at >= 0 && at < size; at = bytes.indexOf(LINE_FEED, at + 1))
    rows++

  const matrix = PortableMatrix.allocate(rows, columns)
  const offsets = reserve((rows + 1) * 8, 'the keys', () => new BigUint64Array(rows + 1))
  // keys are no longer than what they are cut from
  const keys = reserve(size - offset, 'the keys', () => new Uint8Array(size - offset))
  let keyBytes = 0
  const progress = (at: number) => () => ({ bytes: at - offset, totalBytes: bytes.length - offset })
  for (let row = 0, from = offset; row < rows; row++) {
    const found = bytes.indexOf(LINE_FEED, from)
    const end = found < 0 || found > size ? size : found
    const line = parseLine(bytes.subarray(from, end), columns, matrix.data, row * columns)
    if (typeof line === 'string') {
      throw new AnyvecError('ERR_ANYVEC_FORMAT', `${path}: row ${row + 1} is damaged: ${line}`, {
        path,
        line: row + 1,
      })
    }
    keys.set(bytes.subarray(from, from + line), keyBytes)
    keyBytes += line
    offsets[row + 1] = BigInt(keyBytes)
    from = end + 1
    if (pace.due()) await pace.rest(progress(from))
  }
  pace.end(progress(bytes.length))
  return { keys: { bytes: keys.slice(0, keyBytes), offsets }, matrix }
}

/** Reads one line's values and answers the length of its key, or what is wrong with it. */
function parseLine(line: Uint8Array, columns: number, values: Float32Array, at: number): number | string {
  let size = line.length
  while (size > 0 && isBlank(line[size - 1])) size--
  let end = 0
  while (end < size && !isBlank(line[end])) end++
  if (end === 0) return size === 0 ? 'it is empty' : 'it begins with a blank where its key should stand'
  if (end > MAX_KEY_BYTES) return `its key is longer than ${MAX_KEY_BYTES} bytes`
  if (line.subarray(0, end).includes(0)) return 'its key holds a NUL byte'
  if (!isCleanUtf8(line, 0, end)) return 'its key is not valid UTF-8'
  const text = Buffer.from(line.buffer, line.byteOffset + end, size - end).toString('latin1')
  let count = 0
  for (const number of text.split(/[ \t\r]+/)) {
    if (number === '') continue
    if (count < columns) {
      const value = NUMBER.test(number) ? Math.fround(Number(number)) : Number.NaN
      if (!Number.isFinite(value)) return `value ${count + 1} is no finite number`
      values[at + count] = value
    }
    count++
  }
  return count === columns ? end : `it holds ${count} values instead of ${columns}`
}

/** Rows `from .. to` as lines. */
export async function formatTextRows(
  { columns, data }: PortableMatrix,
  keys: KeyBytes,
  from: number,
  to: number,
): Promise<Uint8Array> {
  const pace = new Pace()
  const lines: Buffer[] = []
  for (let row = from; row < to; row++) {
    lines.push(Buffer.from(keys.bytes.subarray(Number(keys.offsets[row]), Number(keys.offsets[row + 1]))))
    let line = ''
    for (let i = row * columns; i < (row + 1) * columns; i++) line += ` ${shortest(data[i])}`
    lines.push(Buffer.from(`${line}\n`, 'latin1'))
    if (pace.due()) await pace.rest()
  }
  return Buffer.concat(lines)
}

/** The shortest decimal that reads back as the same float32. */
function shortest(value: number): string {
  if (Object.is(value, -0)) return '-0'
  for (let digits = 6; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits))
    if (Math.fround(text) === value) return String(text)
  }
  return String(Number(value.toPrecision(9)))
}
