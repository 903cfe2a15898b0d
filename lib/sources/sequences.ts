/** Sequences of keys that a program makes itself: baskets, sessions, walks, sentences that are cut already. */

import { type Corpus, MAX_KEY_BYTES } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import type { Metadata } from '../formats/model.js'
import { received } from '../train/specs.js'
import { abandonable, BlockWriter } from './block-writer.js'
import { isIterable, Pieces, type Reading, readHooks, Source, type SourceCounts } from './source.js'

const SPACE = 0x20
const LF = 0x0a
/** Keys of a sequence that is looked at as a whole. */
const SHORT_SEQUENCE = 1024
/** Characters of the longest spelling of a 64-bit number. */
const LONGEST_ID = 20
/** What no key may hold: the white space at which engines cut. */
const WHITE_SPACE = /[\t-\r ]/
const LONE_HALF = /\p{Surrogate}/u

/** Whole numbers, which stand for themselves as keys: 7 is the key `7`. */
export type Ids =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array

/** Keys in the order in which they belong together. */
export type Sequence = Iterable<string> | Ids

/**
 * Sequences of keys to train on: what stands near each other in a sequence becomes near in the embedding. A key is a string
 * without white space (space, tab, line ends), 1 to 16,384 bytes long in UTF-8; everything else is allowed. A sequence may also
 * be a typed array of whole numbers, whose decimal spellings are the keys. An empty sequence is passed over.
 *
 * `data` is iterated over once, however many epochs there are, and never held: a stream of sequences may be longer than memory.
 *
 * Nothing is read before `train` does. Errors: ERR_ANYVEC_USAGE for data that cannot be iterated over. In `train`, naming
 * the sequence and the key by number: ERR_ANYVEC_USAGE for a sequence that is no iterable of strings and for a key that
 * is empty or holds white space, ERR_ANYVEC_ENCODING for one with a NUL or a lone surrogate, ERR_ANYVEC_KEY_LENGTH; and
 * whatever the iterable throws.
 *
 * @example
 * const baskets = [['bread', 'butter', 'jam'], ['beer', 'crisps'], ['bread', 'jam']]
 * const products = await train(sequences(baskets), { minCount: 1, window: 10 })
 *
 * @example
 * const sessions = [Uint32Array.of(17, 4, 17), Uint32Array.of(4, 99)]
 * const pages = await train(sequences(sessions), { minCount: 1 })
 * pages.has('17')            // true
 */
export function sequences(data: Iterable<Sequence> | AsyncIterable<Sequence>): Source {
  if (!isIterable(data) || ArrayBuffer.isView(data)) {
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      `Expected an iterable of sequences, each an iterable of keys, but received ${received(data)}`,
      { received: data },
    )
  }
  return new Sequences(data as Iterable<Sequence> | AsyncIterable<Sequence>)
}

class Sequences extends Source {
  readonly description: Metadata = { kind: 'sequences' }
  readonly malformed = 'error'
  readonly #data: Pieces<Sequence>

  constructor(data: Iterable<Sequence> | AsyncIterable<Sequence>) {
    super()
    this.#data = new Pieces(data)
  }

