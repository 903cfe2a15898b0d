/**
 * `npm run bench:approximate [-- --json] [--rows 1000000] [--columns 128] [--expansion 64] [--storage float32]`: the index for approximate
 * search by cosine: seconds to build it, its file, how long it takes to open, and recall@10 and the time of a query beside exact
 * search, alone and with filters; and how late a timer of 5 ms comes meanwhile.
 *
 * The rows are made here: 100 rows around each of so many centres, in 24 of the dimensions, as trained vectors fill a small part of their
 * space. Of rows that are spread evenly over 128 dimensions no index finds the nearest: they are all equally far.
 */

import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Embedding } from '../lib/embedding/embedding.js'
import { KeyBytesWriter } from '../lib/embedding/key-bytes.js'
import { engine } from '../lib/engine/load.js'
import { open, type SearchOptions } from '../lib/index.js'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rows: { type: 'string', default: '1000000' },
    columns: { type: 'string', default: '128' },
    connectivity: { type: 'string', default: '16' },
    'build-expansion': { type: 'string', default: '128' },
    storage: { type: 'string', default: 'float32' },
    threads: { type: 'string' },
  },
})
const rows = Number(options.rows)
const columns = Number(options.columns)
const threads = options.threads === undefined ? availableParallelism() : Number(options.threads)
if (!(rows >= 1000) || !(columns >= 24)) throw new Error('--rows and --columns take numbers from 1000 and 24')

const report: Record<string, unknown> = { processor: cpus()[0]?.model.trim(), threads, rows, columns }
const say = (text: string) => {
  if (!options.json) process.stdout.write(`${text}\n`)
}

/** Milliseconds by which a timer of 5 ms is late, while something else is going on. */
class Ticks {
  readonly #late: number[] = []
  readonly #timer: NodeJS.Timeout
  #last = performance.now()

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.#late.push(now - this.#last - 5)
      this.#last = now
    }, 5)
  }

  stop(): { readonly p99: number; readonly most: number; readonly ticks: number } {
    clearInterval(this.#timer)
    const sorted = this.#late.sort((a, b) => a - b)
    return {
      p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
      most: sorted.at(-1) ?? 0,
      ticks: sorted.length,
    }
  }
}

async function watched<T>(name: string, work: () => Promise<T>): Promise<T> {
  const ticks = new Ticks()
  const started = performance.now()
  const before = process.cpuUsage()
  const value = await work()
  const wall = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(before)
  const { p99, most, ticks: count } = ticks.stop()
  report[name] = { seconds: wall, coreSeconds: (user + system) / 1e6, tickLateP99: p99, tickLateMost: most }
  say(
    `${name.padEnd(34)}${wall.toFixed(3).padStart(10)} s ${((user + system) / 1e6).toFixed(2).padStart(9)} core-s   ` +
      `5 ms timer late p99 ${p99.toFixed(1)} ms, most ${most.toFixed(1)} ms of ${count}`,
  )
  return value
}

const native = engine('native')
const folder = mkdtempSync(join(tmpdir(), 'anyvec-bench-'))
try {
  const words = clustered()
  say(`${report.processor}, ${threads} threads; ${rows} x ${columns}, ${native.isa}`)
  await watched('build', () =>
    words.buildIndex({
      connectivity: Number(options.connectivity),
      expansion: Number(options['build-expansion']),
      storage: options.storage as 'float32',
      threads,
    }),
  )
  const path = join(folder, 'model.safetensors')
  await watched('save', () => words.save(path))
  say(
    `file ${(statSync(path).size / 1e6).toFixed(0)} MB, of which the vectors ${((rows * columns * 4) / 1e6).toFixed(0)} MB`,
  )
  const again = await watched('open', () => open(path, { engine: 'native' }))
  const file = await native.mapFile(path)
  const start = Buffer.from(
    file.bytes.buffer,
    file.bytes.byteOffset,
    Math.min(file.bytes.length, 2 ** 30),
  ).indexOf('anyvecH1')
  const length = Buffer.from(file.bytes.subarray(8, 20_000))
    .toString('latin1')
    .match(/"index":\{"dtype":"U8","shape":\[(\d+)\]/)?.[1]
  const matrix = native.allocate(rows, columns)
  await watched('open the index alone', () => native.openIndex(matrix, file, start, Number(length)))
  await watched('first query (checks the index)', () => again.nearest('k1', { approximate: true }))

  for (const expansion of [32, 64, 128, 256]) {
    const { recall } = await words.recallAgainstExact({ queries: 500, expansion, threads })
    const approximate = await milliseconds(words, { approximate: true, expansion })
    report[`expansion ${expansion}`] = { recall, milliseconds: approximate }
    say(
      `expansion ${String(expansion).padEnd(5)} recall@10 ${recall.toFixed(4)}   ${approximate.toFixed(3)} ms a query, one at a time`,
    )
  }
  const exact = await milliseconds(words, {})
  report.exact = { milliseconds: exact }
  say(`exact                             ${exact.toFixed(3)} ms a query, one at a time, one thread`)
  for (const share of [1, 10, 90]) {
    const filter = await words.filter({ where: ({ key }) => (Number(key.slice(1)) * 37) % 100 < share })
    const filtered = await milliseconds(words, { filter })
    const walked = await milliseconds(words, { filter, approximate: true })
    report[`filter ${share} %`] = { exact: filtered, approximate: walked }
    say(
      `filter that keeps ${String(share).padStart(2)} %            ${filtered.toFixed(3)} ms exact, ${walked.toFixed(3)} ms approximate`,
    )
  }
  await watched('exact queries, 2000 in a batch', () =>
    words.nearestRows(
      Uint32Array.from({ length: 2000 }, (_, i) => i),
      { threads },
    ),
  )
  await watched('approximate queries, 2000 in a batch', () =>
    words.nearestRows(
      Uint32Array.from({ length: 2000 }, (_, i) => i),
      { threads, approximate: true },
    ),
  )
  if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Milliseconds of a core a query, one query at a time: the median. */
async function milliseconds(words: Embedding, search: SearchOptions): Promise<number> {
  const times: number[] = []
  const until = performance.now() + 2000
  for (let i = 0; performance.now() < until || times.length < 5; i++) {
    const before = process.cpuUsage()
    await words.nearestRows(Uint32Array.of((i * 7919) % rows), { ...search, threads: 1 })
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1000)
  }
  return times.sort((a, b) => a - b)[times.length >> 1]
}

function clustered(): Embedding {
  const matrix = native.allocate(rows, columns)
  const { data } = matrix
  let state = 1
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
  const basis = Float32Array.from({ length: 24 * columns }, next)
  const writer = new KeyBytesWriter(rows, rows * 8)
  const centre = new Float32Array(24)
  for (let row = 0; row < rows; row++) {
    if (row % 100 === 0) for (let i = 0; i < 24; i++) centre[i] = next()
    const at = row * columns
    for (let i = 0; i < 24; i++) {
      const weight = centre[i] + 0.5 * next()
      for (let d = 0; d < columns; d++) data[at + d] += weight * basis[i * columns + d]
    }
    writer.add(Buffer.from(`k${row}`))
  }
  return new Embedding(native, { keys: writer.finish(), vectors: matrix, metadata: {} })
}
