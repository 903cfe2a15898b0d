/** Small models with known values. */

import { Embedding } from '../lib/embedding/embedding.js'
import { KeyBytesWriter } from '../lib/embedding/key-bytes.js'
import type { Engine, KeyBytes } from '../lib/engine/engine.js'
import { engine } from '../lib/engine/load.js'
import type { Metadata } from '../lib/formats/model.js'

export function keyBytes(keys: readonly (string | Uint8Array)[]): KeyBytes {
  const writer = new KeyBytesWriter(keys.length, 0)
  for (const key of keys) writer.add(Buffer.from(key as string))
  return writer.finish()
}

export interface Parts {
  readonly contexts?: readonly (readonly number[])[]
  readonly counts?: readonly bigint[]
  readonly metadata?: Metadata
}

/** An embedding of given keys and rows. */
export function embedding(
  name: Engine['name'],
  keys: readonly string[],
  rows: readonly (readonly number[])[],
  { contexts, counts, metadata = {} }: Parts = {},
): Embedding {
  const made = engine(name)
  const matrix = (values: readonly (readonly number[])[]) => {
    const allocated = made.allocate(values.length, values[0].length)
    allocated.data.set(values.flat())
    return allocated
  }
  return new Embedding(made, {
    keys: keyBytes(keys),
    vectors: matrix(rows),
    contexts: contexts && matrix(contexts),
    counts: counts && BigUint64Array.from(counts),
    metadata,
  })
}

/** Repeatable numbers in -1..1 that float32 holds exactly. */
export function numbers(count: number, seed = 1): number[] {
  let state = seed
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.fround(state / 2 ** 31 - 1)
  })
}

/** [count, columns] of `numbers`. */
export function rowsOf(count: number, columns: number, seed = 1): number[][] {
  const values = numbers(count * columns, seed)
  return Array.from({ length: count }, (_, row) => values.slice(row * columns, (row + 1) * columns))
}
