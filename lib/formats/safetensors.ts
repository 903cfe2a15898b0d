/**
 * Our model file: safetensors (github.com/huggingface/safetensors), so that any reader of that format opens it.
 *
 * Eight bytes with the header's length, the header (JSON, padded with spaces), then the tensors without gaps:
 *
 *     counts       U64 [V]        how often each key occurred, where known
 *     attribute.NAME          F64 [V]      an attribute of numbers
 *     attribute_offsets.NAME  U64 [V + 1]  one of strings: that of key i is attribute.NAME[offsets[i] .. offsets[i + 1])
 *     index        U8  [bytes]    the index for approximate search, where there is one; begins and ends at a multiple of 64
 *     key_offsets  U64 [V + 1]    key i is keys[key_offsets[i] .. key_offsets[i + 1])
 *     vectors      F32 [V, D]     begins at a multiple of 64, so that it is used where it lies
 *     contexts     F32 [V, D]     the context vectors, where there are any
 *     keys         U8  [bytes]    UTF-8
 *     attribute.NAME          U8  [bytes]  the values of an attribute of strings, UTF-8
 *
 * `__metadata__` holds `format`, `version`, `metadata` (JSON), and a CRC-32 for each tensor and for the header's content.
 */

import { crc32 } from 'node:zlib'
import { isUtf8 } from 'node:buffer'
import type { Engine, MappedFile, Matrix } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import { Keys } from '../embedding/keys.js'
import { keyDefect, offsetAt, offsetWords } from '../embedding/key-bytes.js'
import { type Column, NumberColumn, StringColumn, validName } from '../search/attributes.js'
import type { OutputFile } from './file.js'
import { type Metadata, type Model, nonFinite } from './model.js'
import { pieces, type ReadHooks } from './pieces.js'
import { duplicateMember } from './duplicate-member.js'

const VERSION = '1'
const MAX_HEADER = 100_000_000
const ALIGNMENT = 64
/** Tensors in the order in which they lie in the file. */
const ORDER = ['counts', 'key_offsets', 'index', 'vectors', 'contexts', 'keys'] as const
const OPTIONAL: ReadonlySet<string> = new Set(['counts', 'index', 'contexts'])
const VALUE_BYTES = { U8: 1, U64: 8, F32: 4, F64: 8 } as const
const ATTRIBUTE = 'attribute.'
const ATTRIBUTE_OFFSETS = 'attribute_offsets.'

type TensorName = (typeof ORDER)[number]

interface Tensor {
  readonly dtype: keyof typeof VALUE_BYTES
  readonly shape: readonly number[]
  /** Bytes from the end of the header. */
  readonly begin: number
  readonly end: number
}

interface Header {
  readonly tensors: ReadonlyMap<string, Tensor>
  readonly metadata: ReadonlyMap<string, string>
  /** Where the tensors begin in the file. */
  readonly dataStart: number
}

/** Whether bytes begin as a safetensors file does, be it whole or cut off: no text has a NUL in its first eight bytes. */
export function looksLikeSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 8 || (bytes.length > 8 && bytes[8] !== 0x7b)) return false
  const length = headerLength(bytes)
  return length >= 2 && length <= MAX_HEADER
}

/**
 * Opens a model without copying its vectors. Sizes, order, keys and the small tensors are always checked; `vectors` and
 * `contexts`, against their checksums and for values that are not finite, only with `verify`: that reads the whole file. (The index
 * is checked before it is first used.)
 *
 * Errors: ERR_ANYVEC_FORMAT.
 */
