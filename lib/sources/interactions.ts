/** Interactions: who did something with what, when: purchases, ratings, clicks. One sequence a user, in the order of time. */

import { KeyBytesWriter } from '../embedding/key-bytes.js'
import { type Corpus, END_OF_SEQUENCE, MAX_KEY_BYTES } from '../engine/engine.js'
import { reserve } from '../engine/portable/memory.js'
import { Pace } from '../engine/portable/pace.js'
import { draw, PURPOSE, streamKey } from '../engine/portable/random.js'
import { AnyvecError } from '../errors.js'
import type { Metadata } from '../formats/model.js'
import { type OptionSpec, resolveOptions } from '../train/specs.js'
import { Input } from './input.js'
import { MALFORMED } from './raw-text.js'
import { type Column, FORMAT, readRecords, type RecordFormat, type RecordInput } from './records.js'
import { type Reading, readHooks, Source, type SourceCounts } from './source.js'

/** How to read interactions. Columns are named as the first line (or a row's members) names them, or numbered from 1. */
export interface InteractionOptions {
  /** The column of users. Default: `user`. */
  readonly user?: Column | undefined
  /** The column of items: the keys to train. Default: `item`. */
  readonly item?: Column | undefined
  /** The column of times: numbers of any unit, or dates as ISO 8601 writes them. Default: none; rows stand in order already. */
  readonly time?: Column | undefined
  /** The column of weights, 0..1000: how often the item stands in its user's sequence, on average. Default: none, 1 each. */
  readonly weight?: Column | undefined
  /** How rows are written. Default: `jsonl` where the first line begins with `{`, `tsv` where it holds a tab, else `csv`. */
  readonly format?: RecordFormat | undefined
  /**
   * What to do with a row that cannot be read (no UTF-8, no JSON, a quote out of place, an item that cannot be a key): `error`, or
   * `skip` it and count it in the report. Default: `error`.
   */
  readonly malformed?: 'error' | 'skip' | undefined
}

interface InteractionSettings {
  readonly user: Column
  readonly item: Column
  readonly time?: Column
  readonly weight?: Column
  readonly format?: RecordFormat
  readonly malformed: 'error' | 'skip'
}

export const INTERACTION_DEFAULTS: InteractionSettings = Object.freeze({
  user: 'user',
  item: 'item',
  malformed: 'error',
})

const column = (name: string, doc: string): OptionSpec => ({ name, type: 'column', doc })

export const INTERACTION_COLUMNS: readonly OptionSpec[] = [
  column('user', 'the column of users'),
  column('item', 'the column of items, which become the keys'),
  column('time', 'the column of times, which order the items of a user'),
  column('weight', 'the column of weights: how often an item stands in its sequence'),
]

/** A larger weight would fill a sequence with one item. */
const MOST_REPEATS = 1000
const USERS_A_TIME = 1024

/**
 * Interactions to train on: the items of a user, in the order of time, are a sequence, so items that the same people choose around the
 * same time become near. Keys are items and may hold spaces.
 *
 * `input` is a csv, tsv or jsonl file, several of them (also .gz), a stream of such text, or an iterable of objects. The first line of csv and tsv
 * names the columns; where all columns are given by number there is no such line. Users stand in the order of their first row; equal
 * times keep the order of their rows. An item of weight w stands floor(w) times side by side in its sequence, and once more with
 * the probability of what is left, drawn from the run's seed.
 *
 * Rows without a user or an item, with a time or weight that cannot be read, or of weight 0 are left out and counted in
 * `report.source`. Nothing is read before `train` does. Errors: ERR_ANYVEC_USAGE, ERR_ANYVEC_OPTION; in `train`: ERR_ANYVEC_FILE;
 * ERR_ANYVEC_FORMAT for a column that is not there and for rows that cannot be read; and whatever the iterable throws.
 *
 * @example
 * const shop = await train(interactions('ratings.csv', { user: 'userId', item: 'movieId', time: 'timestamp' }))
 *
 * @example
 * const rows = [
 *   { user: 'ann', item: 'tea', time: 3 },
 *   { user: 'bob', item: 'tea', time: 1 },
 *   { user: 'ann', item: 'milk', time: 2 },
 * ]
 * const shop = await train(interactions(rows, { time: 'time' }), { minCount: 1 })
 * shop.report?.source.users  // 2
 */
export function interactions(input: RecordInput, options?: InteractionOptions): Source {
  const settings = resolveOptions<InteractionSettings>(
    [...INTERACTION_COLUMNS, FORMAT, MALFORMED],
    options,
    INTERACTION_DEFAULTS,
  )
  return new Interactions(new Input(input, 'interactions', 'rows or blocks of text'), settings)
}

