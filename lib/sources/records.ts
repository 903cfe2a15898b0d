/** Rows with named columns: csv, tsv and jsonl files, and objects that a program has. */

import { isUtf8 } from 'node:buffer'
import { CsvError, parse } from 'csv-parse/sync'
import type { Hooks, ReadProgress } from '../engine/engine.js'
import { Pace } from '../engine/portable/pace.js'
import { AnyvecError } from '../errors.js'
import { type OptionSpec, received } from '../train/specs.js'
import { BlockSink, type Input, type ItemSink, type TextInput } from './input.js'

/** A column by the name that the first line gives it, or, in files without such a line, by its number from 1. */
export type Column = string | number

export type RecordFormat = 'csv' | 'tsv' | 'jsonl'

/** A row of a program's own: an object with the columns as members. */
export type Row = Readonly<Record<string, unknown>>

/** Where rows may come from. */
export type RecordInput = TextInput | Iterable<Row> | AsyncIterable<Row>

export const FORMAT: OptionSpec = {
  name: 'format',
  type: 'choice',
  choices: ['csv', 'tsv', 'jsonl'],
  doc: 'how rows are written; by default the first line tells',
}

/** What the rows were, apart from what is in them. */
export interface RecordCounts {
  readonly rows: number
  /** Rows left out because they cannot be read (only with `malformed: 'skip'`). */
  readonly malformedRows: number
}

export interface RecordSettings {
  /** The columns that are wanted; undefined ones are answered as ''. */
  readonly columns: readonly (Column | undefined)[]
  readonly format: RecordFormat | undefined
  readonly malformed: 'error' | 'skip'
}

/** Told of every row: the wanted columns, without blanks around them, '' where there is none. The array is used again. */
export type Visit = (values: readonly string[]) => Promise<void> | void

/** Characters of one row: an opened quote that nobody closes must not gather a whole file. */
const LONGEST_ROW = 2 ** 26
const ROWS_A_TIME = 4096
const QUOTE = 0x22
const LF = 0x0a

/** Reads all rows. `what` is the source's name, for messages. */
export async function readRecords(
  input: Input,
  what: string,
  settings: RecordSettings,
  hooks: Hooks<ReadProgress>,
  visit: Visit,
): Promise<RecordCounts> {
  const sink = new RecordSink(settings, hooks, visit)
  await input.feed(sink, what, hooks, new RowSink(sink, what))
  return { rows: sink.rows, malformedRows: sink.malformedRows }
}

class RecordSink extends BlockSink {
  rows = 0
  malformedRows = 0
  readonly #settings: RecordSettings
  readonly #visit: Visit
  readonly #values: string[]
  readonly #pace: Pace<never>
  // of the file or stream that is being read
  #source = ''
  #carry = Buffer.alloc(0)
  #line = 0
  #format: RecordFormat | undefined
  /** Where the wanted columns stand; undefined before the first line was seen. */
  #places: readonly number[] | undefined

  constructor(settings: RecordSettings, hooks: Hooks<ReadProgress>, visit: Visit) {
    super()
    this.#settings = settings
    this.#visit = visit
    this.#values = settings.columns.map(() => '')
    this.#pace = new Pace({ signal: hooks.signal })
  }

  async addBlock(block: Uint8Array, source: string): Promise<void> {
    const bytes = this.#carry.length === 0 ? asBuffer(block) : Buffer.concat([this.#carry, block])
    const whole = bytes.lastIndexOf(LF) + 1
    const used = whole === 0 ? 0 : await this.#read(bytes.subarray(0, whole), source, false)
    // a copy: the block is used again
    this.#carry = Buffer.from(bytes.subarray(used))
    if (this.#carry.length > LONGEST_ROW) {
      throw this.#damaged(source, `it is longer than ${LONGEST_ROW} bytes; is a quote left open?`)
    }
    this.#source = source
  }

  async endStream(): Promise<void> {
    await this.#read(this.#carry, this.#source, true)
    this.#carry = Buffer.alloc(0)
    this.#line = 0
    this.#places = undefined
    this.#format = undefined
  }

  /** A row as an object. */
  object(row: object, number: number, source: string): Promise<void> | void {
    this.rows++
    const wrong = this.#take((column) => (row as Row)[column])
    if (wrong === undefined) return this.#visit(this.#values)
    this.#malformed(`${source}: row ${number}`, wrong, { row: number })
  }

