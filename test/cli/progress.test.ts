import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { clock, count, createProgressBar, type ProgressStream, size } from '../../lib/cli/progress.js'

function recorder(stream: Omit<ProgressStream, 'write'>): ProgressStream & { readonly told: string[] } {
  const told: string[] = []
  return { ...stream, told, write: (text: string) => told.push(text) }
}

const TRAINING = {
  phase: 'training',
  epoch: 1,
  epochs: 5,
  words: 3_000_000,
  totalWords: 10_000_000,
  learningRate: 0.02,
  loss: 2.3456,
  seconds: 1.5,
} as const

/** What an update of the live line leaves on the screen: from the line's start, the rest of it erased. */
function shown(update: string): string {
  const erase = '\x1b[K'
  assert.ok(update.startsWith('\r') && update.endsWith(erase), JSON.stringify(update))
  return update.slice(1, -erase.length)
}

test('a terminal has one live line, which done() ends once', () => {
  const stream = recorder({ isTTY: true, columns: 200 })
  const bar = createProgressBar(stream)
  bar.update({ phase: 'reading', bytes: 5_000_000, totalBytes: 20_000_000 })
  bar.update(TRAINING)
  bar.done()
  bar.done()
  assert.is(stream.told.length, 3)
  assert.match(stream.told[0], /^\r 25% \[######\.{18}\] reading 5\.0 MB/)
  assert.match(
    shown(stream.told[1]),
    /^ 30% \[#{7}\.{17}\] training epoch 2\/5, 2\.00 M words\/s, loss 2\.346, 0:04 left$/,
  )
  assert.is(stream.told[2], '\n')
})

test('a line never reaches the terminal’s edge', () => {
  for (const columns of [10, 40, 80]) {
    const stream = recorder({ isTTY: true, columns })
    createProgressBar(stream).update(TRAINING)
    assert.ok(shown(stream.told[0]).length < columns)
  }
})

test('where there is no terminal a short run is silent', () => {
  const stream = recorder({})
  const bar = createProgressBar(stream)
  bar.update(TRAINING)
  bar.done()
  assert.equal(stream.told, [])
})

test('where there is no terminal a long run tells a plain line now and then', () => {
  const now = performance.now
  let time = 0
  performance.now = () => time
  try {
    const stream = recorder({})
    const bar = createProgressBar(stream)
    for (time = 0; time <= 12_000; time += 50) bar.update(TRAINING)
    bar.done()
    assert.is(stream.told.length, 3, 'after 1, 6 and 11 seconds')
    for (const line of stream.told) assert.match(line, /^ 30% training epoch 2\/5, .*\n$/)
  } finally {
    performance.now = now
  }
})

test('unknown totals and losses are left out', () => {
  const stream = recorder({ isTTY: true, columns: 200 })
  const bar = createProgressBar(stream)
  bar.update({ phase: 'reading', bytes: 500, totalBytes: 0 })
  bar.update({ ...TRAINING, words: 0, loss: Number.NaN, seconds: 0 })
  assert.match(stream.told[0], /^\r {5}\[\.{24}\] reading 500 B/)
  assert.match(shown(stream.told[1]), /training epoch 2\/5$/)
})

test('numbers, sizes and times are as people say them', () => {
  assert.equal([count(950), count(48_200), count(4_810_000)], ['950', '48.2 k', '4.81 M'])
  assert.equal([size(12), size(4_500), size(12_300_000), size(2e9)], ['12 B', '4.5 kB', '12.3 MB', '2.00 GB'])
  assert.equal([clock(0), clock(61), clock(3661.2), clock(-3)], ['0:00', '1:01', '1:01:02', '0:00'])
})

test.run()
