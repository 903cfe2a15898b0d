import type { Command } from 'commander'
import { open } from '../index.js'
import { answerBatch } from './batch.js'
import { UsageError } from './failure.js'
import { nearestLines } from './nearest-lines.js'
import { print, printJson } from './output.js'
import {
  answerGiven,
  engineOption,
  jsonOption,
  kOption,
  neighbourLists,
  type SearchFlags,
  scoresOption,
  threadsOption,
  topOption,
} from './query.js'

/** `anyvec nearest MODEL KEY...`: the keys whose vectors have the largest cosine with a key's. */
export function addNearest(program: Command): void {
  program
    .command('nearest')
    .description('the nearest keys of one key, of several (one query each), or of every line of stdin')
    .argument('<model>', 'a model file')
    .argument('<key...>', 'keys, or - for one key a line from stdin')
    .addOption(kOption())
    .addOption(topOption('only the n most frequent keys can be answers; 0 allows all', 0))
    .addOption(scoresOption())
    .addOption(jsonOption('one JSON object a query: { query, answers: [{ key, score }] }'))
    .addOption(threadsOption())
    .addOption(engineOption())
    .addHelpText(
      'after',
      `
One KEY: one answer a line. Several KEYs or -: one query a line, query<TAB>key key key.
A key of stdin that is unknown has an empty answer, and the exit code is 1 at the end.`,
    )
    .action(nearest)
}

async function nearest(path: string, keys: readonly string[], flags: SearchFlags): Promise<void> {
  const { k, top, threads } = flags
  if (keys.includes('-') && keys.length > 1) throw new UsageError('- (keys from stdin) stands alone')
  const embedding = await open(path, { engine: flags.engine })
  const kind = {
    words: ['KEY'],
    ask: (queries: readonly (readonly string[])[]) =>
      embedding.nearestBatch(
        queries.map(([key]) => key),
        { k, limit: top, threads },
      ),
    ...neighbourLists(flags.scores === true),
  }
  if (keys[0] === '-' && flags.json !== true) {
    return answerBatch(process.stdin, (lines) => nearestLines(embedding, lines, flags))
  }
  if (keys.length === 1) return answerGiven(embedding, kind, keys, flags.json === true)
  const answers = await kind.ask(keys.map((key) => [key]))
  for (let i = 0; i < keys.length; i++) {
    if (flags.json === true) await printJson({ query: keys[i], answers: answers[i] })
    else await print(`${keys[i]}\t${kind.inline(answers[i])}\n`)
  }
}