  /** Reads lines, and what stands behind the last of them where `last`; answers how many bytes are done with. */
  async #read(bytes: Buffer, source: string, last: boolean): Promise<number> {
    let from = this.#line === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
    if (this.#line === 0 && bytes.length > from)
      this.#begin(bytes.toString('utf8', from, lineEnd(bytes, from)))
    if (this.#format === 'csv' && bytes.includes(QUOTE, from)) return this.#quoted(bytes, from, source, last)
    // one decoding for all lines; where it would lie, line by line
    if (isUtf8(bytes.subarray(from))) {
      const text = bytes.toString('utf8', from)
      for (let at = 0; at < text.length; ) {
        const found = text.indexOf('\n', at)
        const end = found < 0 ? text.length : found
        const busy = this.#oneLine(text.slice(at, end), source)
        if (busy !== undefined) await busy
        if (this.#line % ROWS_A_TIME === 0) await this.breathe()
        at = end + 1
      }
      return bytes.length
    }
    while (from < bytes.length) {
      const end = lineEnd(bytes, from)
      const line = bytes.subarray(from, end)
      if (isUtf8(line)) {
        const busy = this.#oneLine(line.toString(), source)
        if (busy !== undefined) await busy
      } else {
        this.#line++
        this.rows++
        this.#malformedLine(source, 'it is not valid UTF-8')
      }
      from = end + 1
    }
    return bytes.length
  }

  /** The first line of a file tells what it is, unless the caller did. */
  #begin(line: string): void {
    this.#format =
      this.#settings.format ?? (/^\s*\{/.test(line) ? 'jsonl' : line.includes('\t') ? 'tsv' : 'csv')
  }

  #oneLine(line: string, source: string): Promise<void> | void {
    this.#line++
    const end = line.charCodeAt(line.length - 1) === 0x0d ? line.length - 1 : line.length
    if (end === 0) return
    if (this.#format === 'jsonl') return this.#json(line, source)
    const delimiter = this.#format === 'tsv' ? '\t' : ','
    if (this.#places === undefined && this.#header(() => line.slice(0, end).split(delimiter), source)) return
    this.rows++
    this.#fields(line, end, delimiter)
    return this.#visit(this.#values)
  }

  /** The wanted fields of a line without quotes. */
  #fields(line: string, end: number, delimiter: string): void {
    const places = this.#places ?? []
    for (let i = 0; i < places.length; i++) {
      let from = 0
      for (let skip = places[i]; skip > 0 && from >= 0; skip--) from = line.indexOf(delimiter, from) + 1 || -1
      if (places[i] < 0 || from < 0 || from > end) {
        this.#values[i] = ''
        continue
      }
      const found = line.indexOf(delimiter, from)
      this.#values[i] = line.slice(from, found < 0 ? end : found).trim()
    }
  }

  /** Rows of which some have quotes; a line end between quotes does not end a row. */
  async #quoted(bytes: Buffer, from: number, source: string, last: boolean): Promise<number> {
    const ends = rowEnds(bytes, from)
    if (last && ends.at(-1) !== bytes.length) ends.push(bytes.length)
    const whole = ends.at(-1)
    if (whole === undefined) return from
    const text = bytes.subarray(from, whole)
    if (isUtf8(text)) {
      try {
        await this.#tellAll(parsed(text), source)
        this.#line += countLines(text)
        return whole
      } catch (error) {
        if (!isCsvError(error)) throw error
      }
    }
    // row by row, to say which one it is or to pass it over
    for (let i = 0, start = from; i < ends.length; start = ends[i++]) {
      const row = bytes.subarray(start, ends[i])
      try {
        if (!isUtf8(row)) throw new CsvError('CSV_NO_UTF8' as never, 'it is not valid UTF-8')
        await this.#tellAll(parsed(row), source)
        this.#line += countLines(row)
      } catch (error) {
        if (!isCsvError(error)) throw error
        this.#line++
        this.rows++
        this.#malformedLine(source, error.message.replace(/ at line \d+/, ''))
        this.#line += countLines(row) - 1
      }
    }
    return whole
  }

  async #tellAll(records: readonly string[][], source: string): Promise<void> {
    for (const record of records) {
      if (this.#places === undefined && this.#header(() => record, source)) continue
      this.rows++
      const places = this.#places ?? []
      for (let i = 0; i < places.length; i++) this.#values[i] = (record[places[i]] ?? '').trim()
      const busy = this.#visit(this.#values)
      if (busy !== undefined) await busy
      if (this.rows % ROWS_A_TIME === 0) await this.breathe()
    }
  }

