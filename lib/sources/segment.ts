/**
 * Words of scripts that are written without spaces. A dictionary says where words end, spaces are put there, and the corpus does the
 * rest as for any raw text: one set of rules for letters, numbers and punctuation.
 */

import { isUtf8 } from 'node:buffer'
import type { Hooks, ReadProgress } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import { type BlockTaker, BlockWriter } from './block-writer.js'
import { BlockSink } from './input.js'

/** What `tokenize` names: a language, whose script ICU or jieba has a dictionary for. */
export type Language = 'chinese' | 'japanese' | 'thai'

const LOCALES: Readonly<Record<Language, string>> = { chinese: 'zh', japanese: 'ja', thai: 'th' }

export const LANGUAGES = Object.keys(LOCALES) as readonly Language[]

export function isLanguage(name: string): name is Language {
  return Object.hasOwn(LOCALES, name)
}

/** Finds words by a dictionary. */
export interface Segmenter {
  /** What a report says: the words depend on it. */
  readonly name: string
  /** The pieces of a text; joined, they are the text. */
  cut(text: string): readonly string[]
  /** Characters of a text at once: more would take too long at a time, or per character. */
  readonly most: number
}

/**
 * The best segmenter there is for a language: @node-rs/jieba for Chinese where that is installed, else Node's Intl.Segmenter.
 * Both take simplified and traditional characters as they come.
 */
export async function segmenterOf(language: Language): Promise<Segmenter> {
  return (language === 'chinese' ? await jieba() : undefined) ?? intlSegmenter(LOCALES[language])
}

let loaded: Promise<Segmenter | undefined> | undefined

/** jieba, where it is installed for this machine; its dictionary is read once a process. */
function jieba(): Promise<Segmenter | undefined> {
  loaded ??= (async () => {
    try {
      const [{ Jieba }, { dict }] = await Promise.all([
        import('@node-rs/jieba'),
        import('@node-rs/jieba/dict.js'),
      ])
      const made = Jieba.withDict(dict)
      return { name: '@node-rs/jieba', cut: (text) => made.cut(text, true), most: 2 ** 14 }
    } catch {
      return undefined
    }
  })()
  return loaded
}

/** Node 20's takes time that grows with the square of a text's length, so it gets little at a time. */
export function intlSegmenter(locale: string): Segmenter {
  const made = new Intl.Segmenter(locale, { granularity: 'word' })
  const cut = (text: string) => Array.from(made.segment(text), ({ segment }) => segment)
  return { name: `Intl.Segmenter (${locale})`, cut, most: 256 }
}

/** Where a text may be cut without cutting a word: behind white space and the punctuation of any script. */
const BREAKS = /[\s\p{Po}\p{Ps}\p{Pe}]/u

/** The text with a space at every end of a word that a script without spaces has. */
export function spaced(text: string, { cut, most }: Segmenter): string {
  let out = ''
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + most)
    if (to < text.length) {
      let at = to
      while (at > from + most / 2 && !BREAKS.test(text[at - 1])) at--
      if (at > from + most / 2) to = at
      else if (isHalf(text.charCodeAt(to - 1), 0xd800)) to--
    }
    let before = 0
    for (const piece of cut(text.slice(from, to))) {
      if (isUnspaced(before) || isUnspaced(piece.charCodeAt(0))) out += ' '
      out += piece
      before = piece.charCodeAt(piece.length - 1)
    }
    from = to
  }
  return out
}

const isHalf = (unit: number, first: number) => (unit & 0xfc00) === first

/**
 * A character of a script without spaces. Surrogates are taken for such: they are rarer Han characters, or signs that are no part of any
 * word. What else a segmenter cuts (don't, 3.14) is left to the corpus.
 */
