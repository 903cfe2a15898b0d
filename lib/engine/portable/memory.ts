/** Allocation that fails with a typed error instead of a RangeError. */

import { AnyvecError } from '../../errors.js'

/** Runs `allocation` and says what it was for, and how many bytes, when memory does not suffice. */
export function reserve<T>(bytes: number, purpose: string, allocation: () => T): T {
  try {
    return allocation()
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    const message = `cannot allocate ${bytes} bytes for ${purpose}`
    throw new AnyvecError('ERR_ANYVEC_MEMORY', message, { bytes, purpose }, cause)
  }
}
