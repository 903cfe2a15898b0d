/** How text is read: the options that `text` and `documents` share. */

import type { Tokenize } from '../engine/engine.js'
import { type OptionSpec, resolveOptions } from '../train/specs.js'
import { isLanguage, type Language, LANGUAGES } from './segment.js'

/** How text is cut into words. */
export type TokenizeChoice = 'spaces' | 'words' | Language

/** How to read text. */
export interface TextOptions {
  /**
   * How text is cut into words. `spaces`: at white space alone, for text that is cut already. `words`: by Unicode's rules (UAX #29)
   * without punctuation; each Han character is a word. `chinese`, `japanese`, `thai`: the same, with dictionaries for the scripts
   * that have no spaces. Default: `spaces` for `text`, `words` for `documents`.
   */
  readonly tokenize?: TokenizeChoice | undefined
  /** Makes all words lower-case, by Unicode's rules. Default: false with `tokenize: 'spaces'`, else true. */
  readonly lowercase?: boolean | undefined
  /**
   * What to do with a word that is not UTF-8, holds a NUL, or is longer than 16,384 bytes: `error`, or `skip` it and
   * count it in the report. Default: `error`.
   */
  readonly malformed?: 'error' | 'skip' | undefined
}

export interface RawTextSettings {
  readonly tokenize: TokenizeChoice
  readonly lowercase: boolean
  readonly malformed: 'error' | 'skip'
}

export const TOKENIZE: OptionSpec = {
  name: 'tokenize',
  type: 'choice',
  choices: ['spaces', 'words', ...LANGUAGES],
  doc: 'how text is cut into words',
}
export const LOWERCASE: OptionSpec = { name: 'lowercase', type: 'boolean', doc: 'make all words lower-case' }
export const MALFORMED: OptionSpec = {
  name: 'malformed',
  type: 'choice',
  choices: ['error', 'skip'],
  doc: 'what to do with what is not sound: stop, or leave it out and count it',
}

/** Checks the options of a text and fills in the defaults. Errors: ERR_ANYVEC_OPTION. */
export function rawTextSettings(
  options: TextOptions | undefined,
  { tokenize }: Pick<RawTextSettings, 'tokenize'>,
): RawTextSettings {
  const given = resolveOptions<TextOptions & Pick<RawTextSettings, 'tokenize' | 'malformed'>>(
    [TOKENIZE, LOWERCASE, MALFORMED],
    options,
    { tokenize, malformed: 'error' },
  )
  return {
    tokenize: given.tokenize,
    lowercase: given.lowercase ?? given.tokenize !== 'spaces',
    malformed: given.malformed,
  }
}

/** What is left to the corpus once a language's segmenter has put spaces between words. */
export function corpusTokenize(tokenize: TokenizeChoice): Tokenize {
  return isLanguage(tokenize) ? 'segmented' : tokenize
}
