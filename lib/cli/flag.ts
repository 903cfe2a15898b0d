/** Flags made from the tables of options, so that a range, a choice or a sentence of help has one owner. */

import { InvalidArgumentError, Option } from 'commander'
import { AnyvecError } from '../index.js'
import { expectation, type OptionSpec, resolveOptions } from '../train/specs.js'

/** What stands for an option's value in the help. */
const PLACEHOLDERS = {
  integer: 'n',
  number: 'x',
  boolean: 'yes|no',
  choice: 'name',
  path: 'folder',
  column: 'column',
  callback: '',
  signal: '',
  object: '',
} as const

/** `learningRate` is `--learning-rate`. */
export function flagName(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/**
 * The flag of an option, checked while the command line is read: before any file is. `defaultValue` is what
 * the library takes when it is not told, and is shown in the help; nothing is passed on for it.
 */
export function flagOf(spec: OptionSpec, defaultValue: unknown, name = flagName(spec.name)): Option {
  const shown = defaultValue === undefined ? spec.doc : `${spec.doc} (default: ${String(defaultValue)})`
  const option = new Option(
    `${name} <${spec.unit ?? spec.choices?.join('|') ?? PLACEHOLDERS[spec.type]}>`,
    shown,
  )
  return option.argParser((given: string) => {
    const value = parse(spec, given)
    try {
      resolveOptions([spec], { [spec.name]: value }, {})
    } catch (error) {
      if (!(error instanceof AnyvecError)) throw error
      throw new InvalidArgumentError(`Expected ${expectation(spec)}.`)
    }
    return value
  })
}

/** What a word of the command line says; NaN, which no option takes, where it is no number. */
function parse({ type }: OptionSpec, given: string): unknown {
  // digits alone are a number, and count columns from 1
  if (type === 'column') return /^\d+$/.test(given) ? Number(given) : given
  if (type === 'boolean') return given === 'yes' ? true : given === 'no' ? false : given
  if (type !== 'integer' && type !== 'number') return given
  // Number('') is 0, and Number('0x10') is 16: neither is what anyone means
  return /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?\s*$/i.test(given) ? Number(given) : Number.NaN
}

/** Options that no command line can say. */
export function isFlag({ type }: OptionSpec): boolean {
  return type !== 'callback' && type !== 'signal' && type !== 'object'
}
