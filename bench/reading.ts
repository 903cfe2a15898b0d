/**
 * `npm run bench:reading [-- --json] [--text FILE] [--rounds 5]`: megabytes of text a second that the engines read and count, and
 * that they write down as ids; from a file, and from the same file compressed with gzip, beside decompressing alone.
 *
 * They are measured in turns, several rounds, and the round in the middle counts. Processor seconds are those of all threads.
 */

import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { createGunzip, createGzip } from 'node:zlib'
import type { Engine } from '../lib/engine/engine.js'
import { engine } from '../lib/engine/load.js'
import { text as textSource } from '../lib/index.js'
import { benchText } from './corpus.js'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    text: { type: 'string' },
    rounds: { type: 'string', default: '5' },
  },
})
const rounds = Number(options.rounds)
if (!(rounds >= 1)) throw new Error('--rounds takes a number above 0')

interface Time {
  readonly seconds: number
  readonly processorSeconds: number
}

interface Row extends Time {
  readonly what: string
  readonly engine: string
  readonly threads: number
  readonly megabytesPerSecond: number
}

async function timed(work: () => Promise<unknown>): Promise<Time> {
  const started = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - started) / 1000, processorSeconds: (user + system) / 1e6 }
}

/** Reads a file and builds its vocabulary: how long either took. */
async function read(
  by: Engine,
  path: string,
  threads: number,
): Promise<readonly [counting: Time, encoding: Time]> {
  const corpus = by.createCorpus({ threads, memoryLimit: 2 ** 31, spillFolder: tmpdir(), malformed: 'skip' })
  try {
    const counting = await timed(() => textSource(path).read(corpus, { engine: by, seed: 1 }))
    return [counting, await timed(() => corpus.finish({ minCount: 5, maxVocabulary: 0 }))]
  } finally {
    corpus.dispose()
  }
}

async function decompress(path: string): Promise<void> {
  const stream = createReadStream(path).pipe(createGunzip({ chunkSize: 2 ** 18 }))
  for await (const _ of stream);
}

const all = availableParallelism()
const native = engine('native')
const text = await benchText(options.text)
const folder = mkdtempSync(join(tmpdir(), 'anyvec-bench-'))
try {
  const { size } = statSync(text.path)
  const packed = join(folder, 'text.gz')
  await pipeline(createReadStream(text.path), createGzip(), createWriteStream(packed))

  const times = new Map<string, Time[]>()
  const note = (what: string, by: string, threads: number, time: Time) => {
    const key = JSON.stringify([what, by, threads])
    times.set(key, [...(times.get(key) ?? []), time])
  }
  for (let round = 0; round < rounds; round++) {
    const readers: readonly (readonly [Engine, number])[] = [
      [native, 1],
      ...(all > 1 ? [[native, all] as const] : []),
      [engine('portable'), 1],
    ]
    for (const [by, threads] of readers) {
      const [counting, encoding] = await read(by, text.path, threads)
      note('reading and counting', by.name, threads, counting)
      note('encoding', by.name, threads, encoding)
      note('gzip: reading and counting', by.name, threads, (await read(by, packed, threads))[0])
    }
    note('gzip: decompressing alone', 'node', 1, await timed(() => decompress(packed)))
  }

  const rows: Row[] = [...times].map(([key, measured]) => {
    const [what, by, threads] = JSON.parse(key) as [string, string, number]
    const sorted = [...measured].sort((a, b) => a.seconds - b.seconds)
    const middle = sorted[Math.floor(sorted.length / 2)] as Time
    return { what, engine: by, threads, ...middle, megabytesPerSecond: size / 1e6 / middle.seconds }
  })
  const report = {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    threads: all,
    isa: native.isa,
    node: process.version,
    text: { name: text.name, bytes: size },
    reading: rows,
  }
  if (options.json) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  } else {
    const lines = rows.map(
      (row) =>
        `${row.what.padEnd(28)}${row.engine.padEnd(10)}${String(row.threads).padStart(7)}${row.megabytesPerSecond.toFixed(0).padStart(8)}` +
        `${row.seconds.toFixed(3).padStart(10)}${row.processorSeconds.toFixed(3).padStart(20)}\n`,
    )
    process.stdout.write(
      `${report.processor}, ${all} threads; native engine on ${native.isa}; Node ${process.version}\n` +
        `${text.name}: ${(size / 1e6).toFixed(0)} MB\n\n` +
        `${'what'.padEnd(28)}${'engine'.padEnd(10)}threads    MB/s   seconds   processor seconds\n${lines.join('')}`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
  text.remove()
}
