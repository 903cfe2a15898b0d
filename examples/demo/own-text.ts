/** The demo on a text of the reader's own. */

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { size } from '../../lib/cli/progress.js'
import { type Embedding, text, type TrainOptions } from '../../lib/index.js'
import { columns, shown } from './columns.js'
import { compareEngines, reportOf, speedOf, trainFast } from './training.js'

/** Below this many bytes a text is short, and gets more epochs. */
const SHORT = 2 ** 20
/** Words whose neighbours are shown when the reader names none, and neighbours a word. */
const SHOWN_WORDS = 6
const SHOWN_NEIGHBOURS = 5
/** The most ranks from one shown word to the next: further down are words of content. */
const WORDS_APART = 50
/** Bytes of text that the engines are compared on: the portable one takes a few seconds for them. */
const COMPARED = 2 ** 20
/** How a file compressed with gzip begins. */
const GZIP = Buffer.from([0x1f, 0x8b])

/**
 * Trains on the file, prints the neighbours of the keys, and compares the engines on the beginning of the text.
 * Answers the exit code: 1 when a key was unknown. Rejects with whatever `train` rejects with.
 */
export async function askOwnText(file: string, keys: readonly string[]): Promise<number> {
  process.stdout.write(`Training on ${shown(file)}\n`)
  const bytes = await stat(file).then(
    (found) => found.size,
    // `train` says what is wrong with the file.
    () => 0,
  )
  const words = await trainFast(text(file), { epochs: bytes < SHORT ? 20 : 5 })
  const report = reportOf(words)
  process.stdout.write(
    `  ${report.corpus.tokens} words, ${words.size} different ones often enough; ` +
      `${report.options.epochs} epochs in ${speedOf(report)}\n\n`,
  )
  const known = await printNeighbours(words, keys.length > 0 ? keys : frequentWords(words))
  if (report.engine === 'native') {
    const sample = await beginning(file, COMPARED)
    const options: TrainOptions = { epochs: Math.min(20, Math.round(COMPARED / sample.length)), minCount: 1 }
    process.stdout.write(
      `\nThe engines on the first ${size(sample.length)}: ${options.epochs} ${options.epochs === 1 ? 'epoch' : 'epochs'}, every word kept\n`,
    )
    await compareEngines(() => text([sample]), options)
  }
  return known ? 0 : 1
}

/** Prints what is near each key; answers whether all of them were known. */
async function printNeighbours(words: Embedding, keys: readonly string[]): Promise<boolean> {
  const known = keys.filter((key) => words.has(key))
  const answers = await words.nearestBatch(known, { k: SHOWN_NEIGHBOURS })
  const rows = known.map((key, i) => [
    shown(key),
    ...answers[i].map((neighbour) => `${shown(neighbour.key)} ${neighbour.score.toFixed(2)}`),
  ])
  process.stdout.write(`Nearest neighbours\n${columns(rows)}`)
  for (const key of keys) {
    if (known.includes(key)) continue
    const near = words.keys.suggest(key)
    const advice = near === undefined ? '' : `; did you mean ${shown(near)}?`
    process.stderr.write(`The key ${shown(key)} is not in the vocabulary${advice}\n`)
  }
  return known.length === keys.length
}

/**
 * Some frequent words that say something: the first ones past those that subsampling thins out (the, of, and), and
 * more than single letters or punctuation.
 */
function frequentWords(words: Embedding): string[] {
  const { corpus, options } = reportOf(words)
  const all = [...firstKeys(words, 5000)].filter((key) => /[\p{L}\p{N}]{2}|\p{Script=Han}/u.test(key))
  const plain = all.findIndex((key) => (words.count(key) ?? 0) / corpus.keptTokens < options.subsample)
  // In a short text every word is that frequent: then the rarest ones say most.
  const start = plain < 0 ? all.length : plain
  const from = Math.max(0, Math.min(start, all.length - SHOWN_WORDS))
  const step = Math.max(1, Math.min(WORDS_APART, Math.floor((all.length - from) / SHOWN_WORDS)))
  return Array.from({ length: SHOWN_WORDS }, (_, i) => all[from + i * step]).filter(
    (key) => key !== undefined,
  )
}

function* firstKeys(words: Embedding, limit: number): Generator<string> {
  for (let id = 0; id < Math.min(limit, words.size); id++) yield words.keys.at(id) as string
}

/** The first bytes of a file's text, cut after a whole word; what gzip compressed is unpacked. */
async function beginning(file: string, limit: number): Promise<Buffer> {
  const compressed = (await head(createReadStream(file), GZIP.length)).equals(GZIP)
  const stream = createReadStream(file)
  const plain = compressed ? stream.pipe(createGunzip()) : stream
  stream.on('error', (error) => plain.destroy(error))
  const bytes = await head(plain, limit)
  stream.destroy()
  // No word is longer than the limit: `train` has read them all.
  return bytes.length < limit
    ? bytes
    : bytes.subarray(
        0,
        bytes.findLastIndex((byte) => byte <= 0x20),
      )
}

async function head(stream: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const blocks: Buffer[] = []
  let length = 0
  for await (const block of stream) {
    blocks.push(block)
    length += block.length
    if (length >= limit) break
  }
  return Buffer.concat(blocks).subarray(0, limit)
}
