import type { Command } from 'commander'
import { open } from '../index.js'
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

/** `anyvec analogy MODEL A B C`: A is to B as C is to what? */
export function addAnalogy(program: Command): void {
  program
    .command('analogy')
    .description(
      'what completes "A is to B as C is to ..." (the largest cosine with B - A + C; A, B, C left out)',
    )
    .usage('[options] <model> <a> <b> <c>')
    .argument('<model>', 'a model file')
    .argument('<words...>', 'A B C, or - for one question a line from stdin')
    .addOption(kOption())
    .addOption(topOption('only the n most frequent keys can be answers; 0 allows all', 0))
    .addOption(scoresOption())
    .addOption(jsonOption('one JSON object a question: { query: [a, b, c], answers: [{ key, score }] }'))
    .addOption(threadsOption())
    .addOption(engineOption())
    .addHelpText(
      'after',
      `
A B C: one answer a line. With -, lines "a b c" (separated by tabs where keys hold spaces) give
a b c<TAB>key key key.
A question with an unknown key has an empty answer, and the exit code is 1 at the end.`,
    )
    .action(analogy)
}

async function analogy(path: string, words: readonly string[], flags: SearchFlags): Promise<void> {
  const { k, top, threads } = flags
  const embedding = await open(path, { engine: flags.engine })
  const kind = {
    words: ['A', 'B', 'C'],
    ask: (queries: readonly (readonly string[])[]) =>
      embedding.analogyBatch(
        queries.map(([a, b, c]) => [a, b, c] as const),
        { k, limit: top, threads },
      ),
    ...neighbourLists(flags.scores === true),
  }
  await answerGiven(embedding, kind, words, flags.json === true)
}
