import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type AnalogyQuestion, evaluateAnalogies, readAnalogies } from '../../lib/evaluate/analogies.js'
import { ENGINES } from '../engines.js'
import { embedding, numbers, rowsOf } from '../models.js'
import { raised, rejection } from '../rejection.js'
import { fresh, written } from '../temporary.js'

const GOOGLE = [
  '// Copyright of somebody',
  ': capital-common-countries',
  'Athens Greece Baghdad Iraq',
  '',
  'Athens Greece\tBangkok   Thailand',
  ': gram3-comparative',
  'bad worse big bigger',
].join('\r\n')

const ASKED: readonly AnalogyQuestion[] = [
  { category: 'capital-common-countries', a: 'Athens', b: 'Greece', c: 'Baghdad', d: 'Iraq' },
  { category: 'capital-common-countries', a: 'Athens', b: 'Greece', c: 'Bangkok', d: 'Thailand' },
  { category: 'gram3-comparative', a: 'bad', b: 'worse', c: 'big', d: 'bigger' },
]

test('both formats give the same questions', async () => {
  assert.equal(await readAnalogies(written('google.txt', `\ufeff${GOOGLE}`)), ASKED)
  const rows = ASKED.map(({ category, a, b, c, d }) => [category, a, b, c, d].join('\t'))
  assert.equal(await readAnalogies(written('questions.tsv', `# a comment\n${rows.join('\n')}\n`)), ASKED)
})

test('tabs allow words of several parts, in rows and in sections', async () => {
  const question = { category: 'cities', a: 'New York', b: 'United States', c: 'Rome', d: 'Italy' }
  const words = 'New York\tUnited States\tRome\tItaly'
  assert.equal(await readAnalogies(written('rows.tsv', `cities\t${words}`)), [question])
  assert.equal(await readAnalogies(written('sections.txt', `: cities\n${words}`)), [question])
})

test('a word may begin with #', async () => {
  const [question] = await readAnalogies(written('tags.tsv', '#tags\t#a\t#b\t#c\t#d\n'))
  assert.equal(question, { category: '#tags', a: '#a', b: '#b', c: '#c', d: '#d' })
})

test('a malformed line is an error that names it', async () => {
  for (const [content, line] of [
    ['man king woman queen\n', 1], // no category
    [': family\nman king woman queen\n\nman king woman\n', 4],
    ['family\tman\tking\twoman\tqueen\nfamily\tman\t\twoman\tqueen\n', 2],
    [': family\nman king woman queen princess\n', 2],
    [':\nman king woman queen\n', 1],
  ] as const) {
    const path = written('bad.txt', content)
    const error = await rejection(() => readAnalogies(path), 'ERR_ANYVEC_FORMAT')
    assert.equal(error.details, { path, line })
    assert.ok(error.message.startsWith(`${path}:${line}: expected`), error.message)
  }
})

test('a file that holds no question, is missing, a folder or not UTF-8 is a typed error', async () => {
  await rejection(() => readAnalogies(written('empty.txt', '')), 'ERR_ANYVEC_FORMAT', /no analogy question/)
  await rejection(() => readAnalogies(written('headings.txt', ': a\n: b\n')), 'ERR_ANYVEC_FORMAT')
  await rejection(() => readAnalogies(fresh('missing.txt')), 'ERR_ANYVEC_FILE')
  await rejection(() => readAnalogies('.'), 'ERR_ANYVEC_FILE', /folder/)
  const latin = written('latin.txt', Buffer.from(': f\nma\xdfe b c d\n', 'latin1'))
  await rejection(() => readAnalogies(latin), 'ERR_ANYVEC_ENCODING', /UTF-8/)
})

/** Keys k0, k1, ... with random vectors, and random questions on them. */
const KEYS = Array.from({ length: 60 }, (_, i) => `k${i}`)
const ROWS = rowsOf(KEYS.length, 5, 7)

