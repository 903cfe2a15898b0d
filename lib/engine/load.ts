/** Which engine does the work. */

import { AnyvecError } from '../errors.js'
import type { Engine } from './engine.js'
import { loadNativeEngine } from './native.js'
import { createPortableEngine } from './portable/portable.js'

/** `auto` is native, and portable with one warning where the addon cannot load. */
export type EngineChoice = 'auto' | 'native' | 'portable'

const loaded = new Map<EngineChoice, Engine>()

/**
 * The engine for a choice; the same object every time.
 *
 * Errors: ERR_ANYVEC_OPTION for an unknown choice, ERR_ANYVEC_ENGINE for `native` where the addon cannot load.
 */
export function engine(choice: EngineChoice): Engine {
  let found = loaded.get(choice)
  if (found === undefined) {
    found = load(choice)
    loaded.set(choice, found)
  }
  return found
}

function load(choice: EngineChoice): Engine {
  switch (choice) {
    case 'native':
      return loadNativeEngine()
    case 'portable':
      return createPortableEngine()
    case 'auto':
      try {
        return engine('native')
      } catch (error) {
        warn(error)
        return engine('portable')
      }
    default:
      throw new AnyvecError(
        'ERR_ANYVEC_OPTION',
        `Expected "engine" to be one of 'auto', 'native', 'portable' but received ${String(choice)} (${typeof choice})`,
        { option: 'engine', received: choice },
      )
  }
}

/** The engine is cached, so this is said once a process. */
function warn(cause: unknown): void {
  const reason = (cause instanceof Error ? cause.message : String(cause)).trim().replace(/\.$/, '')
  process.emitWarning(
    'anyvec works with its portable engine, which is many times slower than the native one',
    {
      type: 'AnyvecWarning',
      code: 'ANYVEC_PORTABLE_ENGINE',
      detail: `Reason: ${reason}. Choose engine: 'portable' to accept this without a warning.`,
    },
  )
}
