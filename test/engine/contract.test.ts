/** What every engine promises, apart from what it computes. */

import { writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Engine, NO_ROW, type TrainingProgress } from '../../lib/engine/engine.js'
import { engine } from '../../lib/engine/load.js'
import { ENGINES } from '../engines.js'
import { raised, rejection } from '../rejection.js'
import { fresh, written } from '../temporary.js'
import { CORPUS, finishedText, keysOf, languageText, PARAMETERS, random, readText } from './corpora.js'

/** More epochs than a test waits for. */
const ENDLESS = { ...PARAMETERS, epochs: 100_000 }

function forEach(title: string, body: (made: Engine) => Promise<void>): void {
  for (const name of ENGINES) test(`${name}: ${title}`, () => body(engine(name)))
}

forEach('training is the same every time', async (made) => {
  const corpus = await finishedText(made, languageText(3000))
  const [a, b] = [await made.train(corpus, PARAMETERS), await made.train(corpus, PARAMETERS)]
  assert.equal(a.vectors.data, b.vectors.data)
  assert.equal(a.contexts.data, b.contexts.data)
  assert.equal(a.loss, b.loss)
  const other = await made.train(corpus, { ...PARAMETERS, seed: 8 })
  assert.not.equal(a.vectors.data, other.vectors.data)
})

forEach('ids on disk train the same vectors as ids in memory', async (made) => {
  const text = languageText(100_000)
  const outcomes = []
  for (const memoryLimit of [2 ** 30, 0]) {
    const corpus = await readText(made, text, { memoryLimit })
    const summary = await corpus.finish({ minCount: 5, maxVocabulary: 0 })
    assert.is(summary.spilledBytes > 0, memoryLimit === 0)
    outcomes.push(await made.train(corpus, { ...PARAMETERS, epochs: 1, dimensions: 5 }))
    corpus.dispose()
  }
  assert.equal(outcomes[0].vectors.data, outcomes[1].vectors.data)
})

forEach('loss falls, and progress rises to the end', async (made) => {
  const corpus = await finishedText(made, languageText(40_000))
  const seen: TrainingProgress[] = []
  const { loss } = await made.train(
    corpus,
    { ...PARAMETERS, epochs: 4, subsample: 0 },
    { onProgress: (progress) => seen.push(progress) },
  )
  assert.is(loss.length, 4)
  assert.ok(loss[3] < loss[0], String(loss))
  const last = seen[seen.length - 1]
  assert.is(last.words, last.totalWords)
  assert.is(last.epochs, 4)
  for (let i = 1; i < seen.length; i++) assert.ok(seen[i].words >= seen[i - 1].words)
})

forEach('training stops within 100 ms of an abort and rejects with its reason', async (made) => {
  const corpus = await finishedText(made, languageText(20_000))
  const controller = new AbortController()
  const reason = new Error('enough')
  let aborted = 0
  setTimeout(() => {
    aborted = performance.now()
    controller.abort(reason)
  }, 60)
  assert.is(await raised(() => made.train(corpus, ENDLESS, { signal: controller.signal })), reason)
  // the promise is for quiet machines; tests run on busy ones
  assert.ok(performance.now() - aborted < 500, `${performance.now() - aborted} ms`)
  assert.is(await raised(() => made.train(corpus, ENDLESS, { signal: controller.signal })), reason)
})

forEach("a throw in the caller's callback ends training and is what it rejects with", async (made) => {
  const corpus = await finishedText(made, languageText(20_000))
  const mine = new Error('mine')
  const onProgress = () => {
    throw mine
  }
  assert.is(await raised(() => made.train(corpus, ENDLESS, { onProgress })), mine)
})

forEach('the event loop turns while training runs', async (made) => {
  const corpus = await finishedText(made, languageText(20_000))
  const controller = new AbortController()
  let turns = 0
  const timer = setInterval(() => {
    if (++turns === 10) controller.abort()
  }, 5)
  await raised(() => made.train(corpus, ENDLESS, { signal: controller.signal }))
  clearInterval(timer)
  assert.is(turns, 10)
})

