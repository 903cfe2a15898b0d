/** The parts of the portable engine, each by itself: streams, samplers, and the update against the gradient of its loss. */

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildAliasTable } from '../../lib/engine/portable/alias.js'
import { PortableMatrix } from '../../lib/engine/portable/matrix.js'
import { Pace } from '../../lib/engine/portable/pace.js'
import { draw, mulhi, PURPOSE, scramble, streamKey } from '../../lib/engine/portable/random.js'
import { keepThresholds } from '../../lib/engine/portable/subsampling.js'
import { isCleanUtf8 } from '../../lib/engine/portable/utf8.js'
import { WindowKernel } from '../../lib/engine/portable/window.js'
import { random } from './corpora.js'

const DRAWS = 1_000_000

/** Pearson's statistic in standard deviations of a chi-square; a right sampler stays below 5 (once in a million). */
function deviations(found: ArrayLike<number>, shares: ArrayLike<number>): number {
  let statistic = 0
  for (let i = 0; i < found.length; i++) {
    const expected = shares[i] * DRAWS
    statistic += (found[i] - expected) ** 2 / expected
  }
  const degrees = found.length - 1
  return Math.abs(statistic - degrees) / Math.sqrt(2 * degrees)
}

test('streams are those of the training law', () => {
  // worked out from docs/training-law.md with another program in another language
  assert.is(scramble(0), 0)
  assert.is(scramble(1), 69681622)
  const { a, b } = streamKey(1, PURPOSE.negatives, 2, 3)
  assert.equal([a, b], [1717532539, 1178954250])
  assert.equal(
    [0, 5, 4_000_000_000].map((i) => draw(a, b, i)),
    [1714998874, 3851579877, 59161278],
  )
  const initial = streamKey(9 * 2 ** 32 + 7, PURPOSE.initial, 12345, 0)
  assert.equal(
    [0, 1].map((i) => draw(initial.a, initial.b, i)),
    [36720525, 306262259],
  )
})

test('mulhi is the upper half of a 64-bit product', () => {
  const next = random(3)
  for (let i = 0; i < 20_000; i++) {
    const [a, b] = [Math.floor(next() * 2 ** 32), Math.floor(next() * 2 ** 32)]
    assert.is(mulhi(a, b), Number((BigInt(a) * BigInt(b)) >> 32n))
  }
  assert.is(mulhi(0xffffffff, 0xffffffff), 0xfffffffe)
})

test('window widths are uniform', () => {
  const { a, b } = streamKey(4, PURPOSE.width, 0, 0)
  const found = new Float64Array(7)
  for (let i = 0; i < DRAWS; i++) found[mulhi(draw(a, b, i), 7)]++
  assert.ok(deviations(found, new Float64Array(7).fill(1 / 7)) < 5)
})

test('the alias table draws in proportion to powers of counts', async () => {
  const counts = BigUint64Array.from({ length: 400 }, (_, i) => BigInt(1 + Math.floor(1e6 / (i + 1) ** 2)))
  for (const exponent of [0.75, 1, 0, -0.5]) {
    const { threshold, alias } = await buildAliasTable(counts, exponent, new Pace())
    const weights = Array.from(counts, (count) => Number(count) ** exponent)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const { a, b } = streamKey(9, PURPOSE.negatives, 1, 1)
    const found = new Float64Array(counts.length)
    for (let i = 0; i < DRAWS; i++) {
      const column = mulhi(draw(a, b, 2 * i), counts.length)
      found[draw(a, b, 2 * i + 1) < threshold[column] ? column : alias[column]]++
    }
    const off = deviations(
      found,
      weights.map((weight) => weight / total),
    )
    assert.ok(off < 5, `exponent ${exponent}: ${off} standard deviations`)
  }
})

test('subsampling keeps the share that the formula says', () => {
  const counts = BigUint64Array.of(500_000n, 100_000n, 10_000n, 1000n, 10n)
  const total = 611_010
  const thresholds = keepThresholds(counts, 1e-3)
  counts.forEach((count, id) => {
    const ratio = 1e-3 / (Number(count) / total)
    const expected = Math.min(1, Math.sqrt(ratio) + ratio)
    const { a, b } = streamKey(4, PURPOSE.subsampling, 0, id)
    let kept = 0
    for (let i = 0; i < DRAWS; i++) if (draw(a, b, i) <= thresholds[id]) kept++
    const bound = 5 * Math.sqrt((expected * (1 - expected)) / DRAWS) + 1e-9
    assert.ok(Math.abs(kept / DRAWS - expected) <= bound, `id ${id}: ${kept / DRAWS}, expected ${expected}`)
  })
  assert.equal([...keepThresholds(counts, 0)], new Array(5).fill(0xffffffff))
})