export async function readSafetensors(
  engine: Engine,
  file: MappedFile,
  verify: boolean,
  hooks: ReadHooks,
): Promise<{ readonly model: Model; readonly keys: Keys }> {
  const { tensors, metadata, dataStart } = readHeader(file)
  const [rows, columns] = checkTensors(file, tensors)
  const bytesOf = (tensor: Tensor) => file.bytes.subarray(dataStart + tensor.begin, dataStart + tensor.end)
  for (const [name, tensor] of tensors) {
    if (!verify && (name === 'vectors' || name === 'contexts' || name === 'index')) continue
    const expected = metadata.get(`crc32.${name}`)
    const found = hex(await checksum(bytesOf(tensor), hooks))
    if (found !== expected) {
      throw damaged(file, `the checksum of its ${name} is ${found} instead of ${expected ?? '(missing)'}`)
    }
  }
  const wide = (name: TensorName): BigUint64Array | undefined => {
    const tensor = tensors.get(name)
    return tensor === undefined ? undefined : words64(bytesOf(tensor))
  }
  const source = {
    bytes: bytesOf(tensors.get('keys') as Tensor),
    offsets: wide('key_offsets') as BigUint64Array,
  }
  const defect = keyDefect(source)
  if (defect !== undefined) throw damaged(file, `the key of row ${defect.key + 1} ${defect.defect}`)
  const keys = new Keys(source)
  await keys.prepare(hooks.pause)
  const twice = keys.duplicate()
  if (twice !== undefined) {
    throw damaged(
      file,
      `the key ${JSON.stringify(keys.at(twice[0]))} stands in rows ${twice[0] + 1} and ${twice[1] + 1}`,
    )
  }
  const matrix = (name: TensorName): Matrix | undefined => {
    const tensor = tensors.get(name)
    return tensor === undefined ? undefined : engine.view(file, dataStart + tensor.begin, rows, columns)
  }
  const index = tensors.get('index')
  if (index !== undefined && (dataStart + index.begin) % ALIGNMENT !== 0) {
    throw damaged(file, 'its index does not begin at a multiple of 64: another program has moved it')
  }
  const model: Model = {
    keys: source,
    vectors: matrix('vectors') as Matrix,
    contexts: matrix('contexts'),
    counts: wide('counts'),
    attributes: readAttributes(file, tensors, rows, bytesOf),
    index: index && { file, byteOffset: dataStart + index.begin, bytes: bytesOf(index) },
    metadata: parseMetadata(file, metadata.get('metadata')),
  }
  const bad = verify ? await nonFinite(model, hooks) : undefined
  if (bad !== undefined) throw damaged(file, `row ${bad.row + 1} of its ${bad.name} holds ${bad.value}`)
  return { model, keys }
}

/** The attributes; their numbers and offsets have been checked for their sizes. */
function readAttributes(
  file: MappedFile,
  tensors: ReadonlyMap<string, Tensor>,
  rows: number,
  bytesOf: (tensor: Tensor) => Uint8Array,
): ReadonlyMap<string, Column> {
  const columns = new Map<string, Column>()
  for (const [full, tensor] of tensors) {
    if (!full.startsWith(ATTRIBUTE)) continue
    const name = full.slice(ATTRIBUTE.length)
    const bytes = bytesOf(tensor)
    const offsets = tensors.get(ATTRIBUTE_OFFSETS + name)
    if (offsets === undefined) {
      const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
      columns.set(name, new NumberColumn(new Float64Array(aligned.buffer, aligned.byteOffset, rows)))
      continue
    }
    const source = { bytes, offsets: words64(bytesOf(offsets)) }
    const words = offsetWords(source.offsets)
    let end = 0
    let rising = offsetAt(words, 0) === 0
    for (let i = 1; i <= rows && rising; i++) {
      const next = offsetAt(words, i)
      rising = next >= end
      end = next
    }
    if (!rising || end !== bytes.length || !isUtf8(bytes)) {
      throw damaged(file, `the strings of its attribute ${JSON.stringify(name)} are not in order`)
    }
    columns.set(name, new StringColumn(source))
  }
  return columns
}

