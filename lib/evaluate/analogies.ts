/** Analogy questions: a is to b as c is to d, answered by 3CosAdd. */

import type { Embedding, SearchOptions } from '../embedding/embedding.js'
import { AnyvecError } from '../errors.js'
import { SIGNAL, THREADS } from '../train/options.js'
import { type OptionSpec, resolveOptions } from '../train/specs.js'
import { malformedLine, readLines } from './lines.js'
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
  /** Threads that search. Default: all. */
  readonly threads?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The outcome of a set of questions. */
export interface AnalogyScore {
  readonly correct: number
  /** Questions asked: all four words are known. */
  readonly answered: number
  /** Questions passed over because a word is unknown: `total - answered`. */
  readonly skipped: number
  readonly total: number
  /** `correct / answered`, 0..1; NaN when nothing was answered. */
  readonly accuracy: number
}

export interface AnalogyCategory extends AnalogyScore {
  readonly category: string
  /** Categories whose name begins with `gram` are syntactic, as in Google's set. */
  readonly kind: 'semantic' | 'syntactic'
}

export interface AnalogyReport {
  /** In the order in which the questions name them. */
  readonly categories: readonly AnalogyCategory[]
  readonly semantic: AnalogyScore
  readonly syntactic: AnalogyScore
  readonly total: AnalogyScore
  readonly limit: number
}

/** The usual restriction of published figures; a wider search makes every question harder. */
export const ANALOGY_LIMIT = 30000

const DEFAULTS = Object.freeze({ limit: ANALOGY_LIMIT })
const SPECS: readonly OptionSpec[] = [
  { name: 'limit', type: 'integer', min: 0, max: 2 ** 32 - 2, doc: 'know only the n most frequent keys; 0 knows all' },
  THREADS,
  SIGNAL,
]

/** Questions searched at once: enough to fill all threads, few enough that an abort is felt soon. */
const BLOCK = 2048

/**
 * Reads analogy questions: lines `category<TAB>a<TAB>b<TAB>c<TAB>d`, or the format of Google's questions-words.txt
 * (`: category` lines, each followed by its `a b c d` lines). `#` and `//` begin comments.
 *
 * Errors: ERR_ANYVEC_FILE, ERR_ANYVEC_ENCODING; ERR_ANYVEC_FORMAT with `details.line` for a malformed line or no question at all.
 *
 * @example
 * const questions = await readAnalogies('questions-words.txt')
 * // [{ category: 'capital-common-countries', a: 'Athens', b: 'Greece', c: 'Baghdad', d: 'Iraq' }, ...]
 */
export async function readAnalogies(path: string): Promise<AnalogyQuestion[]> {
  const questions: AnalogyQuestion[] = []
  let heading: string | undefined
  for (const line of await readLines(path)) {
    if (line.text.startsWith(':')) {
      heading = line.text.slice(1).trim()
      continue
    }
    const row = line.text.split('\t').map((field) => field.trim())
    const fields = row.length === 5 ? row : [heading ?? '', ...line.text.split(/\s+/)]
    if (fields.length !== 5 || fields.includes('')) {
      throw malformedLine(path, line, '"category a b c d" separated by tabs, or ": category" and then "a b c d"')
    }
    const [category, a, b, c, d] = fields
    questions.push({ category, a, b, c, d })
  }
  if (questions.length === 0) {
    throw new AnyvecError('ERR_ANYVEC_FORMAT', `${path} holds no analogy question`, { path })
  }
  return questions
}

/**
 * Answers analogy questions by 3CosAdd (Mikolov, Yih and Zweig 2013): the key whose vector has the largest cosine with
 * `b - a + c` over unit vectors, the three question words left out. A word is looked up as written, then in lower
 * case; a question with an unknown word is skipped and counted.
 *
 * @param questions a list, or the paths of files that `readAnalogies` reads; categories of one name are one
 *
 * @example
 * const { total, semantic, syntactic } = await evaluateAnalogies(words, ['questions-words.txt'])
 * console.log(`${(total.accuracy * 100).toFixed(1)} % of ${total.answered}`)
 */
export async function evaluateAnalogies(
  embedding: Embedding,
  questions: readonly string[] | readonly AnalogyQuestion[],
  options: AnalogyOptions = {},
): Promise<AnalogyReport> {
  const { limit, threads, signal } = resolveOptions<AnalogyOptions & { limit: number }>(SPECS, options, DEFAULTS)
  const tallies = new Map<string, Tally>()
  const asked: Asked[] = []
  for (const question of await gather(questions)) {
    let tally = tallies.get(question.category)
    if (tally === undefined) tallies.set(question.category, (tally = { correct: 0, answered: 0, total: 0 }))
    tally.total++
    const a = spell(embedding, question.a, limit)
    const b = spell(embedding, question.b, limit)
    const c = spell(embedding, question.c, limit)
    const d = spell(embedding, question.d, limit)
    if (a === undefined || b === undefined || c === undefined || d === undefined) continue
    tally.answered++
    asked.push({ a, b, c, d, tally })
  }
  for (let from = 0; from < asked.length; from += BLOCK) {
    const block = asked.slice(from, from + BLOCK)
    const answers = await solve(embedding, block, { k: 1, limit, threads, signal })
    for (let i = 0; i < block.length; i++) {
      if (answers[i] === block[i].d) block[i].tally.correct++
    }
  }
  const categories = [...tallies].map(([category, tally]) => ({ category, kind: kindOf(category), ...score([tally]) }))
  const ofKind = (kind: 'semantic' | 'syntactic') => categories.filter((category) => category.kind === kind)
  return {
    categories,
    semantic: score(ofKind('semantic')),
    syntactic: score(ofKind('syntactic')),
    total: score(categories),
    limit,
  }
}

interface Tally {
  correct: number
  answered: number
  total: number
}

/** A question in the spelling of the model's keys. */
interface Asked {
  readonly a: string
  readonly b: string
  readonly c: string
  readonly d: string
  readonly tally: Tally
}

/** The best answer to each question; undefined where the question's vectors cancel out, which is a wrong answer. */
async function solve(
  embedding: Embedding,
  block: readonly Asked[],
  options: SearchOptions,
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
    const halves = [block.slice(0, block.length >> 1), block.slice(block.length >> 1)]
    return [...(await solve(embedding, halves[0], options)), ...(await solve(embedding, halves[1], options))]
  }
}

function score(tallies: readonly Readonly<Tally>[]): AnalogyScore {
  let correct = 0
  let answered = 0
  let total = 0
  for (const tally of tallies) {
    correct += tally.correct
    answered += tally.answered
    total += tally.total
  }
  return { correct, answered, skipped: total - answered, total, accuracy: correct / answered }
}

function kindOf(category: string): 'semantic' | 'syntactic' {
  return category.startsWith('gram') ? 'syntactic' : 'semantic'
}

async function gather(questions: readonly string[] | readonly AnalogyQuestion[]): Promise<AnalogyQuestion[]> {
  const gathered: AnalogyQuestion[] = []
  for (const item of questions) {
    if (typeof item === 'string') for (const question of await readAnalogies(item)) gathered.push(question)
    else gathered.push(item)
  }
  return gathered
}
