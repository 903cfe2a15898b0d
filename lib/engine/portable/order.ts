/** Sorting that shares the event loop. */

import type { Pace } from './pace.js'

/** Numbers sorted at one go: about a millisecond. */
const RUN = 2048

/** Sorts `numbers` in place (merge sort, stable). */
export async function sortNumbers<P>(
  numbers: Uint32Array,
  compare: (a: number, b: number) => number,
  pace: Pace<P>,
): Promise<void> {
  const size = numbers.length
  for (let from = 0; from < size; from += RUN) {
    numbers.subarray(from, from + RUN).sort(compare)
    if (pace.due()) await pace.rest()
  }
  let source: Uint32Array = numbers
  let target: Uint32Array = new Uint32Array(size > RUN ? size : 0)
  for (let run = RUN; run < size; run *= 2) {
    for (let from = 0; from < size; from += 2 * run) {
      const middle = Math.min(size, from + run)
      const to = Math.min(size, from + 2 * run)
      let left = from
      let right = middle
      for (let at = from; at < to; at += 1) {
        const takeLeft = right >= to || (left < middle && compare(source[left], source[right]) <= 0)
        target[at] = takeLeft ? source[left++] : source[right++]
        if ((at & 0x7ff) === 0 && pace.due()) await pace.rest()
      }
    }
    ;[source, target] = [target, source]
  }
  if (source !== numbers) numbers.set(source)
}
