/** From an error to one line on stderr and an exit code: 0 done, 1 failed, 2 wrong usage. */

import { debuglog } from 'node:util'
import { CommanderError } from 'commander'
import { AnyvecError, type ErrorCode } from '../index.js'

/** A command line that cannot be meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The user pressed Ctrl-C, or the system asked us to stop. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'

  constructor(readonly exitCode: number) {
    super('stopped; no file was changed')
  }
}

/** Codes that tell of a mistake in the command itself rather than in the data or the machine. */
const USAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['ERR_ANYVEC_OPTION', 'ERR_ANYVEC_USAGE'])

/** What commander throws after it has printed what it wanted to. */
const PRINTED = {
  'commander.help': true,
  'commander.helpDisplayed': true,
  'commander.version': true,
}

/** Stack traces are for us: NODE_DEBUG=anyvec shows them. */
const debug = debuglog('anyvec')

/** Prints what went wrong (`command` is for example `anyvec train`) and answers the exit code. */
export function report(error: unknown, command: string): number {
  debug('%s', error instanceof Error ? error.stack : error)
  // Commander has printed help and the version by itself.
  if (error instanceof CommanderError && error.code in PRINTED) return error.exitCode === 0 ? 0 : 2
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof UsageError || error instanceof CommanderError) {
    printLine(`${command}: ${message.replace(/^error: /, '').replace(/\.$/, '')}; see ${command} --help`)
    return 2
  }
  if (error instanceof Interrupted) {
    printLine(`${command}: ${message}`)
    return error.exitCode
  }
  if (error instanceof AnyvecError) {
    printLine(`${command}: ${message} (${error.code})`)
    return USAGE.has(error.code) ? 2 : 1
  }
  // The system's own errors (a failed write to stdout, say) explain themselves; anything else is our mistake.
  const ours = !(error instanceof Error && 'syscall' in error)
  const advice = '; this is a defect in anyvec: please report it with what NODE_DEBUG=anyvec prints'
  printLine(`${command}: ${message}${ours ? advice : ''}`)
  return 1
}

/** One line, whatever the message holds. */
function printLine(text: string): void {
  process.stderr.write(`${text.replace(/\s*\n\s*/g, ' ')}\n`)
}
