/** Small arithmetic on single vectors; the large one is the engine's. Sums are in double. */

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

export function norm(a: ArrayLike<number>): number {
  return Math.sqrt(dot(a, a))
}

/** The cosine of the angle between two vectors, -1..1; 0 where one of them is zero. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const lengths = norm(a) * norm(b)
  return lengths === 0 ? 0 : Math.max(-1, Math.min(1, dot(a, b) / lengths))
}

/** The index of the first value that is NaN or infinite; -1 when all are finite. */
export function firstNonFinite(values: ArrayLike<number>): number {
  for (let i = 0; i < values.length; i++) {
    // one subtraction finds both: Infinity - Infinity is NaN
    if (values[i] - values[i] !== 0) return i
  }
  return -1
}
