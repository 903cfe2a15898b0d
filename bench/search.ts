/**
 * `npm run bench:search [-- --json] [--seconds 3] [--only 68018x100]`: exact search by the native engine, ten answers a query, cosine:
 * one query at a time and in batches of 1024, on 68,018 x 100 and 1,000,000 x 128 random values.
 *
 * One query is compared with one plain pass over the matrix, which is what memory allows; a batch with the fused
 * multiply-adds that a core reaches. Both are judged by processor seconds, on one thread; the last column is the clock's,
 * with all threads.
 */

import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { Matrix } from '../lib/engine/engine.js'
import { engine } from '../lib/engine/load.js'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
})
const seconds = Number(options.seconds)
if (!(seconds > 0)) throw new Error('--seconds takes a number above 0')

const K = 10
const BATCH = 1024
const SHAPES = [
  [68_018, 100],
  [1_000_000, 128],
] as const

interface Row {
  readonly rows: number
  readonly columns: number
  readonly batch: number
  readonly queriesPerCoreSecond: number
  /** Milliseconds of a core a query. */
  readonly milliseconds: number
  /** The time of a query by that of one pass over the matrix. */
  readonly timesPass: number
  readonly fractionOfPeak: number
  /** With all threads, by the clock. */
  readonly queriesPerSecond: number
}

const native = engine('native')
const { instruments } = native
if (instruments === undefined) throw new Error('the native engine has no instruments')
const threads = availableParallelism()
const peak = instruments.fmaPeak()
const processor = cpus()[0]?.model.trim() ?? 'unknown'
const say = (text: string) => {
  if (!options.json) process.stdout.write(`${text}\n`)
}

say(
  `${processor}, ${threads} threads; native engine on ${native.isa}; Node ${process.version}; k = ${K}, cosine`,
)
say(`FMA peak of a core ${(peak / 1e9).toFixed(0)} GFLOP/s`)
say('      matrix  batch  queries/core-s    ms/query  x one pass  of peak  queries/s, all threads')
const rows: Row[] = []
const passes: { readonly rows: number; readonly columns: number; readonly gigabytesPerSecond: number }[] = []
for (const [count, columns] of SHAPES) {
  if (options.only !== undefined && options.only !== `${count}x${columns}`) continue
  const matrix = randomMatrix(count, columns)
  for (const batch of [1, BATCH]) {
    const alone = await rate(matrix, batch, 1)
    const pass = alone.pass
    const together = await rate(matrix, batch, threads)
    const row: Row = {
      rows: count,
      columns,
      batch,
      queriesPerCoreSecond: alone.perCoreSecond,
      milliseconds: 1000 / alone.perCoreSecond,
      timesPass: 1 / alone.perCoreSecond / pass,
      fractionOfPeak: (alone.perCoreSecond * count * columns * 2) / peak,
      queriesPerSecond: together.perSecond,
    }
    rows.push(row)
    passes.push({ rows: count, columns, gigabytesPerSecond: (count * columns * 4) / pass / 1e9 })
    say(
      `${`${count} x ${columns}`.padStart(12)}${String(batch).padStart(7)}${row.queriesPerCoreSecond.toFixed(1).padStart(16)}` +
        `${row.milliseconds.toFixed(3).padStart(12)}${row.timesPass.toFixed(2).padStart(12)}${row.fractionOfPeak.toFixed(3).padStart(9)}` +
        `${row.queriesPerSecond.toFixed(1).padStart(24)}`,
    )
  }
}
if (options.json) {
  const report = {
    processor,
    threads,
    isa: native.isa,
    node: process.version,
    k: K,
    fmaPeak: peak,
    passes,
    search: rows,
  }
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
}

/** Values that are spread evenly: what they mean does not matter here. */
function randomMatrix(rows: number, columns: number): Matrix {
  const matrix = native.allocate(rows, columns)
  let state = 1
  for (let i = 0; i < matrix.data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    matrix.data[i] = state / 2 ** 32 - 0.5
  }
  return matrix
}

/**
 * Queries a second of processor time and of wall time, and the seconds of a pass over the matrix. All are medians over calls in turns,
 * so that each sees the same neighbours on the machine.
 */
async function rate(matrix: Matrix, batch: number, threads: number) {
  const { columns, rows, data } = matrix
  const queries = data.slice(5 * columns, (5 + batch) * columns)
  const ask = () => native.topK(matrix, { queries, k: K, metric: 'cosine', rows, threads })
  await ask()
  const cores: number[] = []
  const walls: number[] = []
  const passes: number[] = []
  const until = performance.now() + seconds * 1000
  do {
    const started = performance.now()
    const before = process.cpuUsage()
    await ask()
    const { user, system } = process.cpuUsage(before)
    walls.push((performance.now() - started) / 1000)
    cores.push((user + system) / 1e6)
    if (threads === 1) passes.push(instruments?.passSeconds(matrix) ?? Number.NaN)
  } while (performance.now() < until)
  return { perCoreSecond: batch / median(cores), perSecond: batch / median(walls), pass: median(passes) }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}