  #json(line: string, source: string): Promise<void> | void {
    this.rows++
    let row: unknown
    try {
      row = JSON.parse(line)
    } catch (error) {
      return this.#malformedLine(source, `it is no JSON (${(error as Error).message})`)
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      return this.#malformedLine(source, `it is no JSON object but ${received(row)}`)
    }
    const wrong = this.#take((column) => (Object.hasOwn(row, column) ? (row as Row)[column] : undefined))
    return wrong === undefined ? this.#visit(this.#values) : this.#malformedLine(source, wrong)
  }

  /** Puts the members of a row that are wanted where the visitor finds them; answers what is wrong with one. */
  #take(member: (column: Column) => unknown): string | undefined {
    const { columns } = this.#settings
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]
      const value = column === undefined ? undefined : spelled(member(column))
      if (value === null)
        return `its "${column}" is ${received(member(column as Column))}, no string or number`
      this.#values[i] = value ?? ''
    }
    return undefined
  }

  /** Finds the columns by the first line; answers whether it was one of names. */
  #header(fields: () => readonly string[], source: string): boolean {
    const { columns } = this.#settings
    const wanted = columns.filter((column) => column !== undefined)
    if (wanted.every((column) => typeof column === 'number')) {
      this.#places = columns.map((column) => (column === undefined ? -1 : (column as number) - 1))
      return false
    }
    const names = fields().map((name) => name.trim())
    this.#places = columns.map((column) => {
      if (column === undefined) return -1
      if (typeof column === 'number') return column - 1
      const place = names.indexOf(column)
      if (place >= 0) return place
      throw new AnyvecError(
        'ERR_ANYVEC_FORMAT',
        `${source}: there is no column "${column}"; its first line names ${names.map((name) => `"${name}"`).join(', ')}. ` +
          'Columns of a file without such a line are given by their numbers, from 1',
        { source, column, names },
      )
    })
    return true
  }

  #malformedLine(source: string, wrong: string): void {
    this.#malformed(`${source}: line ${this.#line}`, wrong, { source, line: this.#line })
  }

  #malformed(where: string, wrong: string, details: Readonly<Record<string, unknown>>): void {
    this.malformedRows++
    if (this.#settings.malformed === 'skip') return
    throw new AnyvecError(
      'ERR_ANYVEC_FORMAT',
      `${where} cannot be read: ${wrong}; mend it, or pass such rows over with malformed: 'skip' (--malformed skip)`,
      details,
    )
  }

  #damaged(source: string, wrong: string, cause?: unknown): AnyvecError {
    const line = this.#line + 1
    return new AnyvecError(
      'ERR_ANYVEC_FORMAT',
      `${source}: the row at line ${line} cannot be read: ${wrong}`,
      { source, line },
      cause,
    )
  }

  /** Lets timers and input have their turn where that is due; throws the reason of an abort. */
  async breathe(): Promise<void> {
    if (this.#pace.due()) await this.#pace.rest()
  }
}

/** Rows that a program hands over as objects. */
class RowSink implements ItemSink {
  readonly #sink: RecordSink
  readonly #what: string
  #stopped = false

  constructor(sink: RecordSink, what: string) {
    this.#sink = sink
    this.#what = what
  }

  add(item: unknown, number: number): Promise<void> | void {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      throw new AnyvecError(
        'ERR_ANYVEC_USAGE',
        `Expected every row of the ${this.#what} to be an object with the columns as members but row ${number} is ${received(item)}`,
        { row: number, received: item },
      )
    }
    return this.#sink.object(item, number, `the ${this.#what}`)
  }

  async breathe(): Promise<void> {
    if (this.#stopped) throw new Error('the reading of these rows was stopped')
    await this.#sink.breathe()
  }

  async end(): Promise<void> {}

  stop(): void {
    this.#stopped = true
  }
}

/** A value as a key is spelled; undefined for none, null for what cannot be spelled for certain. */
function spelled(value: unknown): string | undefined | null {
  if (typeof value === 'string') return value.trim()
  if (value === undefined || value === null) return undefined
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : String(value.getTime())
  // a whole number past 2^53 was rounded when it was read: two ids may have become one
  if (typeof value !== 'number' || (Number.isInteger(value) && !Number.isSafeInteger(value))) return null
  return Number.isFinite(value) ? String(value) : null
}

function asBuffer(block: Uint8Array): Buffer {
  return Buffer.from(block.buffer, block.byteOffset, block.length)
}

function lineEnd(bytes: Buffer, from: number): number {
  const found = bytes.indexOf(LF, from)
  return found < 0 ? bytes.length : found
}

/** By csv-parse, all or nothing. */
function parsed(text: Buffer): string[][] {
  return parse(text, {
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: true,
  }) as string[][]
}

function isCsvError(error: unknown): error is Error {
  return error instanceof CsvError
}

/** Behind which line ends rows end: those that no quote encloses. */
function rowEnds(bytes: Buffer, from: number): number[] {
  const ends: number[] = []
  let quote = bytes.indexOf(QUOTE, from)
  for (let at = from; ; ) {
    const feed = bytes.indexOf(LF, at)
    if (feed < 0) return ends
    if (quote >= 0 && quote < feed) {
      const close = bytes.indexOf(QUOTE, quote + 1)
      if (close < 0) return ends
      at = close + 1
      quote = bytes.indexOf(QUOTE, at)
    } else {
      at = feed + 1
      ends.push(at)
    }
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) lines++
  return lines
}
