/**
 * `npm run bench:guard -- --base FOLDER [--text FILE] [--dimensions 100] [--threads 1] [--rounds 7] [--allow 5]`: is this build
 * slower than another one? FOLDER is another clone, compiled. Both train the same text by their command lines, in turns; the median of
 * the rounds' ratios counts, because what else the machine does changes from one minute to the next. Exit 1 where this build is
 * more than `--allow` per cent slower.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { benchText } from './corpus.js'

const { values: options } = parseArgs({
  options: {
    base: { type: 'string' },
    text: { type: 'string' },
    dimensions: { type: 'string', default: '100' },
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '7' },
    allow: { type: 'string', default: '5' },
  },
})
const rounds = Number(options.rounds)
const allowed = Number(options.allow) / 100
if (options.base === undefined || !(rounds >= 1) || !(allowed >= 0)) {
  throw new Error('usage: npm run bench:guard -- --base FOLDER [--rounds 7] [--allow 5]')
}

const here = dirname(dirname(fileURLToPath(import.meta.url)))
const text = await benchText(options.text)
const folder = mkdtempSync(join(tmpdir(), 'anyvec-guard-'))
// every option that speed depends on is said, so that builds with other defaults do the same work
const fixed = ['--epochs', '1', '--window', '5', '--negative', '5', '--subsample', '1e-3', '--min-count', '5']

function wordsPerSecond(root: string): number {
  const flags = ['--dimensions', options.dimensions, '--threads', options.threads, ...fixed, '--json']
  const output = join(folder, 'model.bin')
  const main = join(root, 'dist', 'cli', 'main.js')
  const run = execFileSync(process.execPath, [main, 'train', text.path, '--output', output, ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
  })
  return (JSON.parse(run) as { wordsPerSecond: number }).wordsPerSecond
}

try {
  const base = resolve(options.base)
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    // who goes first changes, too
    const order = round % 2 === 0 ? [base, here] : [here, base]
    const rates = new Map(order.map((root) => [root, wordsPerSecond(root)]))
    const [now, then] = [rates.get(here) as number, rates.get(base) as number]
    ratios.push(now / then)
    console.log(
      `${(now / 1e6).toFixed(2)} M words/s, base ${(then / 1e6).toFixed(2)}: ${(now / then).toFixed(3)}`,
    )
  }
  ratios.sort((a, b) => a - b)
  const median = ratios[Math.floor(rounds / 2)] as number
  console.log(
    `median ${median.toFixed(3)} of ${rounds} rounds, from ${ratios[0]?.toFixed(3)} to ${ratios.at(-1)?.toFixed(3)}`,
  )
  if (median < 1 - allowed) {
    console.log(`slower by more than ${options.allow} %`)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
  text.remove()
}
