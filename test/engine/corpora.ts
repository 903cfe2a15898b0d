/** Texts and parameters for tests of the engines. */

import { tmpdir } from 'node:os'
import type { Corpus, CorpusParameters, Engine, TrainingParameters } from '../../lib/engine/engine.js'

export const PARAMETERS: TrainingParameters = {
  dimensions: 24,
  window: 4,
  negative: 5,
  epochs: 2,
  subsample: 1e-2,
  learningRate: 0.05,
  negativeExponent: 0.75,
  contextWeight: 0.25,
  threads: 1,
  seed: 7,
}

export const CORPUS: CorpusParameters = {
  threads: 2,
  memoryLimit: 2 ** 30,
  spillFolder: tmpdir(),
  malformed: 'error',
}

/** Uniform on [0, 1): Weyl sequence and murmur's finaliser. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    let x = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32
  }
}

/** Lines of 1 to 30 words whose frequencies fall as in a language; some Chinese, some long, all kinds of white space. */
export function languageText(words: number, seed = 1): string {
  const next = random(seed)
  const gaps = [' ', ' ', ' ', ' ', ' ', ' ', '\t', '  ', '\r\n', '\n', '\n\n', ' \v']
  let text = ''
  for (let i = 0; i < words; i++) {
    const rank = Math.floor(Math.exp(next() * 7))
    text += `${rank % 3 === 0 ? '苹果' : 'w'}${rank}${rank % 11 === 0 ? '_with_a_long_ending' : ''}`
    text += gaps[Math.floor(next() * gaps.length)]
  }
  return text
}

export async function readText(
  engine: Engine,
  text: string | Uint8Array,
  parameters: Partial<CorpusParameters> = {},
): Promise<Corpus> {
  const corpus = engine.createCorpus({ ...CORPUS, ...parameters })
  await corpus.addBlock(typeof text === 'string' ? Buffer.from(text) : text, 'text')
  await corpus.endStream()
  return corpus
}

export async function finishedText(engine: Engine, text: string, minCount = 1): Promise<Corpus> {
  const corpus = await readText(engine, text)
  await corpus.finish({ minCount, maxVocabulary: 0 })
  return corpus
}

/** The keys as strings. */
export function keysOf({ keys: { bytes, offsets } }: Pick<Corpus, 'keys'>): string[] {
  return Array.from({ length: offsets.length - 1 }, (_, i) =>
    Buffer.from(bytes.subarray(Number(offsets[i]), Number(offsets[i + 1]))).toString(),
  )
}
