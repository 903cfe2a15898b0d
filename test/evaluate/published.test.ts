/** The published question lists, on vectors trained on English Wikipedia. */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  evaluateAnalogies,
  evaluateSimilarity,
  readAnalogies,
  readScoredPairs,
  text,
  train,
} from '../../lib/index.js'
import { ENGINES } from '../engines.js'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const data = process.env.ANYVEC_DATA ?? join(dirname(repository), 'shared', 'data')
const corpus = join(data, 'text', 'enwiki-100mb.txt.gz')
const list = (name: string) => join(data, 'eval', name)

function testWith(needed: string | false, reason: string): typeof test | typeof test.skip {
  if (needed !== false && existsSync(needed)) return test
  process.stdout.write(`skip: ${reason}\n`)
  return test.skip
}

const withLists = testWith(list('ws-353-all.tsv'), `there are no question lists in ${data}`)
const withCorpus = testWith(
  ENGINES.includes('native') && corpus,
  'the native engine or enwiki-100mb.txt.gz is missing',
)

withLists('every line of the published lists is read', async () => {
  for (const [name, lines] of [
    ['google_analogies_semantic.tsv', 8869],
    ['google_analogies_syntactic.tsv', 10675],
    ['ca_translated.tsv', 953],
  ] as const) {
    assert.is((await readAnalogies(list(name))).length, lines, name)
  }
  for (const [name, lines] of [
    ['ws-353-all.tsv', 353],
    ['simlex-999.tsv', 999],
    ['men-tr-3k.tsv', 3000],
    ['wordsim_240.tsv', 240],
  ] as const) {
    assert.is((await readScoredPairs(list(name))).length, lines, name)
  }
})

withCorpus('trained vectors answer the published lists, by the same counts as any other scorer', async () => {
  // bounds lie well below what such a short run reaches: 0.134, 0.49, 0.26 and 0.41 with seeds 1 and 2
  const words = await train(text(corpus), { dimensions: 50, epochs: 1, engine: 'native' })
  const questions = ['google_analogies_semantic.tsv', 'google_analogies_syntactic.tsv'].map(list)
  const { total, semantic, syntactic, categories, known } = await evaluateAnalogies(words, questions)
  // what is asked depends on the vocabulary alone
  assert.equal(
    [known, total.asked, total.skipped, semantic.asked, semantic.skipped, syntactic.asked, syntactic.skipped],
    [30000, 11963, 7581, 3600, 5269, 8363, 2312],
  )
  assert.is(categories.length, 14)
  assert.ok(total.accuracy > 0.1, `analogies ${total.accuracy}`)
  for (const [name, pairs, unknown, least] of [
    ['ws-353-all.tsv', 351, 2, 0.42],
    ['simlex-999.tsv', 992, 7, 0.22],
    ['men-tr-3k.tsv', 2938, 62, 0.36],
  ] as const) {
    const report = await evaluateSimilarity(words, list(name))
    assert.equal([report.pairs, report.outOfVocabulary], [pairs, unknown], name)
    assert.ok(report.spearman > least && report.spearman < 0.9, `${name}: ${report.spearman}`)
  }
})

test.run()
