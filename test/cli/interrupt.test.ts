import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Interrupted } from '../../lib/cli/failure.js'
import { interruptible } from '../../lib/cli/interrupt.js'
import { ENGINES } from '../engines.js'
import { raised } from '../rejection.js'
import { fresh, written } from '../temporary.js'
import { end, start } from './command.js'
import { CORPUS } from './corpus.js'

const corpus = written('corpus.txt', CORPUS)
// a signal cannot be sent to another process there: it would be ended at once
const withSignals = process.platform === 'win32' ? test.skip : test

/** Trains for longer than any test waits, and sends a signal when training has begun. */
async function interrupt(signal: NodeJS.Signals, engine: string) {
  const place = fresh('place')
  mkdirSync(place)
  const output = join(place, 'model.bin')
  writeFileSync(output, 'old')
  const child = start(['train', corpus, '--output', output, '--epochs', '100000', '--engine', engine])
  const finished = end(child)
  await new Promise<void>((resolve, reject) => {
    let told = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      told += chunk.toString()
      if (told.includes('training')) resolve()
    })
    child.on('close', () => reject(new Error(`ended before it trained: ${told}`)))
  })
  const sent = performance.now()
  child.kill(signal)
  const result = await finished
  assert.is(readFileSync(output, 'utf8'), 'old')
  assert.equal(readdirSync(place), ['model.bin'])
  return { ...result, seconds: (performance.now() - sent) / 1000 }
}

for (const engine of ENGINES) {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    withSignals(
      `${engine}: ${signal} ends training with exit ${code} and leaves the old output`,
      async () => {
        const { stdout, stderr, ...result } = await interrupt(signal, engine)
        assert.equal([result.code, result.signal, stdout], [code, null, ''])
        assert.is(stderr.trim().split('\n').at(-1), 'anyvec train: stopped; no file was changed')
        assert.ok(result.seconds < 3, `took ${result.seconds} s`)
      },
    )
  }
}

test('interruptible work rejects with what stopped it, and lets go of the signals', async () => {
  const before = process.listenerCount('SIGINT')
  const error = await raised(() =>
    interruptible(async (signal) => {
      process.emit('SIGINT', 'SIGINT')
      signal.throwIfAborted()
    }),
  )
  assert.instance(error, Interrupted)
  assert.is((error as Interrupted).exitCode, 130)
  assert.is(process.listenerCount('SIGINT'), before)
  assert.is(await interruptible(async () => 7), 7)
})

test.run()
