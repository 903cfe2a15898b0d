/** Which format a file is in, judged by its content: extensions lie, and `.bin` and `.txt` mean everything. */

import type { MappedFile } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import { looksLikeSafetensors } from './safetensors.js'

/** What the first line of a word2vec file promises. */
export interface Promised {
  readonly rows: number
  readonly columns: number
}

export type Detected =
  | { readonly format: 'safetensors' }
  | { readonly format: 'word2vec-binary'; readonly promised: Promised; readonly offset: number }
  | {
      readonly format: 'word2vec-text'
      /** undefined where the file has no header line, as those of GloVe. */
      readonly promised: Promised | undefined
      readonly columns: number
      /** The first byte of the first row. */
      readonly offset: number
    }

const LF = 0x0a
/** A header is two numbers: its line end stands within so many bytes. */
const LONGEST_HEADER = 128
/** The first row of a file without a header ends within so many bytes: it is all that tells how many columns there are. */
const LONGEST_ROW = 2 ** 22
/** So many bytes of nothing but digits and the like are text; chance does not bring them about. */
const SURELY_TEXT = 16

/** Errors: ERR_ANYVEC_FORMAT for an empty file, or one in no format that anyvec reads. */
export function detect(file: MappedFile): Detected {
  const { bytes, path } = file
  if (bytes.length === 0) throw new AnyvecError('ERR_ANYVEC_FORMAT', `${path} is empty`, { path })
  if (looksLikeSafetensors(bytes)) return { format: 'safetensors' }
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const header = readHeader(bytes, start)
  if (header !== undefined) {
    const { promised, offset } = header
    if (promised.rows === 0 || promised.columns === 0) {
      throw new AnyvecError(
        'ERR_ANYVEC_FORMAT',
        `${path} holds no vectors: its first line promises ${promised.rows} of ${promised.columns} values`,
        { path },
      )
    }
    return isTextRow(bytes, offset, promised.columns)
      ? { format: 'word2vec-text', promised, columns: promised.columns, offset }
      : { format: 'word2vec-binary', promised, offset }
  }
  const columns = columnsOfRow(bytes, start)
  if (columns > 0) return { format: 'word2vec-text', promised: undefined, columns, offset: start }
  throw new AnyvecError('ERR_ANYVEC_FORMAT', `${path} is in no format that anyvec reads: ${guess(bytes)}`, {
    path,
  })
}

function readHeader(bytes: Uint8Array, start: number): { promised: Promised; offset: number } | undefined {
  let end = bytes.subarray(start, start + LONGEST_HEADER).indexOf(LF)
  if (end < 0) {
    if (bytes.length - start > LONGEST_HEADER) return undefined
    // a header that is all there is: of a file that was cut off
    end = bytes.length - start
  }
  const match = /^[ \t]*(\d+)[ \t]+(\d+)[ \t\r]*$/.exec(latin(bytes, start, start + end))
  if (match === null) return undefined
  return {
    promised: { rows: Number(match[1]), columns: Number(match[2]) },
    offset: Math.min(bytes.length, start + end + 1),
  }
}

/** Whether the row that begins at `from` is text: behind its key, up to the line's end, stand numbers alone. */
function isTextRow(bytes: Uint8Array, from: number, columns: number): boolean {
  const values = from + bytes.subarray(from, from + LONGEST_ROW).indexOf(0x20) + 1
  if (values === from) {
    // a tab behind the key; in a binary file a space is certain
    return columnsOfRow(bytes, from) > 0
  }
  let at = values
  const limit = Math.min(bytes.length, values + LONGEST_ROW)
  while (at < limit && bytes[at] !== LF) if (!isNumberByte(bytes[at++])) return false
  // The float32 of a short binary row may begin with a digit and a line end: count the numbers before believing them.
  return at - values >= SURELY_TEXT || fields(latin(bytes, values, at)).length === columns
}

/** Values in the row that begins at `from`; 0 when it is not a key and numbers. */
function columnsOfRow(bytes: Uint8Array, from: number): number {
  let end = bytes.subarray(from, from + LONGEST_ROW).indexOf(LF)
  if (end < 0) {
    if (bytes.length - from > LONGEST_ROW) return 0
    end = bytes.length - from
  }
  const values = fields(latin(bytes, from, from + end)).slice(1)
  return values.every((value) => value.length <= 64 && Number.isFinite(Number(value))) ? values.length : 0
}

function fields(line: string): string[] {
  return line.split(/[ \t\r]+/).filter((field) => field !== '')
}

/** Bytes as characters of the same number: keys in any encoding, numbers in ASCII. */
function latin(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
}

/** Digits, signs, points, blanks, and the letters of `1e-5`, `nan` and `infinity`. */
function isNumberByte(byte: number): boolean {
  return NUMBER_BYTES[byte] === 1
}

const NUMBER_BYTES = new Uint8Array(256)
for (const byte of Buffer.from('0123456789+-. \t\rEeNnAaIiFfTtYy')) NUMBER_BYTES[byte] = 1

/** What a file probably is, and what to do about it. */
function guess(bytes: Uint8Array): string {
  const begins = (...magic: number[]) => magic.every((byte, i) => bytes[i] === byte)
  if (begins(0x1f, 0x8b)) return 'it is compressed with gzip; decompress it first'
  if (begins(0xba, 0x16, 0x4f, 0x2f))
    return "it is a fastText model; export its vectors as text (fastText's .vec)"
  if (begins(0x46, 0x69, 0x46, 0x75)) return 'it is a finalfusion file; convert it to word2vec binary'
  if (begins(0x50, 0x4b, 0x03, 0x04)) return 'it is a zip archive; unpack it first'
  if (begins(0x80) && bytes[1] <= 5)
    return 'it is a Python pickle; in gensim, write it with save_word2vec_format'
  return 'it is neither safetensors, nor word2vec binary or text, nor lines of a key and numbers'
}
