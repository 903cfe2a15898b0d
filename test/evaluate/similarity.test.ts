import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { pearson, spearman } from '../../lib/evaluate/correlation.js'
import { evaluateSimilarity, readScoredPairs, type ScoredPair } from '../../lib/evaluate/similarity.js'
import { AN_ENGINE, ENGINES } from '../engines.js'
import { embedding, rowsOf } from '../models.js'
import { rejection } from '../rejection.js'
import { fresh, written } from '../temporary.js'

const PAIRS: readonly ScoredPair[] = [
  { a: 'tiger', b: 'cat', score: 7.35 },
  { a: 'book', b: 'paper', score: -1e-2 },
]

test('tabs, commas and blanks separate fields, and the first line may be a header', async () => {
  for (const content of [
    'tiger\tcat\t7.35\nbook\tpaper\t-0.01\n',
    '\ufeffWord 1,Word 2,Human (mean)\r\ntiger,cat,7.35\r\n\r\nbook, paper, -0.01',
    '# from somewhere\nword1\tword2\tscore\ntiger\tcat\t7.35\n// end of part one\nbook\tpaper\t-1e-2',
    'tiger cat   7.35\nbook paper -.01\n',
  ]) {
    assert.equal(await readScoredPairs(written('pairs.tsv', content)), PAIRS)
  }
  assert.equal(await readScoredPairs(written('parts.tsv', 'New York\tice, cream\t3\n')), [
    { a: 'New York', b: 'ice, cream', score: 3 },
  ])
})

test('a malformed line is an error that names it', async () => {
  for (const [content, line] of [
    ['tiger\tcat\t7.35\nbook\tpaper\thigh\n', 2],
    ['tiger\tcat\t7.35\n\nbook\tpaper\n', 3],
    ['tiger\tcat\n', 1],
    ['tiger\tcat\t1\t2\n', 1],
    ['tiger\tcat\t7.35\nbook\tpaper\tNaN\n', 2],
    ['tiger\tcat\t7.35\nbook\tpaper\tInfinity\n', 2],
    ['tiger\tcat\t7.35\nbook\t\t3\n', 2],
  ] as const) {
    const path = written('bad.tsv', content)
    const error = await rejection(() => readScoredPairs(path), 'ERR_ANYVEC_FORMAT', /two words and a score/)
    assert.equal(error.details, { path, line })
  }
})

test('a file that holds no pair, is missing or not UTF-8 is a typed error', async () => {
  await rejection(() => readScoredPairs(written('empty.tsv', '\n')), 'ERR_ANYVEC_FORMAT', /no pair/)
  await rejection(
    () => readScoredPairs(written('header.tsv', 'a\tb\tscore\n')),
    'ERR_ANYVEC_FORMAT',
    /no pair/,
  )
  await rejection(() => readScoredPairs(fresh('missing.tsv')), 'ERR_ANYVEC_FILE')
  await rejection(
    () => readScoredPairs(written('bytes.tsv', Uint8Array.of(0xff, 9, 0x62, 9, 0x31))),
    'ERR_ANYVEC_ENCODING',
  )
})

const KEYS = ['a', 'b', 'c', 'd', 'e', 'F']
const ROWS = rowsOf(KEYS.length, 4, 3)
const LIST: readonly ScoredPair[] = [
  { a: 'a', b: 'b', score: 1 },
  { a: 'C', b: 'd', score: 5 },
  { a: 'e', b: 'F', score: 5 },
  { a: 'a', b: 'f', score: 100 },
  { a: 'a', b: 'e', score: 2 },
  { a: 'nobody', b: 'a', score: -100 },
]

for (const engine of ENGINES) {
  test(`${engine}: the report correlates cosines with scores over the known pairs`, async () => {
    const words = embedding(engine, KEYS, ROWS)
    const cosine = (a: number, b: number) => {
      const dot = ROWS[a].reduce((sum, value, i) => sum + value * ROWS[b][i], 0)
      return dot / Math.hypot(...ROWS[a]) / Math.hypot(...ROWS[b])
    }
    const cosines = [cosine(0, 1), cosine(2, 3), cosine(4, 5), cosine(0, 4)]
    const scores = [1, 5, 5, 2]
    const report = await evaluateSimilarity(words, LIST)
    assert.equal([report.pairs, report.total, report.outOfVocabulary], [4, 6, 2])
    assert.is(report.spearman, spearman(cosines, scores))
    assert.ok(Math.abs(report.pearson - pearson(cosines, scores)) < 1e-6)
  })
}

test('a list and its file score alike', async () => {
  const words = embedding(AN_ENGINE, KEYS, ROWS)
  const path = written('list.tsv', LIST.map(({ a, b, score }) => `${a}\t${b}\t${score}\n`).join(''))
  assert.equal(await evaluateSimilarity(words, path), await evaluateSimilarity(words, LIST))
})

test('without two known pairs there is no correlation', async () => {
  const words = embedding(AN_ENGINE, KEYS, ROWS)
  const report = await evaluateSimilarity(words, LIST.slice(0, 1))
  assert.ok(Number.isNaN(report.spearman) && Number.isNaN(report.pearson))
  assert.equal([report.pairs, report.outOfVocabulary], [1, 0])
})

test('what is no list of pairs is a typed error', async () => {
  const words = embedding(AN_ENGINE, KEYS, ROWS)
  for (const wrong of [7, null, [{ a: 'a', b: 'b' }], [{ a: 'a', b: 'b', score: Number.NaN }], [null]]) {
    await rejection(() => evaluateSimilarity(words, wrong as never), 'ERR_ANYVEC_USAGE', /pairs/)
  }
})

test.run()
