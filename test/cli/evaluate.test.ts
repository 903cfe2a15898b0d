import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { AN_ENGINE, ENGINES } from '../engines.js'
import { embedding } from '../models.js'
import { fresh, written } from '../temporary.js'
import { answer, failure } from './command.js'

const MODEL = fresh('model.bin')
const SEMANTIC = written('semantic.tsv', 'family\tman\tking\twoman\tqueen\nfamily\tman\tking\twoman\tapple\n')
const SYNTACTIC = written(
  'google.txt',
  ': gram1\nman king woman queen\nMan King Woman Princess\n: empty\nx y z u\n',
)
const PAIRS = written('pairs.tsv', 'man\tking\t9\nman\twoman\t1\nwoman\tqueen\t9.5\nman\tsomebody\t4\n')

test.before(async () => {
  const degrees = [0, 30, 90, 120, 200]
  const rows = degrees.map((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)])
  await embedding(AN_ENGINE, ['man', 'king', 'woman', 'queen', 'apple'], rows).save(MODEL)
})

for (const engine of ENGINES) {
  test(`${engine}: evaluate --json tells all scores`, async () => {
    const flags = [
      '--analogies',
      SEMANTIC,
      '--analogies',
      SYNTACTIC,
      '--similarity',
      PAIRS,
      '--json',
      '--engine',
      engine,
    ]
    const { model, analogies, similarity } = JSON.parse(await answer(['evaluate', MODEL, ...flags]))
    assert.is(model, MODEL)
    assert.equal(analogies, {
      files: [SEMANTIC, SYNTACTIC],
      total: { correct: 2, asked: 3, skipped: 2, accuracy: 2 / 3 },
      semantic: { correct: 1, asked: 2, skipped: 1, accuracy: 0.5 },
      syntactic: { correct: 1, asked: 1, skipped: 1, accuracy: 1 },
      categories: [
        { category: 'family', kind: 'semantic', correct: 1, asked: 2, skipped: 0, accuracy: 0.5 },
        { category: 'gram1', kind: 'syntactic', correct: 1, asked: 1, skipped: 1, accuracy: 1 },
        { category: 'empty', kind: 'semantic', correct: 0, asked: 0, skipped: 1, accuracy: null },
      ],
      known: 5,
    })
    assert.is(similarity.length, 1)
    const { file, spearman, pairs, total, outOfVocabulary } = similarity[0]
    // cosines .866, 0, .866: the two equal ones share a rank, up to rounding
    assert.equal(
      { file, pairs, total, outOfVocabulary },
      { file: PAIRS, pairs: 3, total: 4, outOfVocabulary: 1 },
    )
    assert.ok(spearman > 0.49 && spearman <= 1, String(spearman))
  })
}

test('without --json there are tables, with percents to one decimal place', async () => {
  const args = ['evaluate', MODEL, '--analogies', SEMANTIC, '--analogies', SYNTACTIC, '--similarity', PAIRS]
  const rows = (await answer(args)).split('\n').map((line) => line.trim().split(/\s{2,}/))
  assert.equal(rows.slice(0, 7), [
    ['analogies (top 5)', '%', 'correct', 'asked', 'skipped'],
    ['family', '50.0', '1', '2', '0'],
    ['gram1', '100.0', '1', '1', '1'],
    ['empty', '-', '0', '0', '1'],
    ['semantic', '50.0', '1', '2', '1'],
    ['syntactic', '100.0', '1', '1', '1'],
    ['total', '66.7', '2', '3', '2'],
  ])
  assert.equal(rows[8], ['similarity', 'Spearman x100', 'Pearson', 'pairs', 'of', 'unknown'])
  assert.is(rows[9][0], PAIRS)
  assert.equal(rows[9].slice(3), ['3', '4', '1'])
})

test('--top restricts what is asked and what is answered', async () => {
  const ask = async (top: string) => {
    const flags = ['--analogies', SEMANTIC, '--top', top, '--json']
    return JSON.parse(await answer(['evaluate', MODEL, ...flags])).analogies
  }
  const four = await ask('4')
  assert.equal([four.known, four.total], [4, { correct: 1, asked: 1, skipped: 1, accuracy: 1 }])
  const three = await ask('3')
  assert.equal([three.known, three.total], [3, { correct: 0, asked: 0, skipped: 2, accuracy: null }])
  assert.is((await ask('0')).known, 5)
})

test('similarity alone prints no analogies', async () => {
  const { analogies, similarity } = JSON.parse(
    await answer(['evaluate', MODEL, '--similarity', PAIRS, '--json']),
  )
  assert.is(analogies, undefined)
  assert.is(similarity.length, 1)
})

test('a malformed list is an error that names the line, before the model is opened', async () => {
  const bad = written('bad.tsv', 'family\tman\tking\twoman\tqueen\nfamily\tman\tking\n')
  await failure(
    ['evaluate', fresh('missing.bin'), '--analogies', bad],
    1,
    /bad\.tsv:2: expected.*ERR_ANYVEC_FORMAT/,
  )
  await failure(['evaluate', MODEL, '--similarity', bad], 1, /bad\.tsv:1: expected.*ERR_ANYVEC_FORMAT/)
  await failure(['evaluate', MODEL, '--similarity', fresh('missing.tsv')], 1, /ERR_ANYVEC_FILE/)
  await failure(['evaluate', MODEL, '--analogies', SEMANTIC, '--top', '-1'], 2, /whole number/)
})

test.run()
