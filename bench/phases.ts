/** A whole run as a user makes it, by its phases: reading and counting, encoding, training, saving; and the memory it took. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engine } from '../lib/engine/load.js'
import { text as textSource, train } from '../lib/index.js'
import type { BenchText } from './corpus.js'

export interface Phases {
  readonly dimensions: number
  readonly epochs: number
  readonly threads: number
  /** Seconds of the clock. */
  readonly reading: number
  readonly encoding: number
  readonly training: number
  readonly saving: number
  readonly wordsPerSecond: number
  /** The most memory the process has held so far, in bytes; undefined where the system does not tell. */
  readonly peakMemory: number | undefined
}

export async function measurePhases(text: BenchText, threads: number): Promise<Phases> {
  const dimensions = 100
  const epochs = 1
  const by = engine('native')
  const corpus = by.createCorpus({ threads, memoryLimit: 2 ** 31, spillFolder: tmpdir(), malformed: 'skip' })
  const reading = await seconds(() => textSource(text.path).read(corpus, { engine: by, seed: 1 }))
  const encoding = await seconds(() => corpus.finish({ minCount: 5, maxVocabulary: 0 }))
  corpus.dispose()
  const words = await train(textSource(text.path), { dimensions, epochs, threads, engine: 'native' })
  const folder = mkdtempSync(join(tmpdir(), 'anyvec-bench-'))
  try {
    const saving = await seconds(() => words.save(join(folder, 'model.safetensors')))
    const training = words.report?.seconds.training ?? Number.NaN
    const wordsPerSecond = words.report?.wordsPerSecond ?? Number.NaN
    return {
      dimensions,
      epochs,
      threads,
      reading,
      encoding,
      training,
      saving,
      wordsPerSecond,
      peakMemory: peakMemory(),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

function peakMemory(): number | undefined {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
    return line === null ? undefined : Number(line[1]) * 1024
  } catch {
    return undefined
  }
}
