/** The right spelling for a misspelled name, by edit distance. */

/**
 * The candidate that the fewest edits (insert, delete, replace, swap of neighbours) turn `name` into; a difference in case
 * alone counts nothing. The first of equals wins; undefined when all are further than `maxDistance` edits, or further than
 * half of the name.
 */
export function nearestSpelling(
  name: string,
  candidates: Iterable<string>,
  maxDistance: number,
): string | undefined {
  const folded = name.toLowerCase()
  let best: string | undefined
  let bound = Math.min(maxDistance, Math.floor(folded.length / 2))
  for (const candidate of candidates) {
    const distance = editDistance(folded, candidate.toLowerCase(), bound)
    if (distance > bound) continue
    if (distance === 0) return candidate
    best = candidate
    bound = distance - 1
  }
  return best
}

/** The number of edits between two words, or `bound + 1` as soon as it must be larger than `bound`. */
export function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      let cost = Math.min(replaced, last[j] + 1, row[j - 1] + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2] + 1)
      row.push(cost)
      if (cost < least) least = cost
    }
    if (least > bound) return bound + 1
    before = last
    last = row
  }
  return last[b.length]
}