function isUnspaced(unit: number): boolean {
  if (unit < 0x0e00) return false
  return (
    (unit >= 0x3005 && unit <= 0x3007) ||
    (unit >= 0x3040 && unit <= 0x30ff) ||
    (unit >= 0x31f0 && unit <= 0x31ff) ||
    (unit >= 0x3400 && unit <= 0x4dbf) ||
    (unit >= 0x4e00 && unit <= 0x9fff) ||
    (unit >= 0xf900 && unit <= 0xfaff) ||
    (unit >= 0xff66 && unit <= 0xff9f) ||
    (unit >= 0xd800 && unit <= 0xdfff) ||
    // Thai and Lao, Myanmar, Khmer
    unit <= 0x0eff ||
    (unit >= 0x1000 && unit <= 0x109f) ||
    (unit >= 0x1780 && unit <= 0x17ff)
  )
}

const LF = 0x0a
/** A longer line is cut at one of its breaks, wherever that is. */
const LONGEST_LINE = 2 ** 20

/** Takes raw text, puts spaces into its lines, and writes them on. */
export class SegmentedText extends BlockSink {
  readonly #taker: BlockTaker
  readonly #segmenter: Segmenter
  readonly #malformed: 'error' | 'skip'
  readonly #hooks: Hooks<ReadProgress>
  #writer: BlockWriter | undefined
  #carry = Buffer.alloc(0)
  /** Where `#carry` begins in the text. */
  #offset = 0

  constructor(
    taker: BlockTaker,
    segmenter: Segmenter,
    malformed: 'error' | 'skip',
    { signal }: Hooks<ReadProgress>,
  ) {
    super()
    this.#taker = taker
    this.#segmenter = segmenter
    this.#malformed = malformed
    this.#hooks = { signal }
  }

  async addBlock(block: Uint8Array, source: string): Promise<void> {
    this.#writer ??= new BlockWriter(this.#taker, source, this.#hooks)
    const writer = this.#writer
    const bytes = Buffer.concat([this.#carry, block])
    let from = 0
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, from)) {
      await this.#line(writer, bytes.subarray(from, end + 1), source, this.#offset + from)
      from = end + 1
    }
    if (bytes.length - from > LONGEST_LINE) {
      // behind a space, or else where a character begins
      let to = bytes.lastIndexOf(0x20) + 1
      if (to <= from) to = bytes.length - 1
      while (to > from && (bytes[to] & 0xc0) === 0x80) to--
      await this.#line(writer, bytes.subarray(from, to), source, this.#offset + from)
      from = to
    }
    this.#carry = Buffer.from(bytes.subarray(from))
    this.#offset += from
  }

  async endStream(): Promise<void> {
    const writer = this.#writer
    if (writer === undefined) return
    await this.#line(writer, this.#carry, '', this.#offset)
    this.#carry = Buffer.alloc(0)
    this.#offset = 0
    this.#writer = undefined
    await writer.end()
  }

  async #line(writer: BlockWriter, line: Buffer, source: string, offset: number): Promise<void> {
    if (isUtf8(line)) {
      await writer.writeText(spaced(line.toString(), this.#segmenter))
      return
    }
    // what is sound between the other bytes is cut; those make a word that the corpus leaves out
    for (let from = 0; from < line.length; ) {
      const to = soundEnd(line, from)
      if (to > from) await writer.writeText(spaced(line.toString('utf8', from, to), this.#segmenter))
      if (to < line.length) {
        if (this.#malformed === 'error') throw notUtf8(source, offset + to)
        await writer.write(line.subarray(to, to + 1))
      }
      from = to + 1
    }
  }
}

/** Where the bytes from `from` on cease to be UTF-8. */
function soundEnd(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length) {
    const size = bytes[at] < 0x80 ? 1 : bytes[at] < 0xe0 ? 2 : bytes[at] < 0xf0 ? 3 : 4
    if (!isUtf8(bytes.subarray(at, at + size))) break
    at += size
  }
  return at
}

function notUtf8(source: string, offset: number): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_ENCODING',
    `${source}: a word is not valid UTF-8 at byte ${offset}; mend the text, or pass such words over with ` +
      "malformed: 'skip' (--malformed skip)",
    { source, offset },
  )
}
