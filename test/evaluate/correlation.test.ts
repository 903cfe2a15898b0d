import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { pearson, ranks, spearman } from '../../lib/evaluate/correlation.js'

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-12, `expected ${expected}, received ${actual}`)
}

test('ranks give ties the mean of the ranks they cover', () => {
  assert.equal([...ranks([1, 2, 2, 3, 5, 5, 5, 9])], [1, 2.5, 2.5, 4, 6, 6, 6, 8])
  assert.equal([...ranks([3, 1, 2])], [3, 1, 2])
  assert.equal([...ranks([])], [])
})

test('correlations of a textbook example without ties are those of the textbook', () => {
  // Intelligence and hours of television: rho = 1 - 6 * 194 / (10 * 99) = -29/165.
  const iq = [106, 86, 100, 101, 99, 103, 97, 113, 112, 110]
  const hours = [7, 0, 27, 50, 28, 29, 20, 12, 6, 17]
  near(spearman(iq, hours), -29 / 165)
  near(pearson(iq, hours), -40.2 / Math.sqrt(592.1 * 1930.4))
})

test('correlations with ties agree with exact fractions computed apart', () => {
  const x = [1, 2, 2, 3, 5, 5, 5, 9]
  const y = [2.5, 1, 4, 4, 4, 8, 7, 7]
  near(spearman(x, y), 63 / 79)
  near(pearson(x, y), 32.5 / Math.sqrt((46 * 1327) / 32))
})

test('a monotone relation has Spearman 1 where Pearson is below it', () => {
  const x = [1, 2, 3, 4, 5]
  const y = x.map((value) => Math.exp(value))
  const falling = y.map((value) => -value)
  near(spearman(x, y), 1)
  near(spearman(x, falling), -1)
  assert.ok(pearson(x, y) < 0.95)
})

test('large values with a small spread keep their correlation', () => {
  near(pearson([1e9 + 1, 1e9 + 2, 1e9 + 3], [1, 2, 3]), 1)
})

test('there is no correlation without variation', () => {
  assert.ok(Number.isNaN(pearson([], [])))
  assert.ok(Number.isNaN(pearson([1], [2])))
  assert.ok(Number.isNaN(pearson([0.1, 0.1, 0.1], [1, 2, 3])))
  assert.ok(Number.isNaN(spearman([1, 2, 3], [7, 7, 7])))
})

test('lists of different lengths are refused', () => {
  assert.throws(
    () => pearson([1, 2], [1]),
    (error: { code?: string }) => error.code === 'ERR_ANYVEC_USAGE',
  )
})

test.run()
