/**
 * Tables of options: what a caller may say, checked in one way everywhere.
 *
 * A table is the one owner of an option's name, range, unit and meaning; validation and the command line's flags both
 * read it.
 */

import { nearestSpelling } from '../embedding/spelling.js'
import { AnyvecError } from '../errors.js'

/** What kind of value an option takes. */
export type OptionType =
  | 'integer'
  | 'number'
  | 'boolean'
  | 'choice'
  | 'path'
  | 'column'
  | 'callback'
  | 'signal'
  | 'object'

/** One option: everything that checking it, documenting it and making a flag of it needs. */
export interface OptionSpec {
  readonly name: string
  readonly type: OptionType
  /** The smallest value, for numbers. */
  readonly min?: number
  /** The largest value, for numbers. */
  readonly max?: number
  /** `min` itself is out of range. */
  readonly aboveMin?: boolean
  /** The values of a choice. */
  readonly choices?: readonly string[]
  readonly unit?: string
  /** One sentence for help texts. */
  readonly doc: string
}

/**
 * Checks what a caller passed against a table and fills in the defaults; `undefined` counts as not given.
 *
 * Errors: ERR_ANYVEC_OPTION for something that is no object, an unknown name (the message names the nearest right
 * one), or a value of the wrong type or out of range.
 */
export function resolveOptions<T extends object>(
  specs: readonly OptionSpec[],
  given: object | undefined,
  defaults: T,
): T {
  if (given === undefined) return { ...defaults }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new AnyvecError(
      'ERR_ANYVEC_OPTION',
      `Expected options to be an object but received ${received(given)}`,
      {
        received: given,
      },
    )
  }
  const resolved = { ...defaults } as Record<string, unknown>
  for (const [name, value] of Object.entries(given)) {
    const spec = specs.find((candidate) => candidate.name === name)
    if (spec === undefined) throw unknownOption(name, specs)
    if (value === undefined) continue
    if (!accepts(spec, value)) throw invalidOption(spec, value)
    resolved[name] = value
  }
  return resolved as T
}

/** What a value must be, as a message says it: `a whole number from 1 to 4096`. */
export function expectation(spec: OptionSpec): string {
  switch (spec.type) {
    case 'integer':
      return `a whole number ${range(spec)}`
    case 'number':
      return `a number ${range(spec)}`
    case 'boolean':
      return 'true or false'
    case 'choice':
      return `one of ${(spec.choices ?? []).map((choice) => `'${choice}'`).join(', ')}`
    case 'path':
      return 'the path of a folder'
    case 'column':
      return "a column's name, or its number from 1"
    case 'callback':
      return 'a function'
    case 'signal':
      return 'an AbortSignal'
    case 'object':
      return 'an object'
  }
}

/** The error for a value that its option does not take. */
export function invalidOption(spec: OptionSpec, value: unknown): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_OPTION',
    `Expected "${spec.name}" to be ${expectation(spec)} but received ${received(value)}`,
    { option: spec.name, received: value },
  )
}

/** A value and its type as a message shows them: `0 (number)`. */
export function received(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'undefined'
  if (typeof value === 'string') {
    return `${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)} (string)`
  }
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return `an object (${value.constructor?.name ?? 'without a class'})`
  if (typeof value === 'function') return 'a function'
  return `${String(value)} (${typeof value})`
}

function accepts(spec: OptionSpec, value: unknown): boolean {
  switch (spec.type) {
    case 'integer':
      return Number.isSafeInteger(value) && inRange(spec, value as number)
    case 'number':
      return Number.isFinite(value) && inRange(spec, value as number)
    case 'boolean':
      return typeof value === 'boolean'
    case 'choice':
      return typeof value === 'string' && (spec.choices ?? []).includes(value)
    case 'path':
      return typeof value === 'string' && value !== '' && !value.includes('\0')
    case 'column':
      return typeof value === 'string' ? value !== '' : Number.isSafeInteger(value) && (value as number) >= 1
    case 'callback':
      return typeof value === 'function'
    case 'signal':
      return value instanceof AbortSignal
    case 'object':
      return typeof value === 'object' && value !== null
  }
}

function inRange({ min = -Infinity, max = Infinity, aboveMin = false }: OptionSpec, value: number): boolean {
  return (aboveMin ? value > min : value >= min) && value <= max
}

function range({ min, max, aboveMin, unit }: OptionSpec): string {
  const suffix = unit === undefined ? '' : ` (${unit})`
  if (aboveMin === true) return `above ${min} and at most ${max}${suffix}`
  return max === Number.MAX_SAFE_INTEGER && min !== 0
    ? `>= ${min}${suffix}`
    : `from ${min} to ${max === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : max}${suffix}`
}

function unknownOption(name: string, specs: readonly OptionSpec[]): AnyvecError {
  const names = specs.map((spec) => spec.name)
  const near = nearestSpelling(name, names, 3)
  const advice = near === undefined ? `the options are ${names.join(', ')}` : `did you mean "${near}"?`
  return new AnyvecError('ERR_ANYVEC_OPTION', `There is no option "${name}"; ${advice}`, {
    option: name,
    ...(near === undefined ? {} : { nearest: near }),
  })
}