  async read(corpus: Corpus, reading: Reading): Promise<SourceCounts> {
    const hooks = readHooks(reading)
    const data = this.#data.take()
    const writer = new BlockWriter(corpus, 'the sequences', hooks)
    const work = async () => {
      // a line end first: a key may begin with U+FEFF, which at the start of a text is a byte-order mark
      writer.put(LF)
      let number = 0
      // `for await` also waits for what is there already, so it is kept for what is not
      if (Symbol.iterator in data) {
        for (const sequence of data) {
          const busy = writeSequence(writer, sequence, number++)
          if (busy !== undefined) await busy
          if (number % 256 === 0) await writer.breathe()
        }
      } else {
        for await (const sequence of data) {
          const busy = writeSequence(writer, sequence, number++)
          if (busy !== undefined) await busy
          if (number % 256 === 0) await writer.breathe()
        }
      }
      await writer.end()
    }
    await abandonable(hooks.signal, writer, work, () => this.#data.abandon())
    return {}
  }
}

/** Writes a sequence, at once where it is short and there is room: a promise for each of millions takes its time. */
function writeSequence(writer: BlockWriter, sequence: Sequence, number: number): Promise<void> | undefined {
  if (ArrayBuffer.isView(sequence)) return writeIds(writer, sequence, number)
  if (!Array.isArray(sequence) || sequence.length > SHORT_SEQUENCE) return writeKeys(writer, sequence, number)
  let room = 1
  for (let index = 0; index < sequence.length; index++) {
    const defect = defectOf(sequence[index])
    if (defect !== undefined) throw badKey(defect, sequence[index], index, number)
    room += 3 * sequence[index].length + 1
  }
  if (room > writer.room) return writeKeys(writer, sequence, number)
  for (const key of sequence as readonly string[]) {
    writer.putText(key)
    writer.put(SPACE)
  }
  writer.put(LF)
  return undefined
}

/** Typed arrays of whole numbers; floats and clamped bytes are no ids. */
const isIds = (view: ArrayBufferView): view is Ids =>
  /^\[object (?:Uint|Int|BigUint|BigInt)(?:8|16|32|64)Array\]$/.test(Object.prototype.toString.call(view))

async function writeIds(writer: BlockWriter, sequence: ArrayBufferView, number: number): Promise<void> {
  if (!isIds(sequence)) {
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      `Expected every sequence to be an iterable of keys or a typed array of whole numbers but sequence ${number} is ${received(sequence)}`,
      { sequence: number, received: sequence },
    )
  }
  let index = 0
  for (const id of sequence) {
    if (writer.room < LONGEST_ID + 1) await writer.flush()
    writer.putText(String(id))
    writer.put(SPACE)
    index++
    if (index % 4096 === 0) await writer.breathe()
  }
  if (writer.room < 1) await writer.flush()
  writer.put(LF)
}

async function writeKeys(writer: BlockWriter, sequence: Iterable<string>, number: number): Promise<void> {
  if (typeof sequence === 'string' || !isIterable(sequence) || !(Symbol.iterator in sequence)) {
    const advice = typeof sequence === 'string' ? '; cut it into keys, for example with split' : ''
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      `Expected every sequence to be an iterable of keys but sequence ${number} is ${received(sequence)}${advice}`,
      { sequence: number, received: sequence },
    )
  }
  let index = 0
  for (const key of sequence) {
    const defect = defectOf(key)
    if (defect !== undefined) throw badKey(defect, key, index, number)
    if (writer.room < 3 * key.length + 2) await writer.flush()
    writer.putText(key)
    writer.put(SPACE)
    index++
    // one endless sequence must not stop the clock
    if (index % 4096 === 0) await writer.breathe()
  }
  if (writer.room < 1) await writer.flush()
  writer.put(LF)
}

export type Defect = readonly [
  code: 'ERR_ANYVEC_USAGE' | 'ERR_ANYVEC_ENCODING' | 'ERR_ANYVEC_KEY_LENGTH',
  what: string,
]

export function defectOf(key: unknown): Defect | undefined {
  if (typeof key !== 'string') return ['ERR_ANYVEC_USAGE', 'is no string']
  // nearly all keys are short and of plain characters: one pass tells
  let plain = key.length > 0 && key.length <= MAX_KEY_BYTES / 3
  for (let i = 0; plain && i < key.length; i++) {
    const code = key.charCodeAt(i)
    plain = code > SPACE && (code < 0xd800 || code > 0xdfff)
  }
  if (plain) return undefined
  if (key === '') return ['ERR_ANYVEC_USAGE', 'is empty']
  if (WHITE_SPACE.test(key)) {
    return ['ERR_ANYVEC_USAGE', 'holds white space, at which keys are cut; replace it, for example with "_"']
  }
  if (key.includes('\0')) return ['ERR_ANYVEC_ENCODING', 'holds a NUL']
  if (LONE_HALF.test(key)) return ['ERR_ANYVEC_ENCODING', 'holds a lone surrogate, which has no UTF-8']
  const bytes = Buffer.byteLength(key)
  if (bytes > MAX_KEY_BYTES)
    return ['ERR_ANYVEC_KEY_LENGTH', `is ${bytes} bytes long, and ${MAX_KEY_BYTES} are the most`]
  return undefined
}

function badKey([code, what]: Defect, key: unknown, index: number, sequence: number): AnyvecError {
  return new AnyvecError(code, `Key ${index} of sequence ${sequence}, ${received(key)}, ${what}`, {
    sequence,
    index,
    key,
  })
}
