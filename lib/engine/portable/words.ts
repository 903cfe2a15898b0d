/**
 * Raw text into words: the word boundaries of Unicode Standard Annex #29, lower case, and everything else left out, as
 * native/corpus/words.cpp does it. docs/sources.md says it in full.
 */

import type { ErrorCode } from '../../errors.js'
import { MAX_KEY_BYTES } from '../engine.js'
import { CLASS_RANGES, LOWER_RANGES } from './word-ranges.js'

/** What a character is to a word's boundaries; scripts/word-table.ts has the same numbers. */
const OTHER = 0
/** A byte that is no UTF-8, or NUL. */
const BROKEN = 1
const LETTER = 2
const HEBREW = 3
const NUMERIC = 4
const KATAKANA = 5
const IDEOGRAPH = 6
const CONNECTOR = 7
const EXTEND = 8
const MID_LETTER = 9
const MID_NUMBER = 10
const MID_BOTH = 11
const APOSTROPHE = 12
const QUOTE = 13
const FORMAT = 14
const CLASS_BITS = 15
const HAS_LOWER = 0x80

const CAPITAL_SIGMA = 0x3a3
const CAPITAL_DOTTED_I = 0x130
/** In UTF-8, two bytes as the capital one. */
const FINAL_SIGMA = [0xcf, 0x82]
const LOWER_DOTTED_I = [0x69, 0xcc, 0x87]

const bits = (...kinds: readonly number[]) => kinds.reduce((set, kind) => set | (1 << kind), 0)
const LETTERS = bits(LETTER, HEBREW)
const BEGINS = LETTERS | bits(NUMERIC, KATAKANA, IDEOGRAPH, CONNECTOR, BROKEN)
const ALPHANUMERIC = LETTERS | bits(NUMERIC, CONNECTOR, BROKEN)
/** Rules 5, 8-10, 13, 13a and 13b: what may follow a class within a word. A broken byte belongs to the word that it touches. */
const JOINS = new Uint16Array(16)
JOINS.set([0, BEGINS, ALPHANUMERIC, ALPHANUMERIC, ALPHANUMERIC])
JOINS[KATAKANA] = bits(KATAKANA, CONNECTOR, BROKEN)
JOINS[IDEOGRAPH] = bits(BROKEN)
JOINS[CONNECTOR] = ALPHANUMERIC | bits(KATAKANA)
const MIDDLES = bits(MID_LETTER, MID_NUMBER, MID_BOTH, APOSTROPHE, QUOTE)

/** Whether `middle` between `before` and `after` is part of a word (rules 6, 7, 7b, 7c, 11 and 12). */
function bridges(before: number, middle: number, after: number): boolean {
  if (before === NUMERIC) {
    return after === NUMERIC && (middle === MID_NUMBER || middle === MID_BOTH || middle === APOSTROPHE)
  }
  if (before !== LETTER && before !== HEBREW) return false
  if (middle === QUOTE) return before === HEBREW && after === HEBREW
  const letter = after === LETTER || after === HEBREW
  return letter && (middle === MID_LETTER || middle === MID_BOTH || middle === APOSTROPHE)
}

let classes: Uint8Array | undefined

/** A byte a code point, made when it is first needed. */
function classTable(): Uint8Array {
  if (classes !== undefined) return classes
  classes = new Uint8Array(0x110000)
  for (let i = 0; i < CLASS_RANGES.length; i += 3) {
    classes.fill(CLASS_RANGES[i + 2], CLASS_RANGES[i], CLASS_RANGES[i + 1] + 1)
  }
  classes[0] = BROKEN
  for (let i = 0; i < LOWER_RANGES.length; i += 4) {
    for (let code = LOWER_RANGES[i]; code <= LOWER_RANGES[i + 1]; code += LOWER_RANGES[i + 2]) {
      classes[code] |= HAS_LOWER
    }
  }
  classes[CAPITAL_DOTTED_I] |= HAS_LOWER
  return classes
}

function lower(code: number): number {
  let low = 0
  let high = LOWER_RANGES.length / 4
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (LOWER_RANGES[4 * middle] <= code) low = middle
    else high = middle
  }
  return code + LOWER_RANGES[4 * low + 3]
}

