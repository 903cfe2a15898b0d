/** Filters: which keys can be answers, as one bit a key. */

import type { Keys } from '../embedding/keys.js'
import { AnyvecError } from '../errors.js'
import { received } from '../train/specs.js'
import { type AttributeRow, type Column, rowView } from './attributes.js'

/** Rules that keys must keep to be answers: all of those that are given. */
export interface FilterRules {
  /** Only these keys. */
  readonly only?: Iterable<string> | undefined
  /** All but these keys. */
  readonly except?: Iterable<string> | undefined
  /**
   * Only keys for which it answers true. It sees `key` and the attributes; the row is valid during the call alone. A throw rejects the
   * search with what was thrown.
   */
  readonly where?: ((row: AttributeRow) => boolean) | undefined
}

/**
 * A set of keys of one embedding, ready to be used in any number of searches. `Embedding.filter` makes one.
 *
 * @example
 * words.attach('length', [...words.keys].map((key) => key.length))
 * const short = await words.filter({ where: ({ length }) => Number(length) <= 4 })
 * await words.nearest('apple', { filter: short })
 */
export class KeyFilter {
  /** How many keys it lets through. */
  readonly size: number
  /** The keys it was made for. */
  readonly keys: Keys
  /** Row `r` is bit `r % 32` of word `r / 32`: not to be written to. */
  readonly words: Uint32Array

  /** Made by `Embedding.filter`; there is no reason to call it. */
  constructor(keys: Keys, words: Uint32Array) {
    this.keys = keys
    this.words = words
    this.size = words.reduce((sum, word) => sum + bitsOf(word), 0)
  }

  /** Whether a key may be an answer. */
  has(key: string): boolean {
    const id = this.keys.id(key)
    return id !== undefined && (this.words[id >>> 5] & (1 << (id & 31))) !== 0
  }
}

/** Rows that a predicate looks at between two pauses: about 2 ms. */
const STEP = 2 ** 13

/**
 * A filter by rules. Errors: ERR_ANYVEC_UNKNOWN_KEY for a key of `only` or `except`; ERR_ANYVEC_USAGE for what is no rule.
 */
export async function filterOf(
  keys: Keys,
  columns: ReadonlyMap<string, Column>,
  rules: FilterRules,
  pause: () => Promise<void>,
): Promise<KeyFilter> {
  for (const name of Object.keys(rules))
    if (name !== 'only' && name !== 'except' && name !== 'where') throw notAFilter(rules)
  const { only, except, where } = rules
  const words = new Uint32Array(Math.ceil(keys.size / 32))
  if (only === undefined) words.fill(0xffffffff)
  for (const key of list(only, rules)) set(words, keys.require(key))
  for (const key of list(except, rules)) {
    const id = keys.require(key)
    words[id >>> 5] &= ~(1 << (id & 31))
  }
  if (where !== undefined) {
    if (typeof where !== 'function') throw notAFilter(rules)
    const { view, moveTo } = rowView((row) => keys.at(row) as string, columns)
    for (let row = 0; row < keys.size; row++) {
      if (row % STEP === STEP - 1) await pause()
      const bit = 1 << (row & 31)
      if ((words[row >>> 5] & bit) === 0) continue
      moveTo(row)
      if (!where(view)) words[row >>> 5] &= ~bit
    }
  }
  // no bit stands for no key
  if (keys.size % 32 !== 0) words[words.length - 1] &= (1 << (keys.size % 32)) - 1
  return new KeyFilter(keys, words)
}

function list(keys: Iterable<string> | undefined, rules: unknown): Iterable<string> {
  if (keys === undefined) return []
  // a string is iterable too, and never what is meant
  if (typeof keys === 'string' || typeof keys?.[Symbol.iterator] !== 'function') throw notAFilter(rules)
  const all = [...keys]
  if (all.some((key) => typeof key !== 'string')) throw notAFilter(rules)
  return all
}

function set(words: Uint32Array, id: number): void {
  words[id >>> 5] |= 1 << (id & 31)
}

function bitsOf(word: number): number {
  let bits = 0
  for (let rest = word; rest !== 0; rest &= rest - 1) bits++
  return bits
}

function notAFilter(given: unknown): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_USAGE',
    `Expected a filter to be { only, except, where } with lists of keys and a function, or what filter() answered, but received ${received(given)}`,
    { received: given },
  )
}