class Interactions extends Source {
  readonly description: Metadata
  readonly malformed: 'error' | 'skip'
  readonly #input: Input
  readonly #settings: InteractionSettings

  constructor(input: Input, settings: InteractionSettings) {
    super()
    this.#input = input
    this.#settings = settings
    this.malformed = settings.malformed
    this.description = { kind: 'interactions', ...settings }
  }

  async read(corpus: Corpus, reading: Reading): Promise<SourceCounts> {
    const { user, item, time, weight, format, malformed } = this.#settings
    const hooks = readHooks(reading)
    const log = new InteractionLog(time !== undefined, weight !== undefined)
    const columns = [user, item, time, weight]
    const settings = { columns, format, malformed }
    const { rows, malformedRows } = await readRecords(
      this.#input,
      'interactions',
      settings,
      hooks,
      (values) => log.add(values, malformed),
    )
    const pace = new Pace({ signal: hooks.signal })
    const { entries, interactions } = await log.sequences(reading.seed, pace)
    await corpus.addNumbered(log.items(), entries)
    return {
      rows,
      users: log.users,
      interactions,
      ...log.leftOut,
      malformedRows: malformedRows + log.badKeys,
    }
  }
}

/** Columns that grow, and the names of users and items. */
class InteractionLog {
  readonly leftOut = {
    rowsWithoutUser: 0,
    rowsWithoutItem: 0,
    unreadableTimes: 0,
    unreadableWeights: 0,
    zeroWeights: 0,
    cappedWeights: 0,
  }
  badKeys = 0
  readonly #users = new Map<string, number>()
  readonly #items = new Map<string, number>()
  readonly #timed: boolean
  readonly #weighted: boolean
  #size = 0
  #user = new Uint32Array(1024)
  #item = new Uint32Array(1024)
  #time: Float64Array
  #weight: Float32Array

  constructor(timed: boolean, weighted: boolean) {
    this.#timed = timed
    this.#weighted = weighted
    this.#time = new Float64Array(timed ? 1024 : 0)
    this.#weight = new Float32Array(weighted ? 1024 : 0)
  }

  get users(): number {
    return this.#users.size
  }

