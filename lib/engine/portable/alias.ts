/**
 * Draws ids in proportion to count ** exponent in constant time: Walker's alias table, built by Vose's method in the
 * integers that docs/training-law.md prescribes, so that both engines get the same table bit for bit.
 */

import { reserve } from './memory.js'
import type { Pace } from './pace.js'

export interface AliasTable {
  /** A draw below `threshold[column]` keeps the column, ... */
  readonly threshold: Uint32Array
  /** ... any other takes this id. */
  readonly alias: Uint32Array
}

/** Builds the table of `counts` (each >= 1). */
export async function buildAliasTable<P>(
  counts: BigUint64Array,
  exponent: number,
  pace: Pace<P>,
): Promise<AliasTable> {
  const size = counts.length
  const { share, threshold, alias, stack } = reserve(size * 20, 'the table of negative samples', () => ({
    share: new Float64Array(size),
    threshold: new Uint32Array(size),
    alias: new Uint32Array(size),
    stack: new Uint32Array(size),
  }))
  for (let id = 0; id < size; id += 1) {
    share[id] = Number(counts[id]) ** exponent
    if ((id & 0xffff) === 0xffff && pace.due()) await pace.rest()
  }
  await fillAliasTable(share, { threshold, alias }, stack, pace)
  return { threshold, alias }
}

/** Fills a table for the weights in `share` (each > 0), which are used up; `stack` is room for as many numbers. */
export async function fillAliasTable<P>(
  share: Float64Array,
  { threshold, alias }: AliasTable,
  stack: Uint32Array,
  pace: Pace<P>,
): Promise<void> {
  const size = share.length
  const bits = 32 - Math.clz32(size)
  const scale = Math.min(2 ** 31, 2 ** (52 - bits))
  let largest = 0
  for (let id = 0; id < size; id += 1) {
    if (share[id] > largest) largest = share[id]
    alias[id] = id
  }
  threshold.fill(0xffffffff)
  let total = 0
  for (let id = 0; id < size; id += 1) {
    const q = Math.max(1, Math.floor((share[id] / largest) * scale + 0.5))
    total += q
    share[id] = q * size
  }

  // One array holds both stacks, `small` growing from its front and `large` from its back.
  let small = 0
  let large = size
  for (let id = 0; id < size; id += 1) {
    if (share[id] < total) stack[small++] = id
    else stack[--large] = id
  }
  let steps = 0
  while (small > 0 && large < size) {
    const less = stack[--small]
    const more = stack[large++]
    threshold[less] = Math.floor((share[less] / total) * 0x100000000)
    alias[less] = more
    share[more] = share[more] + share[less] - total
    if (share[more] < total) stack[small++] = more
    else stack[--large] = more
    steps += 1
    if ((steps & 0xffff) === 0xffff && pace.due()) await pace.rest()
  }
}
