/**
 * Analogy questions: a is to b as c is to d, answered by 3CosAdd, or by another `method`.
 *
 * The conventions, all in one place, because a figure means nothing without them:
 *
 * - Known words are the `limit` most frequent keys (30,000 by default); only they can be asked about, and
 *   only they can be answers. A word is looked up as written, else in lower case (`spell`).
 * - A question with an unknown word, the expected answer included, is skipped: counted apart, neither right
 *   nor wrong.
 * - The answer is the key with the largest cosine to b - a + c over unit vectors; a, b and c are no answers.
 *   It is right when it is d, letter for letter after the look-up.
 * - Categories whose name begins with `gram` are syntactic, all others semantic, as in Google's set.
 * - Every total is over questions: all right answers by all questions asked. It is not the mean of the
 *   categories' accuracies.
 */

import type { Embedding } from '../embedding/embedding.js'
import { AnyvecError } from '../errors.js'
import { type AnalogyMethod, type AnalogySearchOptions, METHOD } from '../search/options.js'
import { SIGNAL, THREADS } from '../train/options.js'
import { type OptionSpec, received, resolveOptions } from '../train/specs.js'
import { type Line, malformedLine, readLines } from './lines.js'
import { spell } from './spelling.js'

/** `a` is to `b` as `c` is to `d`; `d` is what the embedding has to find. */
export interface AnalogyQuestion {
  readonly category: string
  readonly a: string
  readonly b: string
  readonly c: string
  readonly d: string
}

