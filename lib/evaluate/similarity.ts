/**
 * Word similarity: do the vectors rank pairs of words as people do?
 *
 * A pair is scored when both of its words are known: among all keys, as written, else in lower case
 * (`spell`). Other pairs are left out and counted. The correlation is over the pairs scored, each pair as
 * often as the list has it.
 */

import type { Embedding } from '../embedding/embedding.js'
import { AnyvecError } from '../errors.js'
import { received } from '../train/specs.js'
import { pearson, spearman } from './correlation.js'
import { type Line, malformedLine, readLines } from './lines.js'
import { spell } from './spelling.js'

/** Two words and the score that people gave them. */
export interface ScoredPair {
  readonly a: string
  readonly b: string
  readonly score: number
}

export interface SimilarityReport {
  /** Spearman's rank correlation of cosines and human scores, -1..1; NaN without two pairs that differ. */
  readonly spearman: number
  /** Pearson's correlation of the same. */
  readonly pearson: number
  /** Pairs scored: both words are known. */
  readonly pairs: number
  /** Pairs in the list. */
  readonly total: number
  /** Pairs passed over because a word is unknown: `total - pairs`. */
  readonly outOfVocabulary: number
}

/**
 * Reads pairs of words with human scores: one pair a line, three fields separated by tabs, else by commas,
 * else by blanks; the first line may be a header. Lines that begin with `//` or `# ` are comments; blank
 * lines mean nothing. WordSim-353, SimLex-999 and MEN come in this shape.
 *
 * Errors: ERR_ANYVEC_FILE, ERR_ANYVEC_ENCODING; ERR_ANYVEC_FORMAT with `details.line` for a malformed line or
 * no pair at all.
 *
 * @example
 * const pairs = await readScoredPairs('ws-353.tsv')  // [{ a: 'tiger', b: 'cat', score: 7.35 }, ...]
 */
export async function readScoredPairs(path: string): Promise<ScoredPair[]> {
  const pairs: ScoredPair[] = []
  const lines = await readLines(path)
  for (let i = 0; i < lines.length; i++) {
    const fields = cut(lines[i])
    const score = fields.length === 3 ? number(fields[2]) : undefined
    if (score !== undefined && fields[0] !== '' && fields[1] !== '') {
      pairs.push({ a: fields[0], b: fields[1], score })
    } else if (i > 0 || fields.length !== 3 || score !== undefined) {
      throw malformedLine(path, lines[i], 'two words and a score, separated by tabs, commas or spaces')
    }
  }
  if (pairs.length === 0) {
    throw new AnyvecError('ERR_ANYVEC_FORMAT', `${path} holds no pair of words with a score`, { path })
  }
  return pairs
}

/**
 * Scores an embedding against human judgements of similarity: the correlation between the cosine of a pair's
 * vectors and its score, over the pairs both of whose words are known (as written, else in lower case). Ties
 * share the mean of their ranks.
 *
 * @param pairs a list, or the path of a file that `readScoredPairs` reads
 *
 * Errors: ERR_ANYVEC_USAGE for what is no list of pairs; those of `readScoredPairs`.
 *
 * @example
 * const { spearman, pairs, outOfVocabulary } = await evaluateSimilarity(words, 'ws-353.tsv')
 * console.log(`${spearman.toFixed(3)} over ${pairs} pairs; ${outOfVocabulary} with an unknown word`)
 */
export async function evaluateSimilarity(
  embedding: Embedding,
  pairs: string | readonly ScoredPair[],
): Promise<SimilarityReport> {
  const list = typeof pairs === 'string' ? await readScoredPairs(pairs) : pairs
  if (!Array.isArray(list)) throw notAPair(list)
  const cosines: number[] = []
  const scores: number[] = []
  for (const pair of list as readonly ScoredPair[]) {
    if (typeof pair?.a !== 'string' || typeof pair.b !== 'string' || !Number.isFinite(pair.score))
      throw notAPair(pair)
    const a = spell(embedding, pair.a)
    const b = spell(embedding, pair.b)
    if (a === undefined || b === undefined) continue
    cosines.push(embedding.similarity(a, b))
    scores.push(pair.score)
  }
  return {
    spearman: spearman(cosines, scores),
    pearson: pearson(cosines, scores),
    pairs: scores.length,
    total: list.length,
    outOfVocabulary: list.length - scores.length,
  }
}

function notAPair(given: unknown): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_USAGE',
    `Expected pairs { a, b, score } with a finite score, or the path of a file, but received ${received(given)}`,
    { received: given },
  )
}

function cut(line: Line): string[] {
  const separator = line.text.includes('\t') ? '\t' : line.text.includes(',') ? ',' : /\s+/
  return line.text.split(separator).map((field) => field.trim())
}

/** A finite number, else undefined. */
function number(field: string): number | undefined {
  const value = field === '' ? Number.NaN : Number(field)
  return Number.isFinite(value) ? value : undefined
}
