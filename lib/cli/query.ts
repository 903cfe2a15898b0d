/** What the query commands have in common: their flags, where queries come from, and how answers look. */

import { Option } from 'commander'
import { AnyvecError, type Embedding, type EngineChoice, type Neighbour } from '../index.js'
import { DEFAULTS, ENGINE, THREADS } from '../train/options.js'
import { answerBatch } from './batch.js'
import { UsageError } from './failure.js'
import { flagOf } from './flag.js'
import { print, printJson } from './output.js'

/** One kind of query: how many words it has, how it is answered, how an answer is shown. */
export interface QueryKind<Answer> {
  /** The words of one query, as in a usage line: `['A', 'B', 'C']`. */
  readonly words: readonly string[]
  /** Answers queries, all of one block together. */
  ask(queries: readonly (readonly string[])[]): Promise<readonly Answer[]>
  /** An answer on one line, behind `query<TAB>`. */
  inline(answer: Answer): string
  /** An answer that stands alone, with its line ends. */
  block(answer: Answer): string
  /** The fields of an answer in JSON; undefined stands for a query without an answer. */
  fields(answer: Answer | undefined): object
}

/**
 * Answers what stands on the command line. `given` is one query; where its last word is `-`, every line of
 * stdin completes one query (`analogy MODEL -` reads `a b c`, `analogy MODEL man king -` reads `c`). Errors:
 * ERR_ANYVEC_UNKNOWN_KEY.
 */
export async function answerGiven<Answer>(
  embedding: Embedding,
  kind: QueryKind<Answer>,
  given: readonly string[],
  json: boolean,
): Promise<void> {
  if (given.at(-1) === '-' && given.length <= kind.words.length) {
    await answerStdin(embedding, kind, given.slice(0, -1), json)
    return
  }
  if (given.length !== kind.words.length) {
    throw new UsageError(`expected MODEL ${kind.words.join(' ')}, or MODEL - with one query a line on stdin`)
  }
  const [answer] = await kind.ask([given])
  if (json) await printJson({ query: queryOf(given), ...kind.fields(answer) })
  else await print(kind.block(answer))
}

async function answerStdin<Answer>(
  embedding: Embedding,
  kind: QueryKind<Answer>,
  fixed: readonly string[],
  json: boolean,
): Promise<void> {
  const wanted = kind.words.length - fixed.length
  await answerBatch(process.stdin, async (lines) => {
    const queries = lines.map((line) => {
      const words = wanted === 1 ? [line] : line.includes('\t') ? line.split('\t') : line.trim().split(/\s+/)
      const query = [...fixed, ...words]
      const unknown = query.find((word) => !embedding.has(word))
      if (words.length !== wanted) {
        return {
          line,
          query,
          failure: `a line of ${words.length} words instead of ${wanted}: ${JSON.stringify(line)}`,
        }
      }
      return {
        line,
        query,
        failure: unknown === undefined ? undefined : `the unknown key ${JSON.stringify(unknown)}`,
      }
    })
    const answers = await askAll(
      kind,
      queries.filter(({ failure }) => failure === undefined).map(({ query }) => query),
    )
    const failures: string[] = []
    let next = 0
    const out = queries.map(({ line, query, failure }) => {
      const answer = failure === undefined ? answers[next++] : new Error(failure)
      const failed = answer instanceof Error
      if (failed) failures.push(answer.message)
      if (json) return JSON.stringify({ query: queryOf(query), ...kind.fields(failed ? undefined : answer) })
      return `${line}\t${failed ? '' : kind.inline(answer)}`
    })
    return { failures, text: out.map((line) => `${line}\n`).join('') }
  })
}

/** Answers all queries; one whose vector cannot be searched with (it is zero) must not cost the others theirs. */
async function askAll<Answer>(
  kind: QueryKind<Answer>,
  queries: readonly (readonly string[])[],
): Promise<readonly (Answer | Error)[]> {
  if (queries.length === 0) return []
  try {
    return await kind.ask(queries)
  } catch (error) {
    if (!(error instanceof AnyvecError) || error.code !== 'ERR_ANYVEC_VECTOR') throw error
    if (queries.length === 1) return [error]
    const half = queries.length >> 1
    return [...(await askAll(kind, queries.slice(0, half))), ...(await askAll(kind, queries.slice(half)))]
  }
}

function queryOf(words: readonly string[]): string | readonly string[] {
  return words.length === 1 ? words[0] : words
}

/** How lists of neighbours are shown, by `nearest` and `analogy`. */
export function neighbourLists(scores: boolean): Omit<QueryKind<readonly Neighbour[]>, 'words' | 'ask'> {
  const score = (neighbour: Neighbour) => neighbour.score.toFixed(4)
  return {
    inline: (list) => list.map((one) => (scores ? `${one.key}:${score(one)}` : one.key)).join(' '),
    block: (list) => list.map((one) => (scores ? `${one.key}\t${score(one)}\n` : `${one.key}\n`)).join(''),
    fields: (list) => ({ answers: list ?? [] }),
  }
}

/** Flags that every command on a model has. */
export interface ModelFlags {
  readonly engine?: EngineChoice
  readonly threads?: number
  readonly json?: true
}

/** Flags of commands that search. */
export interface SearchFlags extends ModelFlags {
  readonly k?: number
  readonly top?: number
  readonly scores?: true
}

// Functions, not constants: commander's options keep state.
export const engineOption = () => flagOf(ENGINE, DEFAULTS.engine)
export const threadsOption = () => flagOf(THREADS, 'all processors')
export const jsonOption = (what: string) => new Option('--json', `print ${what}`)
export const kOption = () =>
  flagOf(
    { name: 'k', type: 'integer', min: 1, max: Number.MAX_SAFE_INTEGER, doc: 'answers a query' },
    10,
    '-k, --k',
  )
/** `limit` in the library. */
export const topOption = (doc: string, defaultValue: number) =>
  flagOf({ name: 'top', type: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER, doc }, defaultValue)
export const scoresOption = () =>
  new Option('--scores', 'print scores too: key<TAB>score, in batches key:score')