/** Writes a model, its matrices from where they lie. The checksums are made first, so that the header can be written first. */
export async function writeSafetensors(output: OutputFile, model: Model, hooks: ReadHooks): Promise<void> {
  const { keys, vectors, contexts, counts, attributes = new Map<string, Column>(), index } = model
  const parts: { name: string; dtype: Tensor['dtype']; shape: number[]; bytes: Uint8Array[] }[] = []
  const { rows, columns } = vectors
  if (counts !== undefined) parts.push({ name: 'counts', dtype: 'U64', shape: [rows], bytes: [view(counts)] })
  parts.push({ name: 'key_offsets', dtype: 'U64', shape: [rows + 1], bytes: [view(keys.offsets)] })
  for (const [name, column] of attributes) {
    if (column instanceof NumberColumn) {
      parts.push({ name: ATTRIBUTE + name, dtype: 'F64', shape: [rows], bytes: [view(column.values)] })
    } else {
      parts.push({
        name: ATTRIBUTE_OFFSETS + name,
        dtype: 'U64',
        shape: [rows + 1],
        bytes: [view(column.source.offsets)],
      })
    }
  }
  if (index !== undefined) {
    parts.push({ name: 'index', dtype: 'U8', shape: [index.bytes.length], bytes: [...pieces(index.bytes)] })
  }
  parts.push({ name: 'vectors', dtype: 'F32', shape: [rows, columns], bytes: [...pieces(vectors.data)] })
  if (contexts !== undefined) {
    parts.push({ name: 'contexts', dtype: 'F32', shape: [rows, columns], bytes: [...pieces(contexts.data)] })
  }
  parts.push({ name: 'keys', dtype: 'U8', shape: [keys.bytes.length], bytes: [...pieces(keys.bytes)] })
  for (const [name, column] of attributes) {
    if (column instanceof NumberColumn) continue
    const { bytes } = column.source
    parts.push({ name: ATTRIBUTE + name, dtype: 'U8', shape: [bytes.length], bytes: [...pieces(bytes)] })
  }

  const tensors = new Map<string, Tensor>()
  const metadata = new Map([
    ['format', 'anyvec'],
    ['version', VERSION],
    ['metadata', JSON.stringify(model.metadata)],
  ])
  let begin = 0
  for (const { name, dtype, shape, bytes } of parts) {
    const end = begin + bytes.reduce((sum, piece) => sum + piece.length, 0)
    tensors.set(name, { dtype, shape, begin, end })
    begin = end
    let crc = 0
    for (const piece of bytes) crc = await checksum(piece, hooks, crc)
    metadata.set(`crc32.${name}`, hex(crc))
  }
  metadata.set('crc32.header', headerChecksum(metadata, tensors))
  await output.write(encodeHeader(metadata, tensors))
  for (const { bytes } of parts) {
    for (const piece of bytes) {
      hooks.signal?.throwIfAborted()
      await output.write(piece)
    }
  }
}

function encodeHeader(
  metadata: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, Tensor>,
): Uint8Array {
  const json = Buffer.from(
    JSON.stringify({
      __metadata__: Object.fromEntries(metadata),
      ...Object.fromEntries(
        [...tensors].map(([name, { dtype, shape, begin, end }]) => [
          name,
          { dtype, shape, data_offsets: [begin, end] },
        ]),
      ),
    }),
  )
  const before = tensors.get('vectors')?.begin ?? 0
  const padding = (ALIGNMENT - ((8 + json.length + before) % ALIGNMENT)) % ALIGNMENT
  const header = Buffer.alloc(8 + json.length + padding, ' ')
  header.writeBigUInt64LE(BigInt(json.length + padding))
  header.set(json, 8)
  return header
}

/**
 * Over what the header means, not over its bytes: another program may write the same content with other spaces or in
 * another order.
 */
