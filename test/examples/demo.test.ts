/** The demo as its reader runs it, and its answers for many seeds. */

import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { displayWidth } from '../../examples/demo/columns.js'
import { writeText } from '../../examples/demo/grammar.js'
import { LESSONS, type Lesson, OPTIONS, TOKENS } from '../../examples/demo/lessons.js'
import { text, train, type TrainOptions } from '../../lib/index.js'
import { ENGINES } from '../engines.js'
import { fresh, written } from '../temporary.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const SMALL = writeText(LESSONS[0].grammar, 2, 8000)

interface Run {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function demo(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Run {
  return spawnSync(process.execPath, ['--import', 'tsx', join('examples', 'demo', 'demo.ts'), ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    timeout: 100_000,
  })
}

/** Trains as the demo does, and looks at what the demo prints. */
async function checkAnswers({ grammar, things, analogy }: Lesson, options: TrainOptions): Promise<void> {
  const source = text([Buffer.from(writeText(grammar, OPTIONS.seed, TOKENS))])
  const words = await train(source, { ...OPTIONS, ...options })
  const run = `${grammar.language}, ${options.engine}, seed ${options.seed}, threads: ${words.report?.threads}`
  const found = await words.analogy(analogy.a, analogy.b, analogy.c, { k: 3 })
  assert.is(
    found[0].key,
    analogy.answer,
    `${run}: ${found.map(({ key, score }) => `${key} ${score}`).join(', ')}`,
  )
  const [x, y, other] = things
  const alike = words.similarity(x, y)
  for (const thing of [x, y]) {
    const unlike = words.similarity(thing, other)
    assert.ok(alike > unlike + 0.2, `${run}: ${x} / ${y} ${alike}, ${thing} / ${other} ${unlike}`)
  }
}

for (const lesson of LESSONS) {
  const { a, b, c, answer } = lesson.analogy
  const question = `${b} - ${a} + ${c} is ${answer}`

  if (ENGINES.includes('native')) {
    for (const threads of [1, 2]) {
      test(`${question} for ten seeds, native engine, threads: ${threads}`, async () => {
        for (let seed = 1; seed <= 10; seed++) await checkAnswers(lesson, { engine: 'native', threads, seed })
      })
    }
  }

  test(`${question} for three seeds, portable engine`, async () => {
    for (let seed = 1; seed <= 3; seed++) await checkAnswers(lesson, { engine: 'portable', seed })
  })
}

test('the demo shows one-hot and learned distances, the answers, and the engines', () => {
  const { status, stdout, stderr } = demo([])
  assert.is(status, 0, stderr)
  for (const { things, analogy } of LESSONS) {
    const [x, y, other] = things
    // Half the square of a distance between unit vectors is 1 less the cosine.
    for (const [left, right, least, most] of [
      [x, y, 0.7, 1],
      [x, other, -1, 0.7],
      [y, other, -1, 0.7],
    ] as const) {
      const row = new RegExp(
        `^ +${left} / ${right} +1\\.41 +0\\.00 +(\\d\\.\\d\\d) +(-?\\d\\.\\d\\d)$`,
        'm',
      ).exec(stdout)
      assert.ok(row, `no row of ${left} and ${right} in:\n${stdout}`)
      const [distance, cosine] = [Number(row[1]), Number(row[2])]
      assert.ok(cosine > least && cosine < most, row[0])
      assert.ok(Math.abs(distance ** 2 / 2 - (1 - cosine)) < 0.03, row[0])
    }
    const { a, b, c, answer } = analogy
    assert.ok(stdout.includes(`${b} - ${a} + ${c} = ${answer} 0.`), stdout)
  }
  if (ENGINES.includes('native')) {
    const figures = / +\d+ +[\d.]+ s +[\d.]+ s +[\d.]+ [kM]/.source
    assert.match(
      stdout,
      new RegExp(`^ +native +(avx512|avx2|neon|scalar)${figures} +[\\d.]+ x as fast$`, 'm'),
    )
    assert.match(stdout, new RegExp(`^ +portable +javascript${figures}$`, 'm'))
  }
})

test('rows of a table end at the same column, also where they hold Chinese', () => {
  const { status, stdout, stderr } = demo([
    written('small.txt', writeText(LESSONS[1].grammar, 2, 8000)),
    '公爵夫人',
    '在',
  ])
  assert.is(status, 0, stderr)
  const rows = stdout.split('\n').filter((line) => / 0\.\d\d .* 0\.\d\d$/.test(line))
  assert.is(rows.length, 2, stdout)
  assert.is(displayWidth(rows[0]), displayWidth(rows[1]), stdout)
})

test('a text of the reader: neighbours of some frequent words and the speed, exit 0', () => {
  const { status, stdout, stderr } = demo([written('small.txt', SMALL)])
  assert.is(status, 0, stderr)
  assert.match(stdout, /^ {2}80\d\d words, \d+ different ones often enough; 20 epochs in \d/m)
  const neighbours = /^Nearest neighbours\n((?: {2}\S.*\n)+)/m.exec(stdout)
  assert.ok(neighbours, stdout)
  const rows = neighbours[1].trimEnd().split('\n')
  assert.is(rows.length, 6)
  const words = new Set(SMALL.split(/\s/))
  for (const row of rows) {
    const cells = row.trim().split(/ {2,}/)
    assert.is(cells.length, 6, row)
    assert.ok(words.has(cells[0]), row)
    for (const cell of cells.slice(1)) {
      const [word, score] = cell.split(' ')
      assert.ok(words.has(word) && word !== cells[0] && Math.abs(Number(score)) <= 1, row)
    }
  }
  if (ENGINES.includes('native')) assert.match(stdout, /^ +portable +javascript +1 +\d/m)
})

test('keys of the reader are asked for instead; an unknown one is named, exit 1', () => {
  const { status, stdout, stderr } = demo([written('small.txt', SMALL), 'apple', 'kimg'])
  assert.is(status, 1)
  assert.match(stdout, /^Nearest neighbours\n {2}apple .*\n(?! {2})/m)
  assert.match(stderr, /^The key kimg is not in the vocabulary; did you mean king\?$/m)
})

test('a text compressed with gzip is read as it is', () => {
  const { status, stdout, stderr } = demo([written('small.txt.gz', gzipSync(SMALL)), 'king'])
  assert.is(status, 0, stderr)
  assert.match(stdout, /^ {2}80\d\d words/m)
  if (ENGINES.includes('native'))
    assert.match(stdout, new RegExp(`first ${(SMALL.length / 1000).toFixed(1)} kB`))
})

test('a file that cannot be trained on: the error in one line, exit 1', () => {
  const cases: [string, RegExp][] = [
    [fresh('missing.txt'), /^Cannot read .*missing\.txt.*\(ERR_ANYVEC_FILE\)$/],
    [root, /\(ERR_ANYVEC_FILE\)$/],
    [written('empty.txt', ''), /\(ERR_ANYVEC_EMPTY_CORPUS\)$/],
    [written('rare.txt', 'one two three\n'), /\(ERR_ANYVEC_VOCABULARY\)$/],
    [written('broken.txt', Buffer.from([0x61, 0x20, 0xff, 0xfe, 0x0a])), /\(ERR_ANYVEC_ENCODING\)$/],
  ]
  for (const [file, message] of cases) {
    const { status, stderr } = demo([file])
    assert.is(status, 1, stderr)
    assert.is(stderr.trimEnd().split('\n').length, 1, stderr)
    assert.match(stderr.trimEnd(), message)
  }
})

test('where the native engine cannot be loaded the demo says so and goes on without it', () => {
  const { status, stdout, stderr } = demo([written('small.txt', SMALL), 'king'], {
    ANYVEC_PREBUILD: fresh('nowhere'),
  })
  assert.is(status, 0, stderr)
  assert.match(stdout, /native engine cannot be loaded.*\n.*portable engine alone/)
  assert.match(stdout, /portable engine, javascript, threads: 1\)\n/)
  assert.match(stdout, /^ {2}king .* 0\.\d\d/m)
  assert.not.match(stdout, /^ +native /m)
})

test.run()
