/** The version of this package, which models remember. */

import { readFileSync } from 'node:fs'

/** As package.json has it; lib/ and dist/ both stand one folder below it. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version
