import { type Command, Option } from 'commander'
import {
  ANALOGY_LIMIT,
  type AnalogyReport,
  type AnalogyScore,
  evaluateAnalogies,
  evaluateSimilarity,
  open,
  readAnalogies,
  readScoredPairs,
  type SimilarityReport,
} from '../index.js'
import { UsageError } from './failure.js'
import { print, printJson, table } from './output.js'
import { engineOption, jsonOption, type ModelFlags, threadsOption, topOption } from './query.js'

interface EvaluateFlags extends ModelFlags {
  readonly analogies: readonly string[]
  readonly similarity: readonly string[]
  readonly top?: number
}

/** `anyvec evaluate MODEL`: scores on analogy questions and on human judgements of similarity. */
export function addEvaluate(program: Command): void {
  const repeatable = (flag: string, what: string) =>
    new Option(`${flag} <file>`, `${what}; may be repeated`)
      .argParser((file: string, files: readonly string[]) => [...files, file])
      .default([], 'none')
  program
    .command('evaluate')
    .description('score a model on analogy questions and on human judgements of similarity')
    .argument('<model>', 'a model file')
    .addOption(
      repeatable('--analogies', 'questions: category<TAB>a<TAB>b<TAB>c<TAB>d, or questions-words.txt'),
    )
    .addOption(repeatable('--similarity', 'scored pairs: word, word, score'))
    .addOption(topOption('analogies know only the n most frequent keys; 0: all', ANALOGY_LIMIT))
    .addOption(jsonOption('one JSON object; accuracies 0..1, correlations -1..1, null where there is none'))
    .addOption(threadsOption())
    .addOption(engineOption())
    .addHelpText(
      'after',
      `
Analogies: 3CosAdd, the question's words left out, questions with an unknown word skipped; all files together.
Categories named gram... are syntactic, the others semantic; totals are over questions, not means of categories.
Similarity: Spearman's and Pearson's correlation over the pairs both of whose words are known, a file each.
A word is looked up as written, else in lower case.`,
    )
    .action(evaluate)
}

async function evaluate(path: string, flags: EvaluateFlags): Promise<void> {
  if (flags.analogies.length + flags.similarity.length === 0) {
    throw new UsageError('name at least one file with --analogies or --similarity')
  }
  // Read before the model is: a mistake in a small file should not wait for a large one.
  const questions = (await Promise.all(flags.analogies.map(readAnalogies))).flat()
  const lists = await Promise.all(
    flags.similarity.map(async (file) => ({ file, pairs: await readScoredPairs(file) })),
  )
  const { engine, top, threads } = flags
  const embedding = await open(path, { engine })
  const analogies =
    questions.length > 0 ? await evaluateAnalogies(embedding, questions, { limit: top, threads }) : undefined
  const similarity: ({ file: string } & SimilarityReport)[] = []
  for (const { file, pairs } of lists)
    similarity.push({ file, ...(await evaluateSimilarity(embedding, pairs)) })
  if (flags.json === true) {
    await printJson({
      model: path,
      ...(analogies && { analogies: { files: flags.analogies, ...analogies } }),
      ...(similarity.length > 0 && { similarity }),
    })
    return
  }
  const parts: string[] = []
  if (analogies !== undefined) parts.push(analogyTable(analogies))
  if (similarity.length > 0) parts.push(similarityTable(similarity))
  await print(parts.join('\n'))
}

function analogyTable(report: AnalogyReport): string {
  const has = (score: AnalogyScore) => score.asked + score.skipped > 0
  const row = (name: string, score: AnalogyScore) => [
    name,
    fixed(score.accuracy * 100, 1),
    String(score.correct),
    String(score.asked),
    String(score.skipped),
  ]
  const rows = [
    [`analogies (top ${report.known})`, '%', 'correct', 'asked', 'skipped'],
    ...report.categories.map((category) => row(category.category, category)),
  ]
  // A kind that has no question at all would only be a row of dashes.
  if (has(report.semantic)) rows.push(row('semantic', report.semantic))
  if (has(report.syntactic)) rows.push(row('syntactic', report.syntactic))
  return table([...rows, row('total', report.total)])
}

function similarityTable(reports: readonly ({ readonly file: string } & SimilarityReport)[]): string {
  return table([
    ['similarity', 'Spearman x100', 'Pearson', 'pairs', 'of', 'unknown'],
    ...reports.map((report) => [
      report.file,
      fixed(report.spearman * 100, 1),
      fixed(report.pearson, 3),
      String(report.pairs),
      String(report.total),
      String(report.outOfVocabulary),
    ]),
  ])
}

function fixed(value: number, digits: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(digits)
}
