/**
 * Every error that anyvec raises on purpose, with the one table of its stable codes.
 *
 * A code never changes its meaning; messages may be reworded. Native code raises the same codes.
 */

/** What each code means; the keys are the stable codes. */
export const ERROR_CODES = {
  ERR_ANYVEC_OPTION: 'an option is unknown, of the wrong type or out of range',
  ERR_ANYVEC_USAGE: 'a call cannot be made in this state or with these arguments',
  ERR_ANYVEC_FILE: 'a file is missing, is no regular file, or cannot be read',
  ERR_ANYVEC_OUTPUT: 'an output file cannot be written',
  ERR_ANYVEC_EMPTY_CORPUS: 'the corpus holds no key at all',
  ERR_ANYVEC_VOCABULARY: 'too few distinct keys are frequent enough to train on',
  ERR_ANYVEC_ENCODING: 'text is not valid UTF-8 or holds a NUL byte',
  ERR_ANYVEC_KEY_LENGTH: 'a key is longer than anyvec accepts',
  ERR_ANYVEC_FORMAT: 'a file is damaged or in no format that anyvec reads',
  ERR_ANYVEC_UNKNOWN_KEY: 'a key is not in the vocabulary',
  ERR_ANYVEC_VECTOR: 'a query vector has the wrong length, is zero, or holds a value that is not finite',
  ERR_ANYVEC_MEMORY: 'memory or disk space ran out, or a size is past what can be addressed',
  ERR_ANYVEC_DIVERGED: 'training produced values that are not finite',
  ERR_ANYVEC_ENGINE: 'the engine asked for cannot be loaded',
  ERR_ANYVEC_DISPOSED: 'the object was disposed of',
  ERR_ANYVEC_INTERNAL: 'a defect in anyvec itself',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/**
 * An error raised by anyvec: what went wrong, where, and what to do, in `message`;
 * a stable `code` to branch on; the values involved in `details`.
 *
 * An aborted call rejects with the signal's own reason instead, as everywhere in Node.
 *
 * @example
 * try {
 *   await open('missing.safetensors')
 * } catch (error) {
 *   if (error instanceof AnyvecError && error.code === 'ERR_ANYVEC_FILE') console.error(error.message)
 * }
 */
export class AnyvecError extends Error {
  override readonly name = 'AnyvecError'
  readonly code: ErrorCode
  /** The values involved: for example `{ path, offset }` or `{ option, received }`. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}