function headerChecksum(metadata: ReadonlyMap<string, string>, tensors: ReadonlyMap<string, Tensor>): string {
  const entries = [...metadata].filter(([name]) => name !== 'crc32.header').sort(byName)
  const layout = [...tensors]
    .sort(byName)
    .map(([name, { dtype, shape, begin, end }]) => [name, dtype, shape, begin, end])
  return hex(crc32(JSON.stringify([entries, layout])))
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function headerLength(bytes: Uint8Array): number {
  const data = new DataView(bytes.buffer, bytes.byteOffset, 8)
  return data.getUint32(0, true) + data.getUint32(4, true) * 2 ** 32
}

function readHeader(file: MappedFile): Header {
  const length = headerLength(file.bytes)
  if (length > file.bytes.length - 8) {
    throw damaged(
      file,
      `its header needs ${length} bytes, and ${file.bytes.length - 8} are left: it is cut off`,
    )
  }
  const raw = file.bytes.subarray(8, 8 + length)
  if (!isUtf8(raw)) throw damaged(file, 'its header is not valid UTF-8')
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('utf8')
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw damaged(file, `its header is no JSON (${(error as Error).message})`, error)
  }
  if (!isRecord(parsed)) throw damaged(file, 'its header is no JSON object')
  const member = duplicateMember(text)
  if (member !== undefined) throw damaged(file, `its header names ${JSON.stringify(member)} twice`)

  const metadata = new Map<string, string>()
  const tensors = new Map<string, Tensor>()
  // entries of own properties in maps: a name such as __proto__ is a name like any other
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') {
      if (!isRecord(value)) throw damaged(file, 'its metadata is no JSON object')
      for (const [key, entry] of Object.entries(value)) {
        if (typeof entry !== 'string') throw damaged(file, `its metadata ${JSON.stringify(key)} is no string`)
        metadata.set(key, entry)
      }
    } else {
      tensors.set(name, parseTensor(file, name, value))
    }
  }
  if (metadata.get('format') !== 'anyvec') {
    throw new AnyvecError(
      'ERR_ANYVEC_FORMAT',
      `${file.path} is a safetensors file, but no anyvec model: its metadata does not say "format": "anyvec"`,
      { path: file.path },
    )
  }
  const version = metadata.get('version')
  if (version !== VERSION) {
    throw new AnyvecError(
      'ERR_ANYVEC_FORMAT',
      `${file.path} is an anyvec model of version ${version}; this anyvec reads version ${VERSION}: use a newer one`,
      { path: file.path, version },
    )
  }
  const expected = headerChecksum(metadata, tensors)
  const found = metadata.get('crc32.header')
  if (found !== expected)
    throw damaged(file, `the checksum of its header is ${expected} instead of ${found ?? '(missing)'}`)
  return { tensors, metadata, dataStart: 8 + length }
}

function parseTensor(file: MappedFile, name: string, value: unknown): Tensor {
  const shown = `its tensor ${JSON.stringify(name)}`
  if (!isRecord(value) || Object.keys(value).length !== 3)
    throw damaged(file, `${shown} is not described as a tensor is`)
  const { dtype, shape, data_offsets: range } = value
  if (dtype !== 'U8' && dtype !== 'U64' && dtype !== 'F32' && dtype !== 'F64')
    throw damaged(file, `${shown} has an unknown type of values`)
  if (!isSizes(shape)) throw damaged(file, `${shown} has no valid shape`)
  if (!isSizes(range) || range.length !== 2) throw damaged(file, `${shown} has no valid place`)
  const [begin, end] = range
  // beyond 2^53 a product is rounded, and then it cannot equal the size of a part of a file
  const bytes = shape.reduce((product, size) => product * size, VALUE_BYTES[dtype])
  if (bytes !== end - begin)
    throw damaged(file, `${shown} has a shape of ${bytes} bytes in a place of ${end - begin}`)
  return { dtype, shape, begin, end }
}