function randomQuestions(count: number): AnalogyQuestion[] {
  const draws = numbers(count * 4, 11).map((value) => KEYS[Math.floor(((value + 1) / 2) * KEYS.length)])
  return Array.from({ length: count }, (_, i) => {
    const [a, b, c, d] = draws.slice(i * 4, i * 4 + 4)
    return { category: i % 3 === 0 ? 'gram-x' : `other-${i % 3}`, a, b, c, d }
  })
}

/** 3CosAdd word for word, in double: the answer among the first `limit` keys. */
function answerByDefinition(a: string, b: string, c: string, limit: number): string {
  const unit = (row: readonly number[]) => {
    const length = Math.hypot(...row)
    return row.map((value) => value / length)
  }
  const [ua, ub, uc] = [a, b, c].map((key) => unit(ROWS[KEYS.indexOf(key)]))
  const target = ub.map((value, i) => value - ua[i] + uc[i])
  let best = ''
  let highest = -Infinity
  for (const key of KEYS.slice(0, limit)) {
    if (key === a || key === b || key === c) continue
    const cosine = unit(ROWS[KEYS.indexOf(key)]).reduce((sum, value, i) => sum + value * target[i], 0)
    if (cosine > highest) [best, highest] = [key, cosine]
  }
  return best
}

for (const engine of ENGINES) {
  const words = embedding(engine, KEYS, ROWS)

  test(`${engine}: scores are those of the definition, for every restriction`, async () => {
    // half of the questions get the right answer, whatever the restriction makes it
    for (const limit of [20, 45, 60]) {
      const questions = randomQuestions(2000).map((question, i) => {
        const { a, b, c } = question
        return i % 2 === 0 ? { ...question, d: answerByDefinition(a, b, c, limit) } : question
      })
      const known = (key: string) => KEYS.indexOf(key) < limit
      const expected = new Map<string, { correct: number; asked: number; skipped: number }>()
      for (const { category, a, b, c, d } of questions) {
        const tally = expected.get(category) ?? { correct: 0, asked: 0, skipped: 0 }
        expected.set(category, tally)
        if (![a, b, c, d].every(known)) tally.skipped++
        else {
          tally.asked++
          if (answerByDefinition(a, b, c, limit) === d) tally.correct++
        }
      }
      const report = await evaluateAnalogies(words, questions, { limit })
      const found = report.categories.map(({ category, correct, asked, skipped }) => [
        category,
        { correct, asked, skipped },
      ])
      assert.equal(found, [...expected])
      assert.ok(
        report.total.correct > 10 && report.total.correct < report.total.asked,
        'the set tells right from wrong',
      )
      assert.is(report.total.asked + report.total.skipped, 2000)
      assert.is(report.known, limit)
    }
  })

  test(`${engine}: totals are over questions, and gram categories are syntactic`, async () => {
    const report = await evaluateAnalogies(words, randomQuestions(300), { limit: 0, threads: 1 })
    assert.equal(
      report.categories.map(({ category, kind }) => [category, kind]),
      [
        ['gram-x', 'syntactic'],
        ['other-1', 'semantic'],
        ['other-2', 'semantic'],
      ],
    )
    const sum = (field: 'correct' | 'asked' | 'skipped', kinds: readonly string[]) =>
      report.categories
        .filter(({ kind }) => kinds.includes(kind))
        .reduce((all, category) => all + category[field], 0)
    for (const [total, kinds] of [
      [report.total, ['semantic', 'syntactic']],
      [report.semantic, ['semantic']],
      [report.syntactic, ['syntactic']],
    ] as const) {
      const correct = sum('correct', kinds)
      const asked = sum('asked', kinds)
      assert.equal(total, { correct, asked, skipped: sum('skipped', kinds), accuracy: correct / asked })
    }
  })

  test(`${engine}: vectors that cancel out are a wrong answer, and cost the other questions nothing`, async () => {
    const model = embedding(
      engine,
      ['a', 'b', 'c', 'd', 'zero'],
      [
        [1, 0],
        [1, 1],
        [0, 1],
        [-1, 1],
        [0, 0],
      ],
    )
    // zero - a + a; then b - a + c, whose nearest free key is d
    const cancelling = { category: 'x', a: 'a', b: 'zero', c: 'a', d: 'b' }
    const sound = { category: 'x', a: 'a', b: 'b', c: 'c', d: 'd' }
    const { total } = await evaluateAnalogies(model, [cancelling, sound, cancelling, sound, sound])
    assert.equal(total, { correct: 3, asked: 5, skipped: 0, accuracy: 0.6 })
  })
}

