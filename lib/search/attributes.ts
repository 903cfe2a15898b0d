/** Attributes: columns of numbers or strings that belong to keys, for filters to look at. */

import { KeyBytesWriter, offsetAt, offsetWords } from '../embedding/key-bytes.js'
import type { KeyBytes } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import { received } from '../train/specs.js'

/** What an attribute says of one key. */
export type AttributeValue = number | string

/** One value a key; strings stay as UTF-8 and are decoded one at a time. */
export type Column = NumberColumn | StringColumn

export class NumberColumn {
  constructor(readonly values: Float64Array) {}

  get size(): number {
    return this.values.length
  }

  at(row: number): number {
    return this.values[row]
  }
}

export class StringColumn {
  readonly #words: Uint32Array
  readonly #text: Buffer

  constructor(readonly source: KeyBytes) {
    this.#words = offsetWords(source.offsets)
    this.#text = Buffer.from(source.bytes.buffer, source.bytes.byteOffset, source.bytes.byteLength)
  }

  get size(): number {
    return this.source.offsets.length - 1
  }

  at(row: number): string {
    return this.#text.toString('utf8', offsetAt(this.#words, row), offsetAt(this.#words, row + 1))
  }
}

/** Names of attributes: what can be the name of a tensor and of a property. */
const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/

export function validName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name)
}

/**
 * A column of values, one a key. Errors: ERR_ANYVEC_USAGE for a name that is no name, a wrong number of values, or values that are not
 * all numbers or all strings.
 */
export function columnOf(name: string, values: ArrayLike<AttributeValue>, size: number): Column {
  if (!validName(name)) {
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      `Expected an attribute's name to be letters, digits, _ and -, at most 64, not beginning with a digit, but received ${received(name)}`,
      { name },
    )
  }
  if (typeof values !== 'object' || values === null || values.length !== size) {
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      `Expected the attribute ${JSON.stringify(name)} to have ${size} values, one a key, but received ${values?.length ?? received(values)}`,
      { name, expected: size, received: values?.length },
    )
  }
  const type = typeof values[0]
  for (let i = 0; i < size; i++) {
    if (typeof values[i] !== type || (type !== 'number' && type !== 'string')) {
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        `Expected the values of ${JSON.stringify(name)} to be all numbers or all strings, but value ${i} is ${received(values[i])}`,
        { name, index: i },
      )
    }
  }
  if (type === 'number') return new NumberColumn(Float64Array.from(values as ArrayLike<number>))
  const writer = new KeyBytesWriter(size, 8 * size)
  for (let i = 0; i < size; i++) writer.add(Buffer.from(values[i] as string))
  return new StringColumn(writer.finish())
}

/** What a predicate sees of a key: `key`, and each attribute under its name. Valid during the call alone. */
export type AttributeRow = { readonly key: string } & Readonly<Record<string, AttributeValue>>

/** One object that shows row after row: making one for each of a million keys would take longer than looking at it. */
export function rowView(
  keyOf: (row: number) => string,
  columns: ReadonlyMap<string, Column>,
): { readonly view: AttributeRow; moveTo(row: number): void } {
  let at = 0
  const view = Object.create(null) as AttributeRow
  for (const [name, column] of columns)
    Object.defineProperty(view, name, { enumerable: true, get: () => column.at(at) })
  Object.defineProperty(view, 'key', { enumerable: true, get: () => keyOf(at) })
  return {
    view,
    moveTo: (row) => {
      at = row
    },
  }
}
