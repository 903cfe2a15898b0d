/** The portable engine's index: no graph at all. It keeps the settings and the removed rows, and answers exactly. */

import { AnyvecError } from '../../errors.js'
import type { Hooks, Index, IndexParameters, IndexProgress, IndexAnswers, IndexRequest } from '../engine.js'
import type { PortableMatrix } from './matrix.js'
import { searchTopK } from './search.js'

const MAGIC = 'anyvecH1'
const HEAD = 64
const STORAGES = ['float32', 'float16', 'int8'] as const

export class PortableIndex implements Index {
  readonly connectivity: number
  readonly expansion: number
  readonly storage: IndexParameters['storage']
  /** The native engine's index that it was opened from, while it is still right. */
  readonly bytes: Uint8Array | undefined
  readonly #matrix: PortableMatrix
  /** A bit a row: not removed. */
  readonly #present: Uint32Array

  private constructor(
    matrix: PortableMatrix,
    { connectivity, expansion, storage }: Omit<IndexParameters, 'threads'>,
    present: Uint32Array,
    bytes?: Uint8Array,
  ) {
    this.#matrix = matrix
    this.connectivity = connectivity
    this.expansion = expansion
    this.storage = storage
    this.#present = present
    this.bytes = bytes
  }

  static build(
    matrix: PortableMatrix,
    parameters: IndexParameters,
    { onProgress, signal }: Hooks<IndexProgress> = {},
  ): PortableIndex {
    signal?.throwIfAborted()
    const { rows, columns, data } = matrix
    const present = new Uint32Array(Math.ceil(rows / 32))
    for (let row = 0; row < rows; row++) {
      const finite = data.subarray(row * columns, (row + 1) * columns).every(Number.isFinite)
      if (finite) present[row >>> 5] |= 1 << (row & 31)
    }
    onProgress?.({ rows, totalRows: rows })
    return new PortableIndex(matrix, parameters, present)
  }

  /** Reads the settings and the bits of a native index; the rest of it is of no use here. Errors: ERR_ANYVEC_FORMAT. */
  static open(matrix: PortableMatrix, bytes: Uint8Array): PortableIndex {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const { rows, columns } = matrix
    const from = HEAD + Math.ceil((rows * 4) / 64) * 64
    const words = Math.ceil(rows / 32)
    if (bytes.length < HEAD || Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== MAGIC) {
      throw damaged('it does not begin as an index of this version')
    }
    const storage = STORAGES[view.getUint32(12, true)]
    const connectivity = view.getUint32(8, true)
    const expansion = view.getUint32(16, true)
    if (
      storage === undefined ||
      connectivity < 2 ||
      connectivity > 512 ||
      expansion < 1 ||
      expansion > 65536
    ) {
      throw damaged('its settings are out of range')
    }
    if (view.getBigUint64(24, true) !== BigInt(rows) || view.getBigUint64(32, true) !== BigInt(columns)) {
      throw damaged('it belongs to another matrix')
    }
    if (bytes.length < from + words * 4) throw damaged('it is cut off')
    const present = new Uint32Array(words)
    for (let i = 0; i < words; i++) present[i] = view.getUint32(from + 4 * i, true)
    return new PortableIndex(matrix, { connectivity, expansion, storage }, present, bytes)
  }

  static of(index: Index): PortableIndex {
    if (index instanceof PortableIndex) return index
    throw new AnyvecError('ERR_ANYVEC_USAGE', 'the portable engine works only on an index of its own')
  }

  get size(): number {
    let bits = 0
    for (const word of this.#present) for (let rest = word; rest !== 0; rest &= rest - 1) bits++
    return bits
  }

  async search({ filter, ...request }: IndexRequest, hooks?: Hooks<never>): Promise<IndexAnswers> {
    const allowed = filter === undefined ? this.#present : this.#present.map((word, i) => word & filter[i])
    return {
      ...(await searchTopK(this.#matrix, { ...request, metric: 'cosine', filter: allowed }, hooks)),
      exact: true,
    }
  }

  change(rows: Uint32Array, change: 'add' | 'remove'): PortableIndex {
    const present = this.#present.slice()
    for (const row of rows) {
      if (change === 'add') present[row >>> 5] |= 1 << (row & 31)
      else present[row >>> 5] &= ~(1 << (row & 31))
    }
    return new PortableIndex(this.#matrix, this, present)
  }
}

function damaged(what: string): AnyvecError {
  return new AnyvecError('ERR_ANYVEC_FORMAT', `the index is damaged: ${what}; build it anew`)
}