/** A kernel over random rows, and the loss of one step by the formula. Of two centres the second sees every other context twice. */
function windowOf(inputs: readonly number[], outputs: readonly number[], columns: number, centres: number) {
  const next = random(inputs.length * 100 + outputs.length)
  const [vectors, contexts] = [PortableMatrix.allocate(12, columns), PortableMatrix.allocate(20, columns)]
  for (const { data } of [vectors, contexts]) for (let i = 0; i < data.length; i++) data[i] = next() - 0.5
  const kernel = new WindowKernel(vectors, contexts, inputs.length, outputs.length)
  const inSecond = (i: number) => (centres === 2 ? 2 * (i % 2) : 0)
  const run = (rate: number) => {
    kernel.begin(centres)
    for (const id of outputs.slice(0, centres)) kernel.addOutput(id)
    inputs.forEach((id, i) => {
      kernel.addContext(id, 1, inSecond(i))
    })
    for (const id of outputs.slice(centres)) kernel.addOutput(id)
    return kernel.step(rate)
  }
  const lossOf = (x: Float64Array, y: Float64Array): number => {
    let loss = 0
    const distinct = [...new Set(outputs)]
    for (const [i, input] of inputs.entries()) {
      for (const [j, output] of distinct.entries()) {
        let product = 0
        for (let c = 0; c < columns; c++) product += x[input * columns + c] * y[output * columns + c]
        const weight = j >= centres ? 1 + inSecond(i) : j === 0 ? 1 : inSecond(i)
        loss += weight * Math.log1p(Math.exp(j < centres ? -product : product))
      }
    }
    return loss
  }
  return { vectors, contexts, run, lossOf }
}

test('updates are the gradient of the loss, for windows of every shape, repeated contexts and negatives included', () => {
  const shapes: [number[], number[]][] = [
    [[0], [0, 1]],
    [
      [0, 1],
      [5, 1, 2],
    ],
    [
      [3, 1, 4, 1, 5, 9, 2, 6],
      [5, 3, 5, 8, 9, 7, 9, 3],
    ],
    [
      [1, 1, 1],
      [2, 3, 4, 5],
    ],
    [
      [0, 1, 2, 3, 4, 5, 6],
      [19, 18, 17, 16, 15, 14, 13, 12, 11],
    ],
    [[0, 1, 2, 3, 4], [10]],
  ]
  for (const [inputs, outputs] of shapes) {
    for (const [columns, centres] of [
      [1, 1],
      [3, 1],
      [10, 1],
      [3, 2],
      [10, 2],
    ]) {
      if (outputs.length < centres) continue
      const { vectors, contexts, run, lossOf } = windowOf(inputs, outputs, columns, centres)
      const [x, y] = [Float64Array.from(vectors.data), Float64Array.from(contexts.data)]
      const loss = lossOf(x, y)
      const rate = 0.5
      assert.ok(Math.abs(run(rate) - loss) < 1e-9 * loss)
      const step = 1e-5
      for (const [before, after] of [
        [x, vectors.data],
        [y, contexts.data],
      ] as const) {
        for (let i = 0; i < before.length; i++) {
          const old = before[i]
          before[i] = old + step
          const above = lossOf(x, y)
          before[i] = old - step
          const below = lossOf(x, y)
          before[i] = old
          const gradient = -(above - below) / (2 * step)
          assert.ok(Math.abs((after[i] - old) / rate - gradient) < 1e-5, `${inputs} | ${outputs}: value ${i}`)
        }
      }
    }
  }
})

test('a product far from zero gives a finite loss and gradient', () => {
  const { vectors, contexts, run } = windowOf([0, 1], [0, 1, 2], 4, 2)
  vectors.data.fill(1e4)
  contexts.data.fill(1e4)
  assert.ok(Number.isFinite(run(1e-9)))
  assert.ok(vectors.data.every(Number.isFinite))
})

test('UTF-8 is judged strictly', () => {
  const clean = (...bytes: number[]) => isCleanUtf8(Uint8Array.from(bytes), 0, bytes.length)
  assert.ok(clean(0x61, 0xc2, 0x80, 0xe0, 0xa0, 0x80, 0xed, 0x9f, 0xbf, 0xf4, 0x8f, 0xbf, 0xbf))
  for (const bad of [
    [0],
    [0x80],
    [0xc0, 0xaf],
    [0xc2],
    [0xe0, 0x9f, 0xbf],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xff],
  ]) {
    assert.not(clean(...bad), String(bad))
  }
})

test.run()
