import type { Command } from 'commander'
import { open } from '../index.js'
import { answerGiven, engineOption, jsonOption, type ModelFlags, type QueryKind } from './query.js'

/** `anyvec similarity MODEL A B`: the cosine of two keys. */
export function addSimilarity(program: Command): void {
  program
    .command('similarity')
    .description('the cosine of two keys, -1..1')
    .usage('[options] <model> <a> <b>')
    .argument('<model>', 'a model file')
    .argument('<words...>', 'A B, or - for one pair a line from stdin')
    .addOption(jsonOption('one JSON object a pair: { query: [a, b], similarity }'))
    .addOption(engineOption())
    .addHelpText(
      'after',
      `
With -, lines "a b" (separated by a tab where keys hold spaces) give a b<TAB>cosine.
A pair with an unknown key has an empty answer, and the exit code is 1 at the end.`,
    )
    .action(similarity)
}

async function similarity(path: string, words: readonly string[], flags: ModelFlags): Promise<void> {
  const embedding = await open(path, { engine: flags.engine })
  const kind: QueryKind<number> = {
    words: ['A', 'B'],
    ask: async (pairs) => pairs.map(([a, b]) => embedding.similarity(a, b)),
    inline: (cosine) => cosine.toFixed(4),
    block: (cosine) => `${cosine.toFixed(4)}\n`,
    fields: (cosine) => ({ similarity: cosine ?? null }),
  }
  await answerGiven(embedding, kind, words, flags.json === true)
}