export interface AnalogyOptions {
  /** Only the N most frequent keys are known and may be answers; 0 allows all. Default: 30000. */
  readonly limit?: number | undefined
  /** How the questions are answered. Default: `3cosadd`. */
  readonly method?: AnalogyMethod | undefined
  /** Threads that search, 1..1024. Default: all processors. */
  readonly threads?: number | undefined
  /** Stops the work; its promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** The outcome of a set of questions. */
export interface AnalogyScore {
  /** Questions whose first answer is the expected one. */
  readonly correct: number
  /** Questions asked: all four words are known. */
  readonly asked: number
  /** Questions passed over because a word is unknown. `asked + skipped` is all there are. */
  readonly skipped: number
  /** `correct / asked`, 0..1; NaN when nothing was asked. */
  readonly accuracy: number
}

export interface AnalogyCategory extends AnalogyScore {
  readonly category: string
  /** Categories whose name begins with `gram` are syntactic, as in Google's set. */
  readonly kind: 'semantic' | 'syntactic'
}

export interface AnalogyReport {
  /** Over all questions (not the mean of the categories). */
  readonly total: AnalogyScore
  /** Over all questions of semantic categories. */
  readonly semantic: AnalogyScore
  /** Over all questions of syntactic categories. */
  readonly syntactic: AnalogyScore
  /** In the order in which the questions first name them. */
  readonly categories: readonly AnalogyCategory[]
  /** Keys that were known: the `limit` asked for, at most the size of the vocabulary. */
  readonly known: number
}

/** The usual restriction of published figures; a wider search makes every question harder. */
export const ANALOGY_LIMIT = 30000

const DEFAULTS: { readonly limit: number; readonly method: AnalogyMethod } = Object.freeze({
  limit: ANALOGY_LIMIT,
  method: '3cosadd',
})
const SPECS: readonly OptionSpec[] = [
  {
    name: 'limit',
    type: 'integer',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    doc: 'know only the n most frequent keys; 0 knows all',
  },
  METHOD,
  THREADS,
  SIGNAL,
]

/** Questions searched at once: enough to fill all threads, few enough that an abort is felt soon. */
const BLOCK = 4096

/**
 * Reads analogy questions, in either of two formats: lines `category<TAB>a<TAB>b<TAB>c<TAB>d`, or that of
 * Google's questions-words.txt, where a line `: category` stands before its lines `a b c d`. Lines that begin
 * with `//` or `# ` are comments; blank lines mean nothing.
 *
 * Errors: ERR_ANYVEC_FILE, ERR_ANYVEC_ENCODING; ERR_ANYVEC_FORMAT with `details.line` for a malformed line,
 * or for a file without a question.
 *
 * @example
 * const questions = await readAnalogies('questions-words.txt')
 * // [{ category: 'capital-common-countries', a: 'Athens', b: 'Greece', c: 'Baghdad', d: 'Iraq' }, ...]
 */
export async function readAnalogies(path: string): Promise<AnalogyQuestion[]> {
  const questions: AnalogyQuestion[] = []
  let section: string | undefined
  for (const line of await readLines(path)) {
    if (line.text.startsWith(':')) {
      section = line.text.slice(1).trim()
      if (section === '') throw malformedLine(path, line, 'the name of a category behind ":"')
    } else {
      questions.push(questionOf(path, line, section))
    }
  }
  if (questions.length === 0) {
    throw new AnyvecError('ERR_ANYVEC_FORMAT', `${path} holds no analogy question`, { path })
  }
  return questions
}

function questionOf(path: string, line: Line, section: string | undefined): AnalogyQuestion {
  let fields = line.text.split('\t').map((field) => field.trim())
  if (fields.length !== 5) {
    const words = fields.length === 4 ? fields : line.text.split(/\s+/)
    // four words alone belong to a section; without one they have no category
    fields = section === undefined ? [] : [section, ...words]
  }
  if (fields.length !== 5 || fields.includes('')) {
    throw malformedLine(
      path,
      line,
      '"category a b c d" separated by tabs, or ": category" and below it "a b c d"',
    )
  }
  const [category, a, b, c, d] = fields
  return { category, a, b, c, d }
}

/**
 * Answers analogy questions by 3CosAdd (Mikolov, Yih and Zweig 2013, "Linguistic Regularities in Continuous
 * Space Word Representations"): the key whose vector has the largest cosine with `b - a + c` over unit
 * vectors, the three question words left out, among the `limit` most frequent keys. A word is looked up as
 * written, else in lower case; a question with an unknown word is skipped and counted. Totals are over
 * questions, not means of categories.
 *
 * @param questions a list, or the path or paths of files for `readAnalogies`; categories of one name are one
 *
 * Errors: ERR_ANYVEC_OPTION; ERR_ANYVEC_USAGE for what is no question; those of `readAnalogies`. An aborted
 * call rejects with its signal's reason.
 *
 * @example
 * const { total, semantic, syntactic } = await evaluateAnalogies(words, 'questions-words.txt')
 * console.log(`${(total.accuracy * 100).toFixed(1)} % of ${total.asked}, ${total.skipped} skipped`)
 */
export async function evaluateAnalogies(
  embedding: Embedding,
  questions: string | readonly string[] | readonly AnalogyQuestion[],
  options?: AnalogyOptions,
): Promise<AnalogyReport> {
  const { limit, method, threads, signal } = resolveOptions<AnalogyOptions & { limit: number }>(
    SPECS,
    options,
    DEFAULTS,
  )
  signal?.throwIfAborted()
  const tallies = new Map<string, Tally>()
  const asked: Asked[] = []
  for (const question of await gather(questions)) {
    const tally = tallies.get(question.category) ?? { correct: 0, asked: 0, skipped: 0 }
    tallies.set(question.category, tally)
    const a = spell(embedding, question.a, limit)
    const b = spell(embedding, question.b, limit)
    const c = spell(embedding, question.c, limit)
    const d = spell(embedding, question.d, limit)
    if (a === undefined || b === undefined || c === undefined || d === undefined) {
      tally.skipped++
    } else {
      tally.asked++
      asked.push({ a, b, c, d, tally })
    }
  }
  for (let from = 0; from < asked.length; from += BLOCK) {
    const block = asked.slice(from, from + BLOCK)
    const answers = await solve(embedding, block, { k: 1, limit, method, threads, signal })
    for (let i = 0; i < block.length; i++) {
      if (answers[i] === block[i].d) block[i].tally.correct++
    }
  }
  const categories = [...tallies].map(([category, tally]) => ({
    category,
    kind: kindOf(category),
    ...score([tally]),
  }))
  const ofKind = (kind: 'semantic' | 'syntactic') => categories.filter((category) => category.kind === kind)
  return {
    total: score(categories),
    semantic: score(ofKind('semantic')),
    syntactic: score(ofKind('syntactic')),
    categories,
    known: limit === 0 ? embedding.size : Math.min(limit, embedding.size),
  }
}

interface Tally {
  correct: number
  asked: number
  skipped: number
}

/** A question in the spelling of the model's keys. */
interface Asked {
  readonly a: string
  readonly b: string
  readonly c: string
  readonly d: string
  readonly tally: Tally
}

/** The best answer to each question; undefined where its vectors cancel out, which is a wrong answer. */
async function solve(
  embedding: Embedding,
  block: readonly Asked[],
  options: AnalogySearchOptions,
): Promise<(string | undefined)[]> {
  try {
    const answers = await embedding.analogyBatch(
      block.map(({ a, b, c }) => [a, b, c] as const),
      options,
    )
    return answers.map(([best]) => best?.key)
  } catch (error) {
    if (!(error instanceof AnyvecError) || error.code !== 'ERR_ANYVEC_VECTOR') throw error
    if (block.length === 1) return [undefined]
    const half = block.length >> 1
    return [
      ...(await solve(embedding, block.slice(0, half), options)),
      ...(await solve(embedding, block.slice(half), options)),
    ]
  }
}

function score(tallies: readonly Readonly<Tally>[]): AnalogyScore {
  let correct = 0
  let asked = 0
  let skipped = 0
  for (const tally of tallies) {
    correct += tally.correct
    asked += tally.asked
    skipped += tally.skipped
  }
  return { correct, asked, skipped, accuracy: correct / asked }
}

function kindOf(category: string): 'semantic' | 'syntactic' {
  return category.startsWith('gram') ? 'syntactic' : 'semantic'
}

const FIELDS = ['category', 'a', 'b', 'c', 'd'] as const

async function gather(
  questions: string | readonly string[] | readonly AnalogyQuestion[],
): Promise<readonly AnalogyQuestion[]> {
  if (typeof questions === 'string') return readAnalogies(questions)
  if (!Array.isArray(questions)) throw notAQuestion(questions)
  const gathered: AnalogyQuestion[] = []
  for (const item of questions as readonly (string | AnalogyQuestion)[]) {
    if (typeof item === 'string') {
      for (const question of await readAnalogies(item)) gathered.push(question)
    } else {
      if (!FIELDS.every((field) => typeof item?.[field] === 'string')) throw notAQuestion(item)
      gathered.push(item)
    }
  }
  return gathered
}

function notAQuestion(given: unknown): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_USAGE',
    `Expected analogy questions { category, a, b, c, d }, or paths of files of them, but received ${received(given)}`,
    { received: given },
  )
}