const AN_ENGINE = ENGINES[0]

test('a word is looked up as written, else in lower case', async () => {
  const rows = [
    [1, 0],
    [1, 1],
    [0, 1],
    [-1, 1],
  ]
  const question = { category: 'x', a: 'Man', b: 'KING', c: 'Woman', d: 'Queen' }
  const lower = embedding(AN_ENGINE, ['man', 'king', 'woman', 'queen'], rows)
  assert.is((await evaluateAnalogies(lower, [question])).total.correct, 1)
  const mixed = embedding(AN_ENGINE, ['Man', 'KING', 'Woman', 'Queen', 'queen'], [...rows, [9, -9]])
  assert.is((await evaluateAnalogies(mixed, [question])).total.correct, 1)
  const upper = embedding(AN_ENGINE, ['MAN', 'KING', 'WOMAN', 'QUEEN'], rows)
  assert.is((await evaluateAnalogies(upper, [question])).total.skipped, 1)
})

test('the expected answer is not among the answers when it is one of the question words', async () => {
  const words = embedding(AN_ENGINE, KEYS, ROWS)
  const { total } = await evaluateAnalogies(words, [{ category: 'x', a: 'k1', b: 'k2', c: 'k3', d: 'k2' }])
  assert.equal(total, { correct: 0, asked: 1, skipped: 0, accuracy: 0 })
})

test('without a known question there is no accuracy', async () => {
  const words = embedding(AN_ENGINE, KEYS, ROWS)
  const { total, semantic, syntactic } = await evaluateAnalogies(words, ASKED)
  assert.equal([total.asked, total.skipped, semantic.skipped, syntactic.skipped], [0, 3, 2, 1])
  assert.ok(Number.isNaN(total.accuracy))
})

test('paths and lists are taken alike, and files of one category are one', async () => {
  const words = embedding(AN_ENGINE, KEYS, ROWS)
  const path = written('k.tsv', 'gram\tk1\tk2\tk3\tk4\ngram\tk1\tk2\tk3\tmissing\n')
  const one = await evaluateAnalogies(words, path)
  assert.equal([one.total.asked, one.total.skipped], [1, 1])
  const two = await evaluateAnalogies(words, [path, path])
  assert.equal([two.categories.length, two.total.asked, two.total.skipped], [1, 2, 2])
})

test('wrong arguments are typed errors', async () => {
  const words = embedding(AN_ENGINE, KEYS, ROWS)
  for (const wrong of [7, null, [{ a: 'k1', b: 'k2', c: 'k3', d: 'k4' }], [null]]) {
    await rejection(() => evaluateAnalogies(words, wrong as never), 'ERR_ANYVEC_USAGE', /analogy questions/)
  }
  for (const options of [{ limit: -1 }, { limit: 1.5 }, { threads: 0 }]) {
    await rejection(() => evaluateAnalogies(words, [], options), 'ERR_ANYVEC_OPTION')
  }
  await rejection(() => evaluateAnalogies(words, [], { limits: 5 } as never), 'ERR_ANYVEC_OPTION', /"limit"/)
})

test('a signal ends the evaluation with its own reason', async () => {
  const words = embedding(AN_ENGINE, KEYS, ROWS)
  const reason = new Error('enough')
  const signal = AbortSignal.abort(reason)
  assert.is(await raised(() => evaluateAnalogies(words, randomQuestions(10), { signal })), reason)
})

test.run()
