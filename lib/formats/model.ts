/** What a model file holds, whatever its format. */

import type { KeyBytes, MappedFile, Matrix } from '../engine/engine.js'
import { firstNonFinite } from '../embedding/vectors.js'
import type { Column } from '../search/attributes.js'
import type { Format } from './format.js'
import type { ReadHooks } from './pieces.js'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** Where a model came from: plain JSON, so that a file can carry it. */
export type Metadata = { readonly [name: string]: Json }

export interface Model {
  /** V keys, the most frequent first. */
  readonly keys: KeyBytes
  /** [V, D]: the vector of every key. */
  readonly vectors: Matrix
  /** [V, D]: the context vectors, which training makes beside the vectors; other formats have none. */
  readonly contexts?: Matrix | undefined
  /** [V]: how often each key occurred; other formats do not tell. */
  readonly counts?: BigUint64Array | undefined
  /** [V] each: columns of numbers or strings that belong to keys; other formats hold none. */
  readonly attributes?: ReadonlyMap<string, Column> | undefined
  /** The index for approximate search, where one was made. */
  readonly index?: StoredIndex | undefined
  readonly metadata: Metadata
}

/** An index as it lies in memory or in a file. */
export interface StoredIndex {
  readonly bytes: Uint8Array
  /** The file that `bytes` are a part of, and where they begin in it; undefined where they are in memory alone. */
  readonly file?: MappedFile | undefined
  readonly byteOffset?: number | undefined
}

/** Rows of a file that were left out; all zero unless `open` was told `malformed: 'skip'`. */
export interface Skipped {
  /** Rows whose key is empty, not valid UTF-8, or holds a NUL or a line end. */
  readonly malformedKeys: number
  /** Rows whose key stands in an earlier row. */
  readonly duplicateKeys: number
}

/** The file that an embedding came from. */
export interface Origin {
  readonly path: string
  readonly format: Format
  readonly bytes: number
  readonly skipped: Skipped
}

/** Values looked at between two pauses: about 5 ms of work. */
const STEP = 2 ** 22

/** The first value of a model that is NaN or infinite; undefined when there is none. */
export async function nonFinite(
  model: Model,
  hooks: ReadHooks,
): Promise<
  { readonly name: 'vectors' | 'contexts'; readonly row: number; readonly value: number } | undefined
> {
  for (const name of ['vectors', 'contexts'] as const) {
    const matrix = model[name]
    if (matrix === undefined) continue
    for (let from = 0; from < matrix.data.length; from += STEP) {
      const at = firstNonFinite(matrix.data.subarray(from, from + STEP))
      if (at >= 0)
        return { name, row: Math.floor((from + at) / matrix.columns), value: matrix.data[from + at] }
      await hooks.pause()
    }
  }
  return undefined
}
