/**
 * Batch mode: queries from stdin, one a line; answers on stdout, one line each, in order.
 *
 * Lines are answered in blocks, because searching many queries at once is far faster than one by one. A block
 * is what one read of stdin brought, so answers come as soon as stdin pauses and another program can talk to
 * us line by line.
 */

import { AnyvecError } from '../index.js'
import { print } from './output.js'

/** Lines answered at once. */
const BLOCK = 4096

/** Blocks at work at once: while one is searched for, another is read or written. */
const AT_WORK = 2

/** No query is longer; a stream without line ends must not fill the memory. */
const LONGEST_LINE = 1 << 20

/** What a block of queries came to: a line for each, and why some have no answer. */
export interface BlockAnswers {
  /** The lines with their ends; bytes are UTF-8. */
  readonly text: string | Uint8Array
  /** Of queries without an answer, in the words that follow "because": for example `unknown key "aple"`. */
  readonly failures: readonly string[]
}

/**
 * Answers every line of `input`.
 * Errors: ERR_ANYVEC_UNKNOWN_KEY after the last answer when some queries had none.
 */
export async function answerBatch(
  input: NodeJS.ReadableStream,
  answer: (queries: readonly string[]) => Promise<BlockAnswers>,
): Promise<void> {
  let queries = 0
  let failed = 0
  let first = ''
  const write = async (asked: number, answers: Promise<BlockAnswers>, before: Promise<void>) => {
    const [{ text, failures }] = await Promise.all([answers, before])
    await print(text)
    if (failed === 0 && failures.length > 0) first = failures[0]
    queries += asked
    failed += failures.length
  }
  const atWork: Promise<void>[] = [Promise.resolve()]
  for await (const block of blocks(input)) {
    const written = write(block.length, answer(block), atWork[atWork.length - 1])
    // it is waited for below, and by the next one: a failure is nobody's surprise
    written.catch(() => {})
    atWork.push(written)
    if (atWork.length > AT_WORK) await atWork.shift()
  }
  await Promise.all(atWork)
  if (failed > 0) {
    throw new AnyvecError(
      'ERR_ANYVEC_UNKNOWN_KEY',
      `${failed} of ${queries} queries have an empty answer; the first one because of ${first}`,
      { failed, queries },
    )
  }
}

async function* blocks(input: NodeJS.ReadableStream): AsyncGenerator<string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
    rest = lines.pop() as string
    if (rest.length > LONGEST_LINE) {
      throw new AnyvecError(
        'ERR_ANYVEC_FORMAT',
        `stdin holds a line longer than ${LONGEST_LINE} characters`,
        {},
      )
    }
    for (let from = 0; from < lines.length; from += BLOCK)
      yield lines.slice(from, from + BLOCK).map(withoutReturn)
  }
  rest += decoder.decode()
  if (rest !== '') yield [withoutReturn(rest)]
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
