/**
 * The random streams of docs/training-law.md: draw `i` of a stream is a pure function of the stream's key and `i`,
 * so draws can be made in any order and both engines make the same ones.
 */

/** What a stream is for; the numbers are part of the law. */
export const PURPOSE = {
  initial: 0,
  subsampling: 1,
  width: 2,
  negatives: 3,
  pool: 4,
  walk: 5,
  walkOrder: 6,
  repeats: 7,
} as const

export type Purpose = (typeof PURPOSE)[keyof typeof PURPOSE]

export interface StreamKey {
  readonly a: number
  readonly b: number
}

/** triple32 (C. Wellons, hash-prospector): a bijection of 32 bits with near-ideal avalanche. */
export function scramble(x: number): number {
  x ^= x >>> 17
  x = Math.imul(x, 0xed5ad4bb)
  x ^= x >>> 11
  x = Math.imul(x, 0xac4c1b51)
  x ^= x >>> 15
  x = Math.imul(x, 0x31848bab)
  x ^= x >>> 14
  return x >>> 0
}

/** The key of the stream for one purpose; `seed` is 0 .. 2^53 - 1, `x` and `y` are u32. */
export function streamKey(seed: number, purpose: Purpose, x: number, y: number): StreamKey {
  let a = 0x243f6a88
  let b = 0x85a308d3
  for (const word of [seed >>> 0, Math.floor(seed / 0x100000000), purpose, x, y]) {
    a = scramble(a ^ word)
    b = scramble((b + a) >>> 0)
  }
  return { a, b }
}

/** Draw `index` of a stream: a u32. */
export function draw(a: number, b: number, index: number): number {
  let x = (Math.imul(index, 0x9e3779b9) + a) | 0
  x ^= x >>> 17
  x = Math.imul(x, 0xed5ad4bb)
  x ^= b
  x ^= x >>> 11
  x = Math.imul(x, 0xac4c1b51)
  x ^= x >>> 15
  x = Math.imul(x, 0x31848bab)
  x ^= x >>> 14
  return x >>> 0
}

/**
 * The upper half of the 64-bit product of two u32.
 *
 * Doubles hold 53 bits, so one factor is halved: both partial products stay below 2^48 and every step is exact.
 */
export function mulhi(a: number, b: number): number {
  const upper = a * (b >>> 16)
  const lower = a * (b & 0xffff)
  return Math.floor((upper + Math.floor(lower / 65536)) / 65536)
}
