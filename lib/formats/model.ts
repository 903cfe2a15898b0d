/** What a model file holds, whatever its format. */

import type { KeyBytes, Matrix } from '../engine/engine.js'

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
  readonly metadata: Metadata
}
