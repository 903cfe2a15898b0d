/**
 * `npm run bench [-- --json] [--text FILE] [--seconds 4] [--rounds 3]`: words a second of training, by the native engine, the
 * portable engine, and a plain scalar loop in the style of the original word2vec program (one pair and one target at a
 * time), for 100 and 300 dimensions, on one thread and on all.
 *
 * The three are measured in turns, several rounds, and the round in the middle counts. One thread is judged by processor
 * seconds, all threads by the clock.
 */

import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { TrainingParameters } from '../lib/engine/engine.js'
import { engine } from '../lib/engine/load.js'
import { DEFAULTS } from '../lib/train/options.js'
import { benchText, readCorpus } from './corpus.js'
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
  const parameters: TrainingParameters = { ...DEFAULTS, epochs: 1, threads: all, dimensions: 1 }
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
      training: rows,
    }
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  }
} finally {
  text.remove()
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
