/** Is the output fit to be written? Asked before hours of training, not after. */

import { realpath } from 'node:fs/promises'
import { checkDestination } from '../formats/save.js'
import { UsageError } from './failure.js'

/**
 * Errors: ERR_ANYVEC_OPTION for an extension that stands for no format; ERR_ANYVEC_OUTPUT when the file
 * cannot be written; `UsageError` when it is one of the inputs.
 */
export async function checkOutput(output: string, inputs: readonly string[]): Promise<void> {
  const { path } = await checkDestination(output)
  for (const input of inputs) {
    if ((await realpath(input).catch(() => undefined)) === path) {
      throw new UsageError(`the output ${output} is also an input, which would be lost; name another output`)
    }
  }
}