forEach('training that diverges says when', async (made) => {
  const corpus = await finishedText(made, languageText(20_000))
  const error = await rejection(
    () => made.train(corpus, { ...PARAMETERS, learningRate: 900 }),
    'ERR_ANYVEC_DIVERGED',
    /learningRate/,
  )
  assert.type(error.details.epoch, 'number')
})

forEach('renamed keys merge', async (made) => {
  const corpus = await readText(made, 'The cat the Cat\nTHE dog\n')
  const types = keysOf({ keys: corpus.types() }).map((key) => key.toLowerCase())
  const bytes = Buffer.from(types.join(''))
  const offsets = new BigUint64Array(types.length + 1)
  types.forEach((key, i) => {
    offsets[i + 1] = offsets[i] + BigInt(key.length)
  })
  corpus.rename({ bytes, offsets })
  const { tokens, types: distinct } = await corpus.finish({ minCount: 1, maxVocabulary: 0 })
  assert.equal([tokens, distinct], [6, 3])
  assert.equal(keysOf(corpus), ['the', 'cat', 'dog'])
  assert.equal([...corpus.counts], [3n, 2n, 1n])
})

forEach('calls out of order are errors', async (made) => {
  const corpus = made.createCorpus(CORPUS)
  await rejection(() => corpus.keys, 'ERR_ANYVEC_USAGE')
  await rejection(() => made.train(corpus, PARAMETERS), 'ERR_ANYVEC_USAGE')
  await corpus.addBlock(Buffer.from('a b a b'), 'text')
  await rejection(() => corpus.finish({ minCount: 1, maxVocabulary: 0 }), 'ERR_ANYVEC_USAGE', /stream/)
  await corpus.endStream()
  const first = corpus.finish({ minCount: 1, maxVocabulary: 0 })
  await rejection(() => corpus.addBlock(Buffer.from('c'), 'text'), 'ERR_ANYVEC_USAGE')
  await first
  await rejection(() => corpus.finish({ minCount: 1, maxVocabulary: 0 }), 'ERR_ANYVEC_USAGE')
  corpus.dispose()
  corpus.dispose()
  await rejection(() => corpus.keys, 'ERR_ANYVEC_DISPOSED')
  await rejection(() => made.train(corpus, PARAMETERS), 'ERR_ANYVEC_DISPOSED')
})

forEach('a block may be used again once it is read', async (made) => {
  const corpus = made.createCorpus(CORPUS)
  const block = Buffer.alloc(4)
  for (const part of ['appl', 'e ba', 'nana', ' app', 'le b']) {
    block.write(part)
    await corpus.addBlock(block, 'text')
    block.fill(0)
  }
  await corpus.endStream()
  await corpus.finish({ minCount: 1, maxVocabulary: 0 })
  assert.equal(keysOf(corpus), ['apple', 'b', 'banana'])
})

forEach('search answers as sorting everything would', async (made) => {
  const [rows, columns, k] = [300, 21, 12]
  const next = random(5)
  const matrix = made.allocate(rows, columns)
  for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = next() - 0.5
  const queries = Float32Array.from({ length: 3 * columns }, () => next() - 0.5)
  for (const metric of ['cosine', 'dot'] as const) {
    const found = await made.topK(matrix, { queries, k, metric, rows, threads: 2 })
    for (let query = 0; query < 3; query++) {
      const scores = Array.from({ length: rows }, (_, row) => {
        let [ab, aa, bb] = [0, 0, 0]
        for (let c = 0; c < columns; c++) {
          const [a, b] = [matrix.data[row * columns + c], queries[query * columns + c]]
          ab += a * b
          aa += a * a
          bb += b * b
        }
        return { row, score: metric === 'cosine' ? ab / Math.sqrt(aa * bb) : ab }
      }).sort((a, b) => b.score - a.score)
      for (let i = 0; i < k; i++) {
        assert.is(found.ids[query * k + i], scores[i].row)
        assert.ok(Math.abs(found.scores[query * k + i] - scores[i].score) < 1e-6)
      }
    }
  }
})

