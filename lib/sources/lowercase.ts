/** Lower-casing by key, not by token: a vocabulary is far smaller than its text. */

import { setImmediate } from 'node:timers/promises'
import { KeyBytesWriter, offsetAt, offsetWords } from '../embedding/key-bytes.js'
import { type Corpus, MAX_KEY_BYTES } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'

/** Keys between two turns of the event loop. */
const STEP = 2 ** 15

/**
 * Spells all keys of a corpus in lower case, by Unicode's rules without those of any language; keys that then are alike
 * become one. Errors: ERR_ANYVEC_KEY_LENGTH for a key that grows past the longest one.
 */
export async function lowercaseKeys(corpus: Corpus, signal: AbortSignal | undefined): Promise<void> {
  const { bytes, offsets } = corpus.types()
  const words = offsetWords(offsets)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const writer = new KeyBytesWriter(offsets.length - 1, bytes.length)
  let scratch = new Uint8Array(64)
  for (let i = 0; i < offsets.length - 1; i++) {
    const from = offsetAt(words, i)
    const to = offsetAt(words, i + 1)
    if (to - from > scratch.length) scratch = new Uint8Array(2 * (to - from))
    let high = 0
    for (let at = from; at < to; at++) {
      const byte = bytes[at]
      high |= byte
      scratch[at - from] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    }
    if (high < 0x80) {
      writer.add(scratch, 0, to - from)
    } else {
      const key = text.toString('utf8', from, to)
      const lower = Buffer.from(key.toLowerCase())
      if (lower.length > MAX_KEY_BYTES) {
        throw new AnyvecError(
          'ERR_ANYVEC_KEY_LENGTH',
          `A key of ${to - from} bytes is ${lower.length} bytes long in lower case, and ${MAX_KEY_BYTES} are the most`,
          { key },
        )
      }
      writer.add(lower)
    }
    if (i % STEP === STEP - 1) {
      await setImmediate()
      signal?.throwIfAborted()
    }
  }
  corpus.rename(writer.finish())
}
