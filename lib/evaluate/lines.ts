/** Reading the small text files that evaluations are made of: question lists and scored pairs. */

import { readFile } from 'node:fs/promises'
import { AnyvecError } from '../errors.js'
import { cannotRead, inputSize, isSystemError, systemReason } from '../formats/file.js'

/** The largest published list has 1 MB; a corpus given by mistake should not be read whole. */
const MAX_BYTES = 2 ** 28

/** A line that holds something, with its number in the file (from 1). */
export interface Line {
  readonly text: string
  readonly number: number
}

/** `//` stands in Google's set, `# ` in others; `#word` may be a word. */
const COMMENT = /^(?:\/\/|#(?:\s|$))/

/**
 * The lines of a UTF-8 file: a byte-order mark and CR line ends are taken away, blank lines and comments are
 * left out, numbers are those of the file. Errors: ERR_ANYVEC_FILE, ERR_ANYVEC_ENCODING.
 */
export async function readLines(path: string): Promise<Line[]> {
  const lines: Line[] = []
  const all = decode(await read(path), path).split('\n')
  for (let i = 0; i < all.length; i++) {
    const text = all[i].trim()
    if (text === '' || COMMENT.test(text)) continue
    lines.push({ text, number: i + 1 })
  }
  return lines
}

/** A malformed line: where it stands, what was expected, what is there. */
export function malformedLine(path: string, line: Line, expected: string): AnyvecError {
  const shown = line.text.length > 60 ? `${line.text.slice(0, 60)}...` : line.text
  return new AnyvecError(
    'ERR_ANYVEC_FORMAT',
    `${path}:${line.number}: expected ${expected}, received ${JSON.stringify(shown)}`,
    { path, line: line.number },
  )
}

async function read(path: string): Promise<Uint8Array> {
  const size = await inputSize(path)
  if (size > MAX_BYTES) {
    throw new AnyvecError(
      'ERR_ANYVEC_FORMAT',
      `${path} has ${size} bytes, more than any list of questions or pairs; is it the right file?`,
      { path, bytes: size },
    )
  }
  try {
    return await readFile(path)
  } catch (error) {
    throw isSystemError(error) ? cannotRead(path, systemReason(error), error) : error
  }
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new AnyvecError(
      'ERR_ANYVEC_ENCODING',
      `${path} is not valid UTF-8; convert it first, for example with iconv -t UTF-8`,
      { path },
      error,
    )
  }
}
