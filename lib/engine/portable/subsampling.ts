/** Subsampling of frequent keys, in the form of word2vec's code; see docs/training-law.md. */

/** For each id the largest draw that keeps a token of it; `subsample` is word2vec's t, 0 keeps every token. */
export function keepThresholds(counts: BigUint64Array, subsample: number): Uint32Array {
  const thresholds = new Uint32Array(counts.length).fill(0xffffffff)
  if (subsample === 0) return thresholds
  let total = 0
  for (const count of counts) total += Number(count)
  for (let id = 0; id < counts.length; id += 1) {
    const frequency = Number(counts[id]) / total
    const keep = (Math.sqrt(frequency / subsample) + 1) * (subsample / frequency)
    if (keep < 1) thresholds[id] = Math.floor(keep * 0x100000000)
  }
  return thresholds
}