  add([user, item, time, weight]: readonly string[], malformed: 'error' | 'skip'): void {
    if (user === '') {
      this.leftOut.rowsWithoutUser++
      return
    }
    if (item === '') {
      this.leftOut.rowsWithoutItem++
      return
    }
    const when = this.#timed ? timeOf(time) : 0
    if (Number.isNaN(when)) {
      this.leftOut.unreadableTimes++
      return
    }
    let times = this.#weighted ? numberOf(weight) : 1
    if (!(times >= 0)) {
      this.leftOut.unreadableWeights++
      return
    }
    if (times === 0) {
      this.leftOut.zeroWeights++
      return
    }
    if (times > MOST_REPEATS) {
      this.leftOut.cappedWeights++
      times = MOST_REPEATS
    }
    let known = this.#items.get(item)
    if (known === undefined) {
      const wrong = notAKey(item)
      if (wrong !== undefined) {
        this.badKeys++
        if (malformed === 'skip') return
        throw wrong
      }
      known = numberOfName(this.#items, item)
    }
    if (this.#size === this.#user.length) this.#grow()
    const at = this.#size++
    this.#user[at] = this.#users.get(user) ?? numberOfName(this.#users, user)
    this.#item[at] = known
    if (this.#timed) this.#time[at] = when
    if (this.#weighted) this.#weight[at] = times
  }

  /** The items, by number. */
  items(): ReturnType<KeyBytesWriter['finish']> {
    const writer = new KeyBytesWriter(this.#items.size, 8 * this.#items.size)
    for (const item of this.#items.keys()) writer.add(Buffer.from(item))
    return writer.finish()
  }

  /** A sequence a user, and how many entries they have. */
  async sequences<P>(
    seed: number,
    pace: Pace<P>,
  ): Promise<{ readonly entries: Uint32Array; readonly interactions: number }> {
    const users = this.#users.size
    const size = this.#size
    // by user, in the order of rows
    const starts = new Uint32Array(users + 1)
    for (let row = 0; row < size; row++) starts[this.#user[row] + 1]++
    for (let user = 0; user < users; user++) starts[user + 1] += starts[user]
    const order = reserve(size * 4, 'the order of interactions', () => new Uint32Array(size))
    const at = starts.slice()
    for (let row = 0; row < size; row++) order[at[this.#user[row]]++] = row
    const repeats = this.#repeats(seed)
    let total = users
    for (let row = 0; row < size; row++) total += repeats === undefined ? 1 : repeats[row]
    const entries = reserve(total * 4, 'the sequences of users', () => new Uint32Array(total))
    const time = this.#time
    let used = 0
    for (let user = 0; user < users; user++) {
      const rows = order.subarray(starts[user], starts[user + 1])
      // stable: equal times keep the order of their rows
      if (this.#timed) rows.sort((a, b) => time[a] - time[b] || a - b)
      for (const row of rows) {
        const times = repeats === undefined ? 1 : repeats[row]
        for (let i = 0; i < times; i++) entries[used++] = this.#item[row]
      }
      entries[used++] = END_OF_SEQUENCE
      if (user % USERS_A_TIME === 0 && pace.due()) await pace.rest()
    }
    return { entries, interactions: total - users }
  }

  /** How often each row's item stands in its sequence; undefined where that is once each. */
  #repeats(seed: number): Uint16Array | undefined {
    if (!this.#weighted) return undefined
    const { a, b } = streamKey(seed, PURPOSE.repeats, 0, 0)
    const repeats = new Uint16Array(this.#size)
    for (let row = 0; row < this.#size; row++) {
      const whole = Math.floor(this.#weight[row])
      repeats[row] = whole + (draw(a, b, row) < (this.#weight[row] - whole) * 2 ** 32 ? 1 : 0)
    }
    return repeats
  }

  #grow(): void {
    const size = 2 * this.#size
    reserve(size * 20, `${this.#size} interactions`, () => {
      this.#user = grown(this.#user, new Uint32Array(size))
      this.#item = grown(this.#item, new Uint32Array(size))
      if (this.#timed) this.#time = grown(this.#time, new Float64Array(size))
      if (this.#weighted) this.#weight = grown(this.#weight, new Float32Array(size))
    })
  }
}

function grown<T extends Uint32Array | Float64Array | Float32Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}

function numberOfName(names: Map<string, number>, name: string): number {
  const number = names.size
  try {
    names.set(name, number)
  } catch (cause) {
    throw new AnyvecError(
      'ERR_ANYVEC_MEMORY',
      `${number} distinct users or items are more than can be numbered here`,
      { names: number },
      cause,
    )
  }
  return number
}

/** Digits with a point and an exponent, as all numbers of files are read. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

function numberOf(text: string): number {
  // nearly all are digits alone, for which an expression is slow
  let digits = 0
  let whole = 0
  for (; digits < text.length; digits++) {
    const digit = text.charCodeAt(digits) - 0x30
    if (digit < 0 || digit > 9) break
    whole = 10 * whole + digit
  }
  if (digits === text.length && digits > 0 && digits <= 15) return whole
  const number = NUMBER.test(text) ? Number(text) : Number.NaN
  return Number.isFinite(number) ? number : Number.NaN
}

/** ISO 8601, but for a year alone, which is a number: other spellings mean different times to different readers. */
const DATE = /^\d{4}-\d\d(?:-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?:Z|[+-]\d\d:?\d\d)?)?)?$/

/** A number, or milliseconds since 1970 of a date; a date without a zone is UTC. NaN where it is neither. */
function timeOf(text: string): number {
  const number = numberOf(text)
  if (!Number.isNaN(number) || !DATE.test(text)) return number
  const zoned = /[Z:\d][+-]\d\d:?\d\d$|Z$/.test(text) && text.length > 10
  const iso = text.replace(' ', 'T').replace(',', '.').replace(/\s+/g, '')
  return Date.parse(iso.length > 10 && !zoned ? `${iso}Z` : iso)
}

/** What keeps a name from being a key. */
function notAKey(name: string): AnyvecError | undefined {
  const bytes = Buffer.byteLength(name)
  const wrong =
    bytes > MAX_KEY_BYTES
      ? `is ${bytes} bytes long, and ${MAX_KEY_BYTES} are the most`
      : /[\0\n\r]/.test(name)
        ? 'holds a NUL or a line end'
        : /\p{Surrogate}/u.test(name)
          ? 'holds a lone surrogate, which has no UTF-8'
          : undefined
  if (wrong === undefined) return undefined
  const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}...` : name)
  return new AnyvecError(
    'ERR_ANYVEC_FORMAT',
    `The item ${shown} ${wrong}; mend it, or pass such rows over with malformed: 'skip' (--malformed skip)`,
    { item: name },
  )
}
