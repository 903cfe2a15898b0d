/** Errors as values. */

import { AnyvecError, type ErrorCode } from '../lib/errors.js'

/** What `work` raises, which must be an AnyvecError with that code and a message that matches. */
export async function rejection(work: () => unknown, code: ErrorCode, message = /./): Promise<AnyvecError> {
  const error = await raised(work)
  if (!(error instanceof AnyvecError))
    throw new Error(`expected ${code} but received ${String(error)}`, { cause: error })
  if (error.code !== code || !message.test(error.message)) {
    throw new Error(`expected ${code} ${message} but received ${error.code}: ${error.message}`, {
      cause: error,
    })
  }
  return error
}

/** Whatever `work` raises; fails where it raises nothing. */
export async function raised(work: () => unknown): Promise<unknown> {
  let answer: unknown
  try {
    answer = await work()
  } catch (error) {
    return error
  }
  throw new Error(`expected an error but received ${String(answer)}`)
}
