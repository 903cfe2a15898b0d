/** Training before the reader's eyes: a live bar, and the engines beside each other. */

import { count, createProgressBar } from '../../lib/cli/progress.js'
import {
  AnyvecError,
  type Embedding,
  type Source,
  train,
  type TrainingReport,
  type TrainOptions,
} from '../../lib/index.js'
import { columns } from './columns.js'

/** Where there is no addon for this machine: said once, then remembered. */
let nativeMissing = false

/** Trains with the native engine; where it cannot be loaded, says so once and trains with the portable one. */
export async function trainFast(source: Source, options: TrainOptions): Promise<Embedding> {
  if (!nativeMissing) {
    try {
      return await trainWithBar(source, { ...options, engine: 'native' })
    } catch (error) {
      if (!(error instanceof AnyvecError) || error.code !== 'ERR_ANYVEC_ENGINE') throw error
      nativeMissing = true
      process.stdout.write(`  ${error.message}\n  Going on with the portable engine alone.\n`)
    }
  }
  return trainWithBar(source, { ...options, engine: 'portable' })
}

async function trainWithBar(source: Source, options: TrainOptions): Promise<Embedding> {
  const bar = createProgressBar(process.stderr)
  try {
    return await train(source, { ...options, onProgress: bar.update })
  } finally {
    bar.done()
  }
}

/**
 * Trains on one text with the same options by each engine, and prints how long each took: native on all threads,
 * native on one, portable. `source` is asked for a fresh source for every run.
 */
export async function compareEngines(source: () => Source, options: TrainOptions): Promise<void> {
  const reports = [reportOf(await trainWithBar(source(), { ...options, engine: 'native' }))]
  if (reports[0].threads > 1) {
    reports.push(reportOf(await trainWithBar(source(), { ...options, engine: 'native', threads: 1 })))
  }
  reports.push(reportOf(await trainWithBar(source(), { ...options, engine: 'portable' })))
  process.stdout.write(speeds(reports))
}

/** The table of runs, the slowest one last, and how many times faster the others were. */
function speeds(reports: readonly TrainingReport[]): string {
  const slowest = reports[reports.length - 1]
  const header = ['engine', 'instructions', 'threads', 'reading', 'training', 'words/s', '']
  const rows = reports.map((report) => [
    report.engine,
    report.isa,
    String(report.threads),
    seconds(report.seconds.vocabulary),
    seconds(report.seconds.training),
    count(report.wordsPerSecond),
    report === slowest ? '' : `${times(report.wordsPerSecond / slowest.wordsPerSecond)} as fast`,
  ])
  return columns([header, ...rows])
}

export function reportOf(embedding: Embedding): TrainingReport {
  if (embedding.report === undefined) throw new Error('this embedding was not trained here')
  return embedding.report
}

/** `0.171 s (2.92 M words/s; native engine, avx512, threads: 2)` */
export function speedOf({ seconds: took, wordsPerSecond, engine, isa, threads }: TrainingReport): string {
  const rate = `${count(wordsPerSecond)} words/s`
  return `${seconds(took.training)} (${rate}; ${engine} engine, ${isa}, threads: ${threads})`
}

function seconds(value: number): string {
  return `${value.toFixed(value < 10 ? 3 : 1)} s`
}

function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 1 : 0)} x`
}
