/** The engines that tests run with: both, where the addon can be loaded here; ANYVEC_TEST_ENGINE names one alone. */

import type { Engine } from '../lib/engine/engine.js'
import { engine } from '../lib/engine/load.js'

type Name = Engine['name']

function available(): Name[] {
  const only = process.env.ANYVEC_TEST_ENGINE
  if (only !== undefined) return [engine(only as Name).name]
  try {
    return [engine('native').name, 'portable']
  } catch (error) {
    process.stdout.write(`skip tests with the native engine: ${(error as Error).message}\n`)
    return ['portable']
  }
}

export const ENGINES: readonly Name[] = available()

/** Where one engine is enough, because the code under test is the same for both. */
export const AN_ENGINE: Name = ENGINES[0]
