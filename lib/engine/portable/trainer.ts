/** Skip-gram with negative sampling on one thread, by docs/training-law.md: what the native engine computes, within rounding. */

import { AnyvecError } from '../../errors.js'
import type { Hooks, TrainingOutcome, TrainingParameters, TrainingProgress } from '../engine.js'
import { buildAliasTable } from './alias.js'
import type { PortableCorpus } from './corpus.js'
import { END_MARK, PIECE } from './ids.js'
import { PortableMatrix } from './matrix.js'
import { Pace } from './pace.js'
import { NegativePool } from './pool.js'
import { draw, mulhi, PURPOSE, streamKey } from './random.js'
import { keepThresholds } from './subsampling.js'
import { WindowKernel } from './window.js'

/** Entries between two looks at the clock: about a millisecond. */
const ENTRIES_A_LOOK = 64

export async function trainSkipGram(
  corpus: PortableCorpus,
  parameters: TrainingParameters,
  hooks: Hooks<TrainingProgress> = {},
): Promise<TrainingOutcome> {
  const { dimensions, window, negative, epochs, subsample, learningRate, negativeExponent, seed } = parameters
  const pace = new Pace(hooks, corpus.alive)
  const { counts, ids } = corpus
  const rows = counts.length
  const entries = ids.length
  const pieces = Math.ceil(entries / PIECE)
  let words = 0
  for (const count of counts) words += Number(count)
  const totalWords = words * epochs

  const vectors = PortableMatrix.allocate(rows, dimensions)
  const contexts = PortableMatrix.allocate(rows, dimensions)
  await fillInitial(vectors, seed, pace)
  const keep = keepThresholds(counts, subsample)
  const pool = new NegativePool(await buildAliasTable(counts, negativeExponent, pace), parameters)
  const kernel = new WindowKernel(vectors, contexts, Math.min(2 * window + 2, PIECE), negative + 2)
  const read = ids.reader()

  const kept = new Uint32Array(PIECE)
  const places = new Uint16Array(PIECE)
  const starts = new Uint16Array(PIECE)
  const stops = new Uint16Array(PIECE)
  const loss: number[] = []
  const started = performance.now()
  let passed = 0
  let trainedTokens = 0
  let pairs = 0
  let rate = learningRate

  for (let epoch = 0; epoch < epochs; epoch++) {
    let epochLoss = 0
    let epochPairs = 0
    const progress = (): TrainingProgress => ({
      epoch,
      epochs,
      words: passed,
      totalWords,
      learningRate: rate,
      loss: epochPairs > 0 ? epochLoss / epochPairs : Number.NaN,
      seconds: (performance.now() - started) / 1000,
    })
    for (let number = 0; number < pieces; number++) {
      const piece = read(number)
      const keepKey = streamKey(seed, PURPOSE.subsampling, epoch, number)
      const { a: widthA, b: widthB } = streamKey(seed, PURPOSE.width, epoch, number)

      let size = 0
      let marks = 0
      for (let i = 0; i < piece.length; i++) {
        const id = piece[i]
        if (id === END_MARK) marks++
        else if (draw(keepKey.a, keepKey.b, i) > keep[id]) continue
        kept[size] = id
        places[size] = i
        size++
      }
      let start = 0
      for (let i = 0; i < size; i++) {
        starts[i] = start
        if (kept[i] === END_MARK) start = i + 1
      }
      let stop = size
      for (let i = size - 1; i >= 0; i--) {
        if (kept[i] === END_MARK) stop = i
        stops[i] = stop
      }

      pool.fill(epoch, number, size)

      let pieceLoss = 0
      for (let entry = 0, centres = 1; entry < size; entry += centres) {
        if (entry % ENTRIES_A_LOOK < 2 && pace.due()) await pace.rest(progress)
        centres = 1
        if (kept[entry] === END_MARK) continue
        // neighbours are trained together, in pairs that begin at even entries
        const joined = entry % 2 === 0 && entry + 1 < size && kept[entry + 1] !== END_MARK
        if (joined && kept[entry] !== kept[entry + 1]) centres = 2
        const last = entry + centres - 1
        const width = 1 + mulhi(draw(widthA, widthB, entry), window)
        const first = Math.max(starts[entry], entry - width)
        const past = Math.min(stops[entry], last + width + 1)
        if (past - first < 2) continue

        kernel.begin(centres)
        for (let i = entry; i <= last; i++) kernel.addOutput(kept[i])
        for (let i = first; i < past; i++) {
          const inFirst = i !== entry && Math.abs(i - entry) <= width ? 1 : 0
          const inSecond = centres === 2 && i !== last && Math.abs(i - last) <= width ? 1 : 0
          if (inFirst + inSecond > 0) kernel.addContext(kept[i], inFirst, inSecond)
          epochPairs += inFirst + inSecond
        }
        for (let j = 0; j < negative; j++) kernel.addOutput(pool.pick(entry, j))
        const done = (epoch * entries + number * PIECE + places[entry]) / (epochs * entries)
        rate = learningRate * Math.max(1e-4, 1 - done)
        pieceLoss += kernel.step(Math.fround(rate))
      }
      if (!Number.isFinite(pieceLoss)) throw diverged(epoch, rate)
      epochLoss += pieceLoss
      passed += piece.length - marks
      trainedTokens += size - marks
    }
    loss.push(epochPairs > 0 ? epochLoss / epochPairs : 0)
    pairs += epochPairs
    if (epoch === epochs - 1) pace.end(progress)
  }
  const seconds = (performance.now() - started) / 1000
  if (!(allFinite(vectors.data) && allFinite(contexts.data))) throw diverged(epochs - 1, rate)
  addContexts(vectors.data, contexts.data, parameters.contextWeight)
  return { vectors, contexts, loss, trainedTokens, pairs, seconds, threads: 1 }
}

/** word2vec's initial vectors: uniform in -0.5 / dimensions .. 0.5 / dimensions, each row from a stream of its own. */
async function fillInitial<P>(
  { rows, columns, data }: PortableMatrix,
  seed: number,
  pace: Pace<P>,
): Promise<void> {
  for (let row = 0; row < rows; row++) {
    const { a, b } = streamKey(seed, PURPOSE.initial, row, 0)
    for (let column = 0; column < columns; column++) {
      data[row * columns + column] = (draw(a, b, column) / 0x100000000 - 0.5) / columns
    }
    if ((row & 0xff) === 0 && pace.due()) await pace.rest()
  }
}

function addContexts(vectors: Float32Array, contexts: Float32Array, weight: number): void {
  if (weight === 0) return
  for (let i = 0; i < vectors.length; i++) vectors[i] += weight * contexts[i]
}

function allFinite(values: Float32Array): boolean {
  // a sum of zero products is zero, unless one of the factors is infinite or not a number
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] * 0
  return sum === 0
}

function diverged(epoch: number, rate: number): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_DIVERGED',
    `training diverged in epoch ${epoch + 1}: values are no longer finite; use a smaller learningRate (--learning-rate)`,
    { epoch, learningRate: rate },
  )
}