/** Plain letters and digits, which go together whatever stands before them: what they become, 0 for all other bytes. */
function plainTable(lowercase: boolean): Uint8Array {
  const plain = new Uint8Array(256)
  for (let c = 0x30; c <= 0x39; c++) plain[c] = c
  for (let c = 0x61; c <= 0x7a; c++) {
    plain[c] = c
    plain[c - 32] = lowercase ? c : c - 32
  }
  return plain
}

/** Told of every word that is left out because it is not sound: where it begins, and why. */
export type WordFault = (offset: number, code: ErrorCode, what: string) => void

export const TOO_LONG = `a word of more than ${MAX_KEY_BYTES} bytes`

/** A text is cut in as many calls as one likes; a word that is too long for a call's text is carried over as its state. */
export class WordCutter {
  readonly #lowercase: boolean
  readonly #segmented: boolean
  readonly #plain: Uint8Array
  readonly #classes = classTable()
  #out = new Uint8Array(0)
  /** A word that is too long goes on: what stands before the next byte. 0 outside of such a word. */
  #inside = 0
  // the character that `#decode` found; size 0: cut off by the end of the text
  #code = 0
  #size = 0
  #kind = 0

  constructor(lowercase: boolean, segmented: boolean) {
    this.#lowercase = lowercase
    this.#segmented = segmented
    this.#plain = plainTable(lowercase)
  }

