/**
 * Correlation of two lists of numbers.
 *
 * Two passes, in double: the textbook one-pass sums cancel when values are large beside their spread.
 */

import { AnyvecError } from '../errors.js'

/**
 * Pearson's correlation coefficient, -1..1; NaN with fewer than two values or when one side is constant.
 *
 * @example
 * pearson([1, 2, 3], [2, 4, 7])  // 0.9933992677987828
 */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  if (x.length !== y.length) {
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      `Expected lists of one length, received ${x.length} and ${y.length} values`,
    )
  }
  const n = x.length
  // Asked outright: the rounding of a mean can make a constant list look as if it varied a little.
  if (isConstant(x) || isConstant(y)) return Number.NaN
  const meanX = mean(x)
  const meanY = mean(y)
  let xy = 0
  let xx = 0
  let yy = 0
  for (let i = 0; i < n; i++) {
    const dx = x[i] - meanX
    const dy = y[i] - meanY
    xy += dx * dy
    xx += dx * dx
    yy += dy * dy
  }
  // Rounding may step a hair past the bound, which a caller's acos would not forgive.
  return Math.max(-1, Math.min(1, xy / (Math.sqrt(xx) * Math.sqrt(yy))))
}

/**
 * Spearman's rank correlation, -1..1: Pearson's coefficient of the ranks, ties sharing the mean of their
 * ranks. (The shortcut 1 - 6 sum d^2 / (n^3 - n) is wrong as soon as there are ties.) NaN as in `pearson`.
 *
 * @example
 * spearman([1, 2, 3, 4], [10, 20, 20, 5])  // -0.31622776601683794
 */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return pearson(ranks(x), ranks(y))
}

/** Ranks from 1, smallest value first; equal values all get the mean of the ranks they cover. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i)
  order.sort((i, j) => values[i] - values[j])
  const result = new Float64Array(values.length)
  for (let start = 0; start < order.length; ) {
    let end = start + 1
    while (end < order.length && values[order[end]] === values[order[start]]) end++
    const shared = (start + 1 + end) / 2
    for (let i = start; i < end; i++) result[order[i]] = shared
    start = end
  }
  return result
}

/** Also true of a list with fewer than two values. */
function isConstant(values: ArrayLike<number>): boolean {
  for (let i = 1; i < values.length; i++) if (values[i] !== values[0]) return false
  return true
}

function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return sum / values.length
}
