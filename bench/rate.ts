/** How fast a training loop runs: a look at its counter at the beginning and at the end of some seconds. */

import type {
  Corpus,
  Hooks,
  TrainingOutcome,
  TrainingParameters,
  TrainingProgress,
} from '../lib/engine/engine.js'

export type Trainer = (
  corpus: Corpus,
  parameters: TrainingParameters,
  hooks: Hooks<TrainingProgress>,
) => Promise<TrainingOutcome>

export interface Rate {
  /** Tokens of the vocabulary, before subsampling, a second of wall time. */
  readonly wordsPerSecond: number
  /** The same a second of processor time, whatever else the machine does. */
  readonly wordsPerCoreSecond: number
}

/** The words of the first half second are not counted: pages are touched, caches and just-in-time code warm up. */
const WARM_UP = 0.5

/** Trains for some seconds and gives up. */
export async function measureRate(
  train: Trainer,
  corpus: Corpus,
  parameters: TrainingParameters,
  seconds: number,
): Promise<Rate> {
  const done = new AbortController()
  let first: Sample | undefined
  let last: Sample | undefined
  const onProgress = ({ words }: TrainingProgress) => {
    // counters move a piece of some thousand words at a time: wait for the first
    if (words === 0) return
    const sample = { words, wall: performance.now() / 1000, processor: processorSeconds() }
    if (first === undefined) {
      warm ??= sample.wall
      if (sample.wall - warm >= WARM_UP) first = sample
      return
    }
    if (last === undefined || words > last.words) last = sample
    if (sample.wall - first.wall >= seconds) done.abort()
  }
  let warm: number | undefined
  try {
    // epochs without end: the rate, and with it the work, stays that of the beginning
    await train(corpus, { ...parameters, epochs: 10_000 }, { onProgress, signal: done.signal })
  } catch (error) {
    if (!done.signal.aborted) throw error
  }
  if (first === undefined || last === undefined) throw new Error('the training loop made no progress')
  const words = last.words - first.words
  return {
    wordsPerSecond: words / (last.wall - first.wall),
    wordsPerCoreSecond: words / (last.processor - first.processor),
  }
}

interface Sample {
  readonly words: number
  readonly wall: number
  readonly processor: number
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Of some measurements the one in the middle. */
export function median(rates: readonly Rate[]): Rate {
  const middle = (pick: (rate: Rate) => number) =>
    rates.map(pick).sort((a, b) => a - b)[Math.floor(rates.length / 2)] as number
  return {
    wordsPerSecond: middle((rate) => rate.wordsPerSecond),
    wordsPerCoreSecond: middle((rate) => rate.wordsPerCoreSecond),
  }
}
