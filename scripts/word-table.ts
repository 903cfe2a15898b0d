/**
 * Writes the table behind `tokenize: 'words'`: what each code point is to word boundaries (Unicode Standard Annex #29, table 3), and its
 * lower-case form. Both engines read the same ranges. The source is this Node's own Unicode data; run it with a newer Node to follow
 * a newer Unicode:
 *
 *     node --import tsx scripts/word-table.ts            writes both files
 *
 * A test runs `wordTable()` and compares, where Node has the Unicode version of the files.
 */

import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** The numbers of native/corpus/words.h and lib/engine/portable/words.ts; 0 breaks words, 1 is for bytes that are no UTF-8. */
const CLASSES = {
  letter: 2,
  hebrew: 3,
  numeric: 4,
  katakana: 5,
  ideograph: 6,
  connector: 7,
  extend: 8,
  midLetter: 9,
  midNumber: 10,
  midBoth: 11,
  apostrophe: 12,
  quote: 13,
  format: 14,
} as const

/** Scripts without spaces whose letters UAX #29 leaves to dictionaries (Line_Break=Complex_Context). */
const COMPLEX = ['Thai', 'Lao', 'Khmer', 'Myanmar', 'Tai_Le', 'New_Tai_Lue', 'Tai_Tham', 'Tai_Viet', 'Ahom']

const among = (list: string) => new Set(Array.from(list, (character) => character.codePointAt(0)))

const KATAKANA = among('\u3031\u3032\u3033\u3034\u3035\u309b\u309c\u30a0\u30fc\uff70')
const MID_LETTER = among(':\u00b7\u0387\u055f\u05f4\u2027\ufe13\ufe55\uff1a')
const MID_NUMBER = among(',;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b')
const MID_BOTH = among('.\u2018\u2019\u2024\ufe52\uff07\uff0e')
const ZERO_WIDTH_SPACE = 0x200b
/** Signs of Arabic and Syriac that stand before a number. */
const NUMBER_SIGN = /[\u0600-\u0605\u06dd\u0890\u0891\u08e2\u{110bd}\u{110cd}]/u
const ALSO_LETTERS =
  /[\u02c2-\u02c5\u02d2-\u02d7\u02de\u02df\u02e5-\u02eb\u02ed\u02ef-\u02ff\u055a-\u055c\u055e\u058a\u05f3\u070f\ua708-\ua716\ua720\ua721\ua789\ua78a\uab5b]/u
const COMPLEX_LETTER = new RegExp(
  `(?=\\p{Alphabetic})[${COMPLEX.map((name) => `\\p{Script=${name}}`).join('')}]`,
  'v',
)

function classOf(codePoint: number): number {
  if (codePoint === 0x27) return CLASSES.apostrophe
  if (codePoint === 0x22) return CLASSES.quote
  if (MID_LETTER.has(codePoint)) return CLASSES.midLetter
  if (MID_NUMBER.has(codePoint)) return CLASSES.midNumber
  if (MID_BOTH.has(codePoint)) return CLASSES.midBoth
  if (codePoint === ZERO_WIDTH_SPACE) return 0
  const character = String.fromCodePoint(codePoint)
  if (KATAKANA.has(codePoint)) return CLASSES.katakana
  if (NUMBER_SIGN.test(character)) return CLASSES.numeric
  if (ALSO_LETTERS.test(character)) return CLASSES.letter
  if (/[\p{Grapheme_Extend}\p{Mc}\p{Emoji_Modifier}\u200d]/u.test(character)) return CLASSES.extend
  if (/\p{Cf}/u.test(character)) return CLASSES.format
  if (/\p{Script=Katakana}/u.test(character)) return CLASSES.katakana
  if (/(?=\p{Lo})\p{Script=Hebrew}/u.test(character)) return CLASSES.hebrew
  if (/[\p{Nd}\u066b]/u.test(character)) return CLASSES.numeric
  if (/[\p{Pc}\u202f]/u.test(character)) return CLASSES.connector
  if (/\p{Ideographic}|(?=\p{Alphabetic})\p{Script=Hiragana}/u.test(character)) return CLASSES.ideograph
  if (COMPLEX_LETTER.test(character) || /\p{Alphabetic}/u.test(character)) return CLASSES.letter
  return 0
}

/** `from, to, class` for every run of code points of one class. */
function classRanges(): number[][] {
  const ranges: number[][] = []
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    const kind = codePoint >= 0xd800 && codePoint < 0xe000 ? 0 : classOf(codePoint)
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === codePoint - 1 && last[2] === kind) last[1] = codePoint
    else if (kind !== 0) ranges.push([codePoint, codePoint, kind])
  }
  return ranges
}

/**
 * `from, to, step, distance`: code points from .. to, each `step`-th one, whose lower-case form lies `distance` further. The one
 * lower-case form of two code points, that of U+0130, has a line of code in both engines.
 */
function lowerRanges(): number[][] {
  const ranges: number[][] = []
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    if (codePoint >= 0xd800 && codePoint < 0xe000) continue
    const lower = String.fromCodePoint(codePoint).toLowerCase()
    const target = lower.codePointAt(0)!
    if (target === codePoint || lower.length > String.fromCodePoint(target).length) continue
    const distance = target - codePoint
    const last = ranges.at(-1)
    const step = last === undefined ? 0 : codePoint - last[1]
    if (
      last !== undefined &&
      last[3] === distance &&
      step <= 2 &&
      (last[0] === last[1] || last[2] === step)
    ) {
      last[1] = codePoint
      last[2] = step
    } else {
      ranges.push([codePoint, codePoint, 1, distance])
    }
  }
  return ranges
}

/** Numbers of ranges, as short as they can be written. */
const written = (ranges: readonly number[][], hexadecimal: number) =>
  ranges.map((range) =>
    range.map((number, i) => (i < hexadecimal ? `0x${number.toString(16)}` : String(number))).join(', '),
  )

/** Joins items to lines of at most 120 characters. */
function lines(items: readonly string[]): string {
  const made: string[] = []
  let line = ' '
  for (const item of items) {
    if (line.length + item.length + 2 > 120) {
      made.push(line)
      line = ' '
    }
    line += ` ${item},`
  }
  return [...made, line].join('\n')
}

/** The two files, by their paths from the repository. */
export function wordTable(): Readonly<Record<string, string>> {
  const classes = written(classRanges(), 2)
  const lower = written(lowerRanges(), 2)
  const unicode = process.versions.unicode
  const made = `// Made by scripts/word-table.ts from Unicode ${unicode}; not to be edited.\n`
  return {
    'native/corpus/word_ranges.inc':
      `${made}// clang-format off\n#pragma once\n\n` +
      `inline constexpr ClassRange kClassRanges[] = {\n${lines(classes.map((range) => `{${range}}`))}\n};\n\n` +
      `inline constexpr LowerRange kLowerRanges[] = {\n${lines(lower.map((range) => `{${range}}`))}\n};\n`,
    'lib/engine/portable/word-ranges.ts':
      `${made}// biome-ignore-all format: a table\n\nexport const UNICODE = '${unicode}'\n\n` +
      `/** from, to, class */\nexport const CLASS_RANGES: readonly number[] = [\n${lines(classes)}\n]\n\n` +
      `/** from, to, step, distance */\nexport const LOWER_RANGES: readonly number[] = [\n${lines(lower)}\n]\n`,
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [path, content] of Object.entries(wordTable())) writeFileSync(join(root, path), content)
}
