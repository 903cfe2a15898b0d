/**
 * `npm run bench [-- --json] [--text FILE] [--seconds 4] [--rounds 3]`: words a second of training, by the native engine, the
 * portable engine, and a plain scalar loop in the style of the original word2vec program (one pair and one target at a
 * time), for 100 and 300 dimensions, on one thread and on all.
 *
 * The three are measured in turns, several rounds, and the round in the middle counts. One thread is judged by processor
 * seconds, all threads by the clock. Before that a whole run by its phases; behind it the native engine on 1, 2, 4 ... threads.
 * Reading, search and a comparison of two builds have benchmarks of their own: bench:reading, bench:search, bench:guard.
 */

import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { TrainingParameters } from '../lib/engine/engine.js'
import { engine } from '../lib/engine/load.js'
import { DEFAULTS } from '../lib/train/options.js'
import { benchText, readCorpus } from './corpus.js'
import { measurePhases } from './phases.js'
import { measureRate, median, type Rate, type Trainer } from './rate.js'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    text: { type: 'string' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
  },
})
const seconds = Number(options.seconds)
const rounds = Number(options.rounds)
if (!(seconds > 0) || !(rounds >= 1)) throw new Error('--seconds and --rounds take numbers above 0')

interface Row {
  readonly dimensions: number
  readonly threads: number
  readonly trainer: string
  readonly wordsPerSecond: number
  readonly wordsPerCoreSecond: number
  /** By the scalar reference of the same row of the table. */
  readonly timesReference: number
  readonly timesPortable: number
  /** Of the floating-point operations that as many cores reach on fused multiply-adds in registers; native only. */
  readonly fractionOfPeak?: number
}

const say = (text: string) => {
  if (!options.json) process.stdout.write(`${text}\n`)
}

/** What published figures were measured with, so that ours stand beside them. */
const COMPARABLE = { window: 5, negative: 5, subsample: 1e-3, negativeExponent: 0.75, learningRate: 0.025 }

const native = engine('native')
const portable = engine('portable')
const { instruments } = native
if (instruments === undefined) throw new Error('the native engine has no instruments')
const all = availableParallelism()
const processor = cpus()[0]?.model.trim() ?? 'unknown'
const text = await benchText(options.text)