  /**
   * The words of `text`, a space behind each, and an LF for every line end; valid until the next call. Where `last` is false a
   * word that may go on behind the text is left for the next call: `used` says how much of the text is done with.
   */
  cut(
    text: Uint8Array,
    last: boolean,
    fault: WordFault,
  ): { readonly words: Uint8Array; readonly used: number } {
    const end = text.length
    // A byte makes at most a space and, where lower case is longer (U+0130, U+023A), one and a half bytes.
    const most = Math.ceil(end * 2.5) + 8
    if (this.#out.length < most) this.#out = new Uint8Array(most)
    const out = this.#out
    const plain = this.#plain
    let to = 0
    let at = 0
    for (;;) {
      let before = this.#inside
      if (before === 0) {
        // between words
        if (at === end) break
        const byte = text[at]
        if (plain[byte] === 0) {
          if (byte === 0x0a) out[to++] = 0x0a
          this.#decode(text, at)
          if (this.#size === 0 && !last) break
          if (((BEGINS >> this.#kind) & 1) === 0) {
            at += this.#size
            continue
          }
        }
      }

      // a word, or the rest of one that is too long
      const start = at
      const word = to
      const passedOver = before !== 0
      let sound = true
      let isWord = false
      let whole = true
      // a capital sigma that ends the word so far
      let sigma = -1
      for (;;) {
        const run = at
        if (
          before === 0 ||
          before === LETTER ||
          before === HEBREW ||
          before === NUMERIC ||
          before === CONNECTOR
        ) {
          for (let become = plain[text[at]]; at < end && become !== 0; become = plain[text[at]]) {
            out[to++] = become
            at++
          }
        }
        if (at > run) {
          before = text[at - 1] <= 0x39 ? NUMERIC : LETTER
          isWord = true
          sigma = -1
        }
        if (at === end) {
          whole = last
          break
        }
        this.#decode(text, at)
        if (this.#size === 0) {
          if (!last) {
            whole = false
            break
          }
          this.#size = 1
        }
        const kind = this.#kind
        if (kind === FORMAT) {
          at += this.#size
          continue
        }
        if (kind === EXTEND || before === 0 || ((JOINS[before] >> kind) & 1) === 1) {
          if (kind !== EXTEND) sigma = -1
          if (this.#lowercase && (this.#classes[this.#code] & HAS_LOWER) !== 0) {
            if (this.#code === CAPITAL_SIGMA && isWord) sigma = to
            to = this.#writeLower(this.#code, to)
          } else {
            for (let i = 0; i < this.#size; i++) out[to++] = text[at + i]
          }
          at += this.#size
          if (kind === BROKEN) sound = false
          if (kind !== EXTEND) {
            before = kind
            isWord ||= kind !== CONNECTOR && kind !== BROKEN
          }
          continue
        }
        if (((MIDDLES >> kind) & 1) === 0) break
        // rules 6, 7, 11, 12: what stands behind it decides
        let behind = at + this.#size
        let after = OTHER
        for (;;) {
          if (behind < end) this.#decode(text, behind)
          if (behind === end || this.#size === 0) {
            whole = last
            break
          }
          after = this.#kind
          if (after !== EXTEND && after !== FORMAT) break
          behind += this.#size
        }
        if (!whole) break
        const joined = bridges(before, kind, after)
        // rule 7a: a Hebrew letter keeps an apostrophe behind it
        if (!joined && !(before === HEBREW && kind === APOSTROPHE)) break
        // what extends the sign is part of the word as well
        while (at < behind) {
          this.#decode(text, at)
          if (this.#kind === FORMAT) {
            at += this.#size
            continue
          }
          for (let i = 0; i < this.#size; i++) out[to++] = text[at++]
        }
        if (!joined) break
      }

      if (!whole) {
        const length = to - word
        to = word
        if (!passedOver && at - start <= MAX_KEY_BYTES && length <= MAX_KEY_BYTES) {
          at = start
          break
        }
        // It is too long whatever follows: it need not be kept.
        if (!passedOver) fault(start, 'ERR_ANYVEC_KEY_LENGTH', TOO_LONG)
        this.#inside = before
        break
      }
      this.#inside = 0
      if (passedOver || (sound && !isWord)) {
        to = word
      } else if (at - start > MAX_KEY_BYTES || to - word > MAX_KEY_BYTES) {
        fault(start, 'ERR_ANYVEC_KEY_LENGTH', TOO_LONG)
        to = word
      } else if (!sound) {
        const nul = text.subarray(start, at).includes(0)
        fault(start, 'ERR_ANYVEC_ENCODING', nul ? 'a word holds a NUL byte' : 'a word is not valid UTF-8')
        to = word
      } else {
        if (sigma >= 0) out.set(FINAL_SIGMA, sigma)
        out[to++] = 0x20
      }
    }
    return { words: out.subarray(0, to), used: at }
  }

  /** Strictly (utf8.ts has the rules); a byte that begins no character is BROKEN and one byte long. */
  #decode(text: Uint8Array, at: number): void {
    const lead = text[at]
    this.#code = 0
    this.#size = 1
    this.#kind = BROKEN
    if (lead < 0x80) {
      this.#found(lead, 1)
      return
    }
    let more: number
    let code: number
    let low = 0x80
    let high = 0xbf
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1
      code = lead & 0x1f
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2
      code = lead & 0x0f
      if (lead === 0xe0) low = 0xa0
      if (lead === 0xed) high = 0x9f
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3
      code = lead & 0x07
      if (lead === 0xf0) low = 0x90
      if (lead === 0xf4) high = 0x8f
    } else {
      return
    }
    for (let i = 1; i <= more; i++) {
      if (at + i === text.length) {
        this.#size = 0
        return
      }
      const byte = text[at + i]
      if (byte < low || byte > high) return
      low = 0x80
      high = 0xbf
      code = (code << 6) | (byte & 0x3f)
    }
    this.#found(code, more + 1)
  }

  #found(code: number, size: number): void {
    const kind = this.#classes[code] & CLASS_BITS
    this.#code = code
    this.#size = size
    this.#kind = this.#segmented && (kind === IDEOGRAPH || kind === KATAKANA) ? LETTER : kind
  }

  /** Writes the lower-case form of a character and answers where it ends. */
  #writeLower(code: number, at: number): number {
    const out = this.#out
    if (code === CAPITAL_DOTTED_I) {
      out.set(LOWER_DOTTED_I, at)
      return at + LOWER_DOTTED_I.length
    }
    const small = lower(code)
    let to = at
    if (small < 0x80) {
      out[to++] = small
    } else if (small < 0x800) {
      out[to++] = 0xc0 | (small >> 6)
      out[to++] = 0x80 | (small & 0x3f)
    } else if (small < 0x10000) {
      out[to++] = 0xe0 | (small >> 12)
      out[to++] = 0x80 | ((small >> 6) & 0x3f)
      out[to++] = 0x80 | (small & 0x3f)
    } else {
      out[to++] = 0xf0 | (small >> 18)
      out[to++] = 0x80 | ((small >> 12) & 0x3f)
      out[to++] = 0x80 | ((small >> 6) & 0x3f)
      out[to++] = 0x80 | (small & 0x3f)
    }
    return to
  }
}
