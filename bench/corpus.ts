/** The text that is trained on: English Wikipedia where it is at hand, else text made here. */

import { createReadStream, createWriteStream, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import type { Corpus, CorpusSummary, Engine } from '../lib/engine/engine.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

export interface BenchText {
  readonly name: string
  readonly path: string
  remove(): void
}

/** `file`, or ../shared/data/text/enwiki-100mb.txt.gz (in `ANYVEC_DATA` where that is set), or 4 million words made here. */
export async function benchText(file: string | undefined): Promise<BenchText> {
  const data = process.env.ANYVEC_DATA ?? join(root, '..', 'shared', 'data')
  const source = file ?? join(data, 'text', 'enwiki-100mb.txt.gz')
  const folder = mkdtempSync(join(tmpdir(), 'anyvec-bench-'))
  const path = join(folder, 'text.txt')
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    if (existsSync(source)) {
      const name = source.split(/[\\/]/).at(-1) as string
      if (!source.endsWith('.gz')) return { name, path: source, remove }
      await pipeline(createReadStream(source), createGunzip(), createWriteStream(path))
      return { name, path, remove }
    }
    if (file !== undefined) throw new Error(`${file} does not exist`)
    await pipeline(zipfText(4_000_000), createWriteStream(path))
    return { name: 'generated (4 million words, Zipf)', path, remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** Words w1, w2 ... of which the r-th is about r times rarer than the first, 20 a line. */
function* zipfText(words: number): Generator<string> {
  let state = 1
  let line = ''
  for (let i = 1; i <= words; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    line += `w${Math.floor(Math.exp((state / 2 ** 32) * Math.log(60_000)))}${i % 20 === 0 ? '\n' : ' '}`
    if (i % 20_000 === 0) {
      yield line
      line = ''
    }
  }
  yield line
}

/** The text as an engine's corpus, and how long reading took. */
export async function readCorpus(
  engine: Engine,
  text: BenchText,
  threads: number,
): Promise<{ readonly corpus: Corpus; readonly summary: CorpusSummary; readonly seconds: number }> {
  const corpus = engine.createCorpus({
    threads,
    memoryLimit: 2 ** 31,
    spillFolder: tmpdir(),
    malformed: 'skip',
  })
  const started = performance.now()
  await corpus.addFile(text.path)
  const summary = await corpus.finish({ minCount: 5, maxVocabulary: 0 })
  return { corpus, summary, seconds: (performance.now() - started) / 1000 }
}
