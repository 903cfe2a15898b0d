/** Ctrl-C during long work. */

import { Interrupted } from './failure.js'

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Runs work that a first SIGINT or SIGTERM aborts cleanly, through its signal; a second one ends the process
 * at once. Work that was interrupted rejects with `Interrupted`.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const stop = (name: keyof typeof EXIT_CODES) => {
    if (controller.signal.aborted) process.exit(EXIT_CODES[name])
    controller.abort(new Interrupted(EXIT_CODES[name]))
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}
