/** The command `anyvec`: its subcommands, and how usage errors look. */

import { Command } from 'commander'
import { VERSION } from '../version.js'
import { addAnalogy } from './analogy.js'
import { addConvert } from './convert.js'
import { addEvaluate } from './evaluate.js'
import { report } from './failure.js'
import { addInfo } from './info.js'
import { addNearest } from './nearest.js'
import { endQuietlyWhenReaderLeaves } from './output.js'
import { addSimilarity } from './similarity.js'
import { addTrain } from './train.js'

/**
 * Runs one command line (without `node` and the script) and answers the exit code: 0 done, 1 failed, 2 wrong
 * usage.
 */
export async function run(args: readonly string[]): Promise<number> {
  const program = createProgram()
  const known = program.commands.some((command) => command.name() === args[0])
  const name = known ? `anyvec ${args[0]}` : 'anyvec'
  endQuietlyWhenReaderLeaves(name)
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    return report(error, name)
  }
}

function createProgram(): Command {
  const program = new Command('anyvec')
    .description(
      'Embed anything: train vectors for whatever can be written as sequences of keys, and ask them.',
    )
    .version(VERSION, '-V, --version')
    .helpCommand(false)
    .exitOverride()
    // `report` prints the failures of all commands alike.
    .configureOutput({ outputError: () => {} })
    .addHelpText(
      'after',
      `
Answers go to stdout, progress to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage.

  anyvec train wiki.txt.gz --output wiki.safetensors
  anyvec nearest wiki.safetensors apple
  anyvec analogy wiki.safetensors man king woman`,
    )
  for (const add of [addTrain, addNearest, addSimilarity, addAnalogy, addEvaluate, addConvert, addInfo]) {
    add(program)
  }
  return program
}