try {
  const nativeCorpus = await readCorpus(native, text, all)
  const portableCorpus = await readCorpus(portable, text, 1)
  const { summary } = nativeCorpus
  const peak = instruments.fmaPeak()
  const parameters: TrainingParameters = {
    ...DEFAULTS,
    ...COMPARABLE,
    epochs: 1,
    threads: all,
    dimensions: 1,
  }
  // one epoch of one dimension tells how many pairs a word takes part in
  const { pairs } = await native.train(nativeCorpus.corpus, parameters)
  // a pair with the centre and its negatives: one product and two updates, a multiplication and an addition each
  const operationsPerWord = (pairs / summary.keptTokens) * (1 + parameters.negative) * 6

  say(`${processor}, ${all} threads; native engine on ${native.isa}; Node ${process.version}`)
  say(
    `${text.name}: ${count(summary.tokens)} words, ${count(summary.vocabulary)} of them distinct with count >= 5`,
  )
  say(
    `vocabulary and ids: native ${nativeCorpus.seconds.toFixed(2)} s, portable ${portableCorpus.seconds.toFixed(2)} s`,
  )
  say(
    `${operationsPerWord.toFixed(0)} x dimensions operations a word; FMA peak of a core ${(peak / 1e9).toFixed(0)} GFLOP/s`,
  )
  const phases = await measurePhases(text, all)
  const milliseconds = (value: number) => `${(value * 1000).toFixed(0)} ms`
  const memory =
    phases.peakMemory === undefined ? '' : `; peak memory ${(phases.peakMemory / 2 ** 20).toFixed(0)} MiB`
  say(
    `a run of one epoch, ${phases.dimensions} dimensions, ${all} threads: reading ${milliseconds(phases.reading)}, ` +
      `encoding ${milliseconds(phases.encoding)}, training ${milliseconds(phases.training)} ` +
      `(${count(phases.wordsPerSecond)} words/s), saving ${milliseconds(phases.saving)}${memory}`,
  )
  say('')
  say('dimensions  threads  trainer        words/s    words/core-s  x reference  x portable  of peak')

  const reference: Trainer = (corpus, given, hooks) => instruments.trainReference(corpus, given, hooks)
  const nativeTrainer: Trainer = (corpus, given, hooks) => native.train(corpus, given, hooks)
  const portableTrainer: Trainer = (corpus, given, hooks) => portable.train(corpus, given, hooks)
  const rows: Row[] = []
  for (const dimensions of [100, 300]) {
    let onePortable: Rate | undefined
    for (const threads of new Set([1, all])) {
      const given = { ...parameters, dimensions, threads }
      const rates: Record<string, Rate[]> = { native: [], reference: [], portable: [] }
      for (let round = 0; round < rounds; round++) {
        rates.native?.push(await measureRate(nativeTrainer, nativeCorpus.corpus, given, seconds))
        rates.reference?.push(await measureRate(reference, nativeCorpus.corpus, given, seconds))
        // the portable engine has one thread: once is enough
        if (threads === 1)
          rates.portable?.push(await measureRate(portableTrainer, portableCorpus.corpus, given, seconds))
      }
      const middle = { native: median(rates.native as Rate[]), reference: median(rates.reference as Rate[]) }
      if (threads === 1) onePortable = median(rates.portable as Rate[])
      const slow = onePortable as Rate
      const speed = (rate: Rate) => (threads === 1 ? rate.wordsPerCoreSecond : rate.wordsPerSecond)
      const trainers = { ...middle, ...(threads === 1 ? { portable: slow } : {}) }
      for (const [trainer, rate] of Object.entries(trainers)) {
        const row: Row = {
          dimensions,
          threads,
          trainer,
          wordsPerSecond: rate.wordsPerSecond,
          wordsPerCoreSecond: rate.wordsPerCoreSecond,
          timesReference: speed(rate) / speed(middle.reference),
          timesPortable: speed(rate) / speed(slow),
          ...(trainer === 'native'
            ? { fractionOfPeak: (speed(rate) * operationsPerWord * dimensions) / (peak * threads) }
            : {}),
        }
        rows.push(row)
        say(
          `${String(dimensions).padStart(10)}${String(threads).padStart(9)}  ${trainer.padEnd(10)}` +
            `${count(rate.wordsPerSecond).padStart(12)}${count(rate.wordsPerCoreSecond).padStart(16)}` +
            `${row.timesReference.toFixed(2).padStart(13)}${row.timesPortable.toFixed(1).padStart(12)}` +
            `${(row.fractionOfPeak === undefined ? '' : row.fractionOfPeak.toFixed(3)).padStart(9)}`,
        )
      }
    }
  }
  const scaling: { threads: number; wordsPerSecond: number; timesOne: number }[] = []
  const steps = new Set([1, 2, 4, 8, 16, 32, 64, 128].filter((threads) => threads < all).concat(all))
  if (steps.size > 1) say('\nthreads        words/s  x one thread   (100 dimensions, by the clock)')
  for (const threads of steps.size > 1 ? steps : []) {
    const rates: Rate[] = []
    const given = { ...parameters, dimensions: 100, threads }
    for (let round = 0; round < rounds; round++) {
      rates.push(await measureRate(nativeTrainer, nativeCorpus.corpus, given, seconds))
    }
    const { wordsPerSecond } = median(rates)
    const timesOne = wordsPerSecond / (scaling[0]?.wordsPerSecond ?? wordsPerSecond)
    scaling.push({ threads, wordsPerSecond, timesOne })
    say(
      `${String(threads).padStart(7)}${count(wordsPerSecond).padStart(15)}${timesOne.toFixed(2).padStart(14)}`,
    )
  }
  if (options.json) {
    const report = {
      processor,
      threads: all,
      isa: native.isa,
      node: process.version,
      text: { name: text.name, words: summary.tokens, vocabulary: summary.vocabulary },
      vocabularySeconds: { native: nativeCorpus.seconds, portable: portableCorpus.seconds },
      fmaPeak: peak,
      operationsPerWordAndDimension: operationsPerWord,
      options: { window: parameters.window, negative: parameters.negative, subsample: parameters.subsample },
      phases,
      training: rows,
      scaling,
    }
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  }
} finally {
  text.remove()
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