/** Checks that the tensors are ours, agree with each other, and fill the file without gaps; answers rows and columns. */
function checkTensors(file: MappedFile, tensors: ReadonlyMap<string, Tensor>): readonly [number, number] {
  for (const name of tensors.keys()) {
    if (!(ORDER as readonly string[]).includes(name) && !isAttribute(name, tensors))
      throw damaged(file, `it holds an unknown tensor ${JSON.stringify(name)}`)
  }
  const vectors = tensors.get('vectors')
  if (vectors === undefined || vectors.shape.length !== 2) throw damaged(file, 'it has no matrix of vectors')
  const [rows, columns] = vectors.shape
  if (rows < 1 || columns < 1) throw damaged(file, 'it holds no vectors')
  const expected: Record<TensorName, readonly [Tensor['dtype'], readonly number[]]> = {
    counts: ['U64', [rows]],
    key_offsets: ['U64', [rows + 1]],
    vectors: ['F32', [rows, columns]],
    contexts: ['F32', [rows, columns]],
    keys: ['U8', [tensors.get('keys')?.shape[0] ?? 0]],
    index: ['U8', [tensors.get('index')?.shape[0] ?? 0]],
  }
  for (const name of ORDER) {
    const tensor = tensors.get(name)
    if (tensor === undefined) {
      if (OPTIONAL.has(name)) continue
      throw damaged(file, `it has no ${name}`)
    }
    checkTensor(file, name, tensor, ...expected[name])
  }
  for (const [name, tensor] of tensors) {
    if (name.startsWith(ATTRIBUTE_OFFSETS)) checkTensor(file, name, tensor, 'U64', [rows + 1])
    else if (!name.startsWith(ATTRIBUTE)) continue
    else if (tensors.has(ATTRIBUTE_OFFSETS + name.slice(ATTRIBUTE.length))) {
      checkTensor(file, name, tensor, 'U8', [tensor.shape[0] ?? 0])
    } else checkTensor(file, name, tensor, 'F64', [rows])
  }
  let end = 0
  for (const [name, tensor] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin)) {
    if (tensor.begin !== end)
      throw damaged(file, `its ${name} begin at byte ${tensor.begin} instead of ${end}`)
    end = tensor.end
  }
  const data = file.bytes.length - 8 - headerLength(file.bytes)
  if (end !== data)
    throw damaged(file, `its tensors need ${end} bytes, and it has ${data}: it is cut off or has grown`)
  return [rows, columns]
}

/** Whether a tensor is that of an attribute: its values, or the offsets of values that are there too. */
function isAttribute(name: string, tensors: ReadonlyMap<string, Tensor>): boolean {
  if (name.startsWith(ATTRIBUTE_OFFSETS)) return tensors.has(ATTRIBUTE + name.slice(ATTRIBUTE_OFFSETS.length))
  return name.startsWith(ATTRIBUTE) && validName(name.slice(ATTRIBUTE.length))
}

function checkTensor(
  file: MappedFile,
  name: string,
  tensor: Tensor,
  dtype: Tensor['dtype'],
  shape: readonly number[],
): void {
  if (tensor.dtype === dtype && tensor.shape.join() === shape.join()) return
  const found = `${tensor.dtype} [${tensor.shape.join(', ')}]`
  throw damaged(file, `its ${name} are ${found} instead of ${dtype} [${shape.join(', ')}]`)
}

function parseMetadata(file: MappedFile, text: string | undefined): Metadata {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}')
    if (isRecord(parsed)) return parsed as Metadata
  } catch (error) {
    throw damaged(file, 'its training metadata is no JSON', error)
  }
  throw damaged(file, 'its training metadata is no JSON object')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)
}

/** 64-bit numbers where they lie, or a copy where another program placed them at an odd address. */
function words64(bytes: Uint8Array): BigUint64Array {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
  return new BigUint64Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 8)
}

function view(array: BigUint64Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

async function checksum(bytes: Uint8Array, hooks: ReadHooks, start = 0): Promise<number> {
  let crc = start
  for (const piece of pieces(bytes)) {
    crc = crc32(piece, crc)
    await hooks.pause()
  }
  return crc
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}

function damaged(file: MappedFile, what: string, cause?: unknown): AnyvecError {
  return new AnyvecError('ERR_ANYVEC_FORMAT', `${file.path} is damaged: ${what}`, { path: file.path }, cause)
}