forEach(
  'ties go to the smaller row, NaN is no answer, zero rows score zero, missing answers are marked',
  async (made) => {
    const matrix = made.allocate(6, 2)
    matrix.data.set([Number.NaN, 1, 1, 0, 0, 0, -1, 0, 2, 0, 1, 1])
    const { ids, scores } = await made.topK(matrix, {
      queries: Float32Array.of(3, 0),
      k: 7,
      metric: 'cosine',
      rows: 6,
      threads: 1,
    })
    assert.equal([...ids], [1, 4, 5, 2, 3, NO_ROW, NO_ROW])
    assert.equal([scores[0], scores[1], scores[3], scores[4]], [1, 1, 0, -1])
  },
)

forEach('search sees values that were written after the last search', async (made) => {
  const matrix = made.allocate(2, 2)
  const nearest = async () =>
    (await made.topK(matrix, { queries: Float32Array.of(1, 0), k: 1, metric: 'cosine', rows: 2, threads: 1 }))
      .ids[0]
  matrix.data.set([1, 0, 0, 1])
  assert.is(await nearest(), 0)
  matrix.data.set([0, 1, 1, 0])
  assert.is(await nearest(), 1)
})

forEach('rows written as text read back bit by bit', async (made) => {
  const matrix = made.allocate(50, 7)
  const bits = new Uint32Array(matrix.data.buffer, matrix.data.byteOffset, matrix.data.length)
  const next = random(11)
  for (let i = 0; i < bits.length; i++) {
    do bits[i] = next() * 2 ** 32
    while (!Number.isFinite(matrix.data[i]))
  }
  const names = Array.from({ length: 50 }, (_, i) => `香蕉${i}`)
  const bytes = Buffer.from(names.join(''))
  const offsets = new BigUint64Array(51)
  names.forEach((name, i) => {
    offsets[i + 1] = offsets[i] + BigInt(Buffer.byteLength(name))
  })
  const path = fresh('rows.vec')
  const parts = [
    await made.formatRows(matrix, { bytes, offsets }, 0, 20),
    await made.formatRows(matrix, { bytes, offsets }, 20, 50),
  ]
  writeFileSync(path, Buffer.concat([Buffer.from('50 7\n'), ...parts]))
  const read = await made.parseRows(await made.mapFile(path), { offset: 5, columns: 7 })
  assert.equal(keysOf(read), names)
  assert.equal(new Uint32Array(read.matrix.data.buffer, read.matrix.data.byteOffset, bits.length), bits)
})

forEach(
  'a file in memory can be written to without changing the file, and its rows can be searched',
  async (made) => {
    const path = written('rows.bin', new Uint8Array(Float32Array.of(1, 0, 0, 1, 5).buffer))
    const file = await made.mapFile(path)
    for (const offset of [0, 4]) {
      const matrix = made.view(file, offset, 2, 2)
      assert.is(matrix.data.length, 4)
      const { ids } = await made.topK(matrix, {
        queries: matrix.data.slice(2, 4),
        k: 1,
        metric: 'cosine',
        rows: 2,
        threads: 1,
      })
      assert.is(ids[0], 1)
    }
    const odd = written(
      'odd.bin',
      Buffer.concat([Buffer.from('x'), Buffer.from(Float32Array.of(7, 8).buffer)]),
    )
    assert.equal([...made.view(await made.mapFile(odd), 1, 1, 2).data], [7, 8])
    file.bytes.fill(0)
    assert.is((await made.mapFile(path)).bytes[3], 0x3f)
  },
)

forEach('matrices that cannot be are errors', async (made) => {
  await rejection(() => made.allocate(2 ** 40, 4096), 'ERR_ANYVEC_MEMORY')
  await rejection(() => made.allocate(2 ** 52, 2 ** 52), 'ERR_ANYVEC_MEMORY')
})

forEach('files that cannot be read are errors', async (made) => {
  await rejection(() => made.mapFile(fresh('missing')), 'ERR_ANYVEC_FILE', /no such file/)
  await rejection(() => made.mapFile(process.cwd()), 'ERR_ANYVEC_FILE', /directory/)
  assert.is((await made.mapFile(written('empty', ''))).bytes.length, 0)
})

test.run()
