/** Dense rows of float32, in memory or over the bytes of a file. */

import { endianness } from 'node:os'
import { AnyvecError } from '../../errors.js'
import type { MappedFile, Matrix } from '../engine.js'
import { reserve } from './memory.js'

const LITTLE_ENDIAN = endianness() === 'LE'

/** Places in a matrix are 32-bit whole numbers: with doubles as indices V8's loops take twice as long. */
const MOST_VALUES = 2 ** 31 - 1

export class PortableMatrix implements Matrix {
  readonly rows: number
  readonly columns: number
  readonly data: Float32Array

  constructor(rows: number, columns: number, data: Float32Array) {
    this.rows = rows
    this.columns = columns
    this.data = data
  }

  /** A zeroed matrix. */
  static allocate(rows: number, columns: number): PortableMatrix {
    const values = rows * columns
    if (values > MOST_VALUES) {
      throw new AnyvecError(
        'ERR_ANYVEC_MEMORY',
        `${rows} x ${columns} values are more than the portable engine holds (2^31 - 1); use fewer dimensions, a smaller ` +
          'vocabulary, or the native engine',
        { rows, columns },
      )
    }
    const data = reserve(
      values * 4,
      `a matrix of ${rows} rows by ${columns} columns`,
      () => new Float32Array(values),
    )
    return new PortableMatrix(rows, columns, data)
  }

  /** The matrix behind the contract's interface. */
  static of(matrix: Matrix): PortableMatrix {
    if (matrix instanceof PortableMatrix) return matrix
    throw new AnyvecError('ERR_ANYVEC_USAGE', 'the portable engine works only on matrices of its own')
  }
}

/** Rows inside a file: shares the file's bytes where they are aligned and the processor is little-endian. */
export function viewMatrix(
  file: MappedFile,
  byteOffset: number,
  rows: number,
  columns: number,
): PortableMatrix {
  const { bytes, path } = file
  const values = rows * columns
  const available = bytes.byteLength
  if (!(byteOffset >= 0 && byteOffset + values * 4 <= available)) {
    throw new AnyvecError(
      'ERR_ANYVEC_FORMAT',
      `${path} is too short: ${rows} rows of ${columns} values from byte ${byteOffset} need ` +
        `${byteOffset + values * 4} bytes, the file has ${available}`,
      { path, byteOffset, rows, columns, available },
    )
  }
  const start = bytes.byteOffset + byteOffset
  if (LITTLE_ENDIAN && start % 4 === 0) {
    return new PortableMatrix(rows, columns, new Float32Array(bytes.buffer, start, values))
  }
  const matrix = PortableMatrix.allocate(rows, columns)
  if (LITTLE_ENDIAN) {
    new Uint8Array(matrix.data.buffer).set(bytes.subarray(byteOffset, byteOffset + values * 4))
  } else {
    const source = new DataView(bytes.buffer, start, values * 4)
    for (let i = 0; i < values; i += 1) matrix.data[i] = source.getFloat32(i * 4, true)
  }
  return matrix
}
