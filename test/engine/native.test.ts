/** What only the native engine can get wrong: its table of errors, its handles, its threads when the program ends. */

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Matrix } from '../../lib/engine/engine.js'
import { engine } from '../../lib/engine/load.js'
import { ERROR_CODES } from '../../lib/errors.js'
import { ENGINES } from '../engines.js'
import { rejection } from '../rejection.js'
import { finishedText, languageText, PARAMETERS } from './corpora.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A program that has trained for a moment when `then` runs; with the compiled files, because workers have no loader. */
const training = (then: string) => `
  import { engine } from '${new URL('../../dist/engine/load.js', import.meta.url).href}'
  const made = engine('native')
  const corpus = made.createCorpus({ threads: 2, memoryLimit: 2 ** 30, spillFolder: '/tmp', malformed: 'error' })
  await corpus.addBlock(Buffer.from('a b c d e f g h '.repeat(20000)), 'text')
  await corpus.endStream()
  await corpus.finish({ minCount: 1, maxVocabulary: 0 })
  const parameters = ${JSON.stringify({ ...PARAMETERS, threads: 2, epochs: 100_000 })}
  made.train(corpus, parameters)
  setTimeout(() => { ${then} }, 100)
`

function run(program: string) {
  const started = performance.now()
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    encoding: 'utf8',
    timeout: 30_000,
  })
  return { ...ended, seconds: (performance.now() - started) / 1000 }
}

if (!ENGINES.includes('native')) {
  test.skip('the native engine cannot be loaded here', () => {})
} else {
  const native = engine('native')

  test('its error codes are those of lib/errors.ts, apart from the one that never comes out', () => {
    const require = createRequire(import.meta.url)
    const binding = require('node-gyp-build')(process.env.ANYVEC_PREBUILD ?? root) as { errorCodes: string[] }
    assert.ok(binding.errorCodes.length > 10)
    for (const code of binding.errorCodes) {
      if (code !== 'ERR_ANYVEC_ABORTED') assert.ok(code in ERROR_CODES, code)
    }
  })

  test('a wrong handle is an error, not a crash', async () => {
    const require = createRequire(import.meta.url)
    const binding = require('node-gyp-build')(process.env.ANYVEC_PREBUILD ?? root) as Record<
      string,
      (...given: unknown[]) => unknown
    >
    const control = binding.createControl()
    const wrong = [undefined, null, 7, 'x', {}, control, [], Symbol('s'), () => 0]
    for (const [name, call] of Object.entries(binding)) {
      if (typeof call !== 'function' || name === 'createControl' || name === 'fmaPeak') continue
      for (const value of wrong) {
        // whatever it answers, the process goes on; promises may reject
        try {
          await call(value, value, value, value, value, value, value, value)
        } catch (error) {
          assert.instance(error, Error, `${name} of ${typeof value}`)
        }
      }
    }
  })

  test('a matrix of somewhere else is an error', async () => {
    const foreign: Matrix = { rows: 1, columns: 1, data: new Float32Array(1) }
    const request = { queries: new Float32Array(1), k: 1, metric: 'dot', rows: 1, threads: 1 } as const
    await rejection(async () => native.topK(foreign, request), 'ERR_ANYVEC_USAGE')
  })

  test('several threads really train', async () => {
    const corpus = await finishedText(native, languageText(50_000))
    const { threads, loss } = await native.train(corpus, { ...PARAMETERS, threads: 3 })
    assert.is(threads, 3)
    assert.ok(loss[1] < loss[0])
  })

  test('many long tasks at once do not hold up file work', async () => {
    const corpus = await finishedText(native, languageText(20_000))
    const controllers = Array.from({ length: 12 }, () => new AbortController())
    const runs = controllers.map(({ signal }) =>
      native.train(corpus, { ...PARAMETERS, epochs: 100_000 }, { signal }).catch(() => 'stopped'),
    )
    const { readFile } = await import('node:fs/promises')
    const started = performance.now()
    await readFile(fileURLToPath(import.meta.url))
    assert.ok(performance.now() - started < 5000)
    for (const controller of controllers) controller.abort()
    assert.equal(await Promise.all(runs), new Array(12).fill('stopped'))
  })

  test('vectors live on when everything else about a run is gone', async () => {
    const corpus = await finishedText(native, languageText(3000))
    const { vectors } = await native.train(corpus, PARAMETERS)
    corpus.dispose()
    const sum = vectors.data.reduce((all, value) => all + value, 0)
    for (let i = 0; i < 20; i++) native.allocate(1000, 100)
    assert.is(
      vectors.data.reduce((all, value) => all + value, 0),
      sum,
    )
  })

  test('a program may end in the middle of training', () => {
    const { status, stderr, seconds } = run(training('process.exit(7)'))
    assert.is(status, 7, stderr)
    assert.ok(seconds < 20, `${seconds} s`)
  })

  test('an error in the middle of training ends the program as always', () => {
    const { status, stderr } = run(training("throw new Error('from the outside')"))
    assert.is(status, 1)
    assert.match(stderr, /from the outside/)
  })

  test('a worker thread may be ended in the middle of training, and others go on', async () => {
    const program = training(
      "import('node:worker_threads').then((threads) => threads.parentPort.postMessage('training'))",
    )
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`))
      await new Promise((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
      })
      await worker.terminate()
    }
    const corpus = await finishedText(native, languageText(3000))
    assert.is((await native.train(corpus, PARAMETERS)).loss.length, 2)
  })
}

test.run()
