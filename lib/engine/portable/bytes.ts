/** What the readers of text share. */

import { AnyvecError } from '../../errors.js'

/** Bytes of a file read at a time: some milliseconds of work. */
export const CHUNK = 1 << 18

export const LINE_FEED = 0x0a

/** 1 for space, tab, LF, VT, FF and CR. */
export const IS_SPACE = new Uint8Array(256)
for (const space of [0x20, 0x09, LINE_FEED, 0x0b, 0x0c, 0x0d]) IS_SPACE[space] = 1

export function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

export function usage(message: string): AnyvecError {
  return new AnyvecError('ERR_ANYVEC_USAGE', message)
}
