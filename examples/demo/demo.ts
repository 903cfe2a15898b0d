/**
 * `npm run demo`: text to vectors to answers, in English and in Chinese, in seconds.
 * `npm run demo -- FILE [KEY...]`: the same for a text of yours (words between white space, UTF-8, also .gz).
 */

import { endQuietlyWhenReaderLeaves } from '../../lib/cli/output.js'
import { AnyvecError, type Embedding, type Source, text } from '../../lib/index.js'
import { columns } from './columns.js'
import { writeText } from './grammar.js'
import { LESSONS, type Lesson, OPTIONS, TOKENS } from './lessons.js'
import { askOwnText } from './own-text.js'
import { compareEngines, reportOf, speedOf, trainFast } from './training.js'

/** The demo without arguments. */
async function teach(): Promise<void> {
  let native = true
  for (const lesson of LESSONS) {
    const written = textOf(lesson)
    const [sentence] = written.split('\n', 1)
    process.stdout.write(`${lesson.grammar.language}, written by a small grammar: "${sentence}", ...\n`)
    const words = await trainFast(sourceOf(written), OPTIONS)
    const report = reportOf(words)
    process.stdout.write(
      `  ${report.corpus.tokens} words, ${words.size} different ones often enough, ${words.dimensions} dimensions; ` +
        `${report.options.epochs} epochs in ${speedOf(report)}\n\n`,
    )
    process.stdout.write(`${distances(words, lesson)}\n${await answers(words, lesson)}\n`)
    native = report.engine === 'native'
  }
  if (!native) return
  const [lesson] = LESSONS
  const written = textOf(lesson)
  process.stdout.write(
    `The engines beside each other: the ${lesson.grammar.language} text with the same options\n`,
  )
  await compareEngines(() => sourceOf(written), OPTIONS)
}

function textOf({ grammar }: Lesson): string {
  return writeText(grammar, OPTIONS.seed, TOKENS)
}

function sourceOf(written: string): Source {
  return text([Buffer.from(written)])
}

/** How near words are as one-hot vectors, which know nothing of them, and as learned ones. */
function distances(words: Embedding, { things: [a, b, other] }: Lesson): string {
  const pairs = [
    [a, b],
    [a, other],
    [b, other],
  ]
  return columns([
    ['', 'one-hot: distance', 'cosine', 'learned: distance', 'cosine'],
    ...pairs.map(([x, y]) => {
      const before = cosine(oneHot(words, x), oneHot(words, y))
      const after = words.similarity(x, y)
      return [`${x} / ${y}`, ...[before, after].flatMap((value) => [distance(value), value.toFixed(2)])]
    }),
  ])
}

/** The vector that is 1 for the word itself and 0 for every other word: [size]. */
function oneHot(words: Embedding, word: string): Float32Array {
  return Float32Array.from(words.keys, (key) => (key === word ? 1 : 0))
}

function cosine(x: Float32Array, y: Float32Array): number {
  const dot = (v: Float32Array, w: Float32Array) => v.reduce((sum, value, i) => sum + value * w[i], 0)
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y))
}

/** Between the tips of two vectors of length 1, from the cosine of their angle. */
function distance(similarity: number): string {
  return Math.sqrt(Math.max(0, 2 - 2 * similarity)).toFixed(2)
}

async function answers(words: Embedding, { analogy: { a, b, c } }: Lesson): Promise<string> {
  const found = await words.analogy(a, b, c, { k: 3 })
  const shares = found.map(({ key, score }) => `${key} ${score.toFixed(2)}`)
  return `  ${b} - ${a} + ${c} = ${shares.join(', ')}\n`
}

endQuietlyWhenReaderLeaves('demo')
try {
  const [file, ...keys] = process.argv.slice(2)
  if (file === undefined) await teach()
  else process.exitCode = await askOwnText(file, keys)
} catch (error) {
  if (!(error instanceof AnyvecError)) throw error
  process.stderr.write(`${error.message} (${error.code})\n`)
  process.exitCode = 1
}
