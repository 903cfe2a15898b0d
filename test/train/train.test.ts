import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Progress, sequences, type Source, text, train } from '../../lib/index.js'
import { DEFAULTS } from '../../lib/train/options.js'
import { ENGINES } from '../engines.js'
import { raised, rejection } from '../rejection.js'
import { folder, fresh, written } from '../temporary.js'

/** Two worlds that never meet: fruit is eaten, cars are driven. */
function* sentences(count: number): Generator<string> {
  const fruit = ['apple', 'pear', 'plum', 'fig']
  const cars = ['car', 'truck', 'van', 'bus']
  for (let i = 0; i < count; i++) {
    yield `we eat sweet ${fruit[i % 4]} and ripe ${fruit[(i + 1 + (i >> 2)) % 4]} fruit\n`
    yield `they drive fast ${cars[i % 4]} or slow ${cars[(i + 1 + (i >> 2)) % 4]} roads\n`
  }
}

const corpus = written('corpus.txt', [...sentences(3000)].join(''))
const OPTIONS = { dimensions: 24, epochs: 8, minCount: 1, subsample: 0, threads: 1 }

for (const engine of ENGINES) {
  test(`${engine}: what stands together in the data comes together in the embedding`, async () => {
    const words = await train(text(corpus), { ...OPTIONS, engine })
    const fruit = (await words.nearest('apple', { k: 3 })).map(({ key }) => key).sort()
    assert.equal(fruit, ['fig', 'pear', 'plum'])
    const cars = (await words.nearest('car', { k: 3 })).map(({ key }) => key).sort()
    assert.equal(cars, ['bus', 'truck', 'van'])
    assert.ok(words.similarity('apple', 'plum') > words.similarity('apple', 'bus') + 0.2)
  })

  test(`${engine}: the report says what was read, kept, dropped and trained`, async () => {
    const source = text(['a a a b b b c c d\n', '\n', 'a b c rare\n'].values())
    const words = await train(source, { ...OPTIONS, engine, minCount: 3, maxVocabulary: 2, epochs: 3 })
    assert.equal([...words.keys], ['a', 'b'])
    assert.equal([words.count('a'), words.count('b')], [4, 4])
    const { report } = words
    if (report === undefined) throw new Error('no report')
    assert.equal(
      { ...report.corpus, bytes: 0 },
      {
        tokens: 13,
        keptTokens: 8,
        types: 5,
        vocabulary: 2,
        sequences: 2,
        bytes: 0,
        malformedTokens: 0,
        spilledBytes: 0,
      },
    )
    assert.is(report.corpus.bytes, 30)
    assert.equal(report.dropped, { rareTokens: 5, rareKeys: 3, malformedTokens: 0 })
    assert.equal([report.engine, report.threads, report.loss.length], [engine, 1, 3])
    assert.is(report.trainedTokens, 24)
    assert.ok(report.loss.every((loss) => loss > 0 && loss < 10))
    assert.ok(report.seconds.vocabulary > 0 && report.seconds.training >= 0)
    assert.is(report.options.minCount, 3)
    assert.is(report.options.window, 5)
    assert.equal(JSON.parse(JSON.stringify(report)), report)
  })

  test(`${engine}: equal runs make equal files, which remember how they were made`, async () => {
    const [one, two] = [fresh('m.safetensors'), fresh('m.safetensors')]
    for (const path of [one, two]) {
      const words = await train(text(corpus, { lowercase: true }), { ...OPTIONS, engine, epochs: 1, seed: 7 })
      assert.equal(words.metadata.source, {
        kind: 'text',
        lowercase: true,
        malformed: 'error',
        tokenize: 'spaces',
      })
      const { options, training } = words.metadata as {
        options: Record<string, unknown>
        training: Record<string, unknown>
      }
      assert.equal(
        [options.dimensions, options.seed, options.negativeExponent],
        [24, 7, DEFAULTS.negativeExponent],
      )
      assert.equal([training.engine, training.threads], [engine, 1])
      assert.not(JSON.stringify(words.metadata).includes(folder))
      await words.save(path)
    }
    assert.ok(readFileSync(one).equals(readFileSync(two)))
    const other = await train(text(corpus), { ...OPTIONS, engine, epochs: 1, seed: 8 })
    await other.save(two)
    assert.not(readFileSync(one).equals(readFileSync(two)))
  })

  test(`${engine}: progress tells of reading, then of training, to the end`, async () => {
    const seen: Progress[] = []
    await train(text(corpus), { ...OPTIONS, engine, onProgress: (progress) => void seen.push(progress) })
    const reading = seen.filter((progress) => progress.phase === 'reading')
    const training = seen.filter((progress) => progress.phase === 'training')
    assert.equal(seen, [...reading, ...training])
    const size = readFileSync(corpus).length
    assert.equal(reading.at(-1), { phase: 'reading', bytes: size, totalBytes: size })
    const last = training.at(-1)
    assert.ok(last !== undefined && last.phase === 'training')
    if (last?.phase === 'training') assert.equal([last.words, last.epochs], [last.totalWords, 8])
    for (let i = 1; i < training.length; i++) assert.ok(training[i].words >= training[i - 1].words)
  })

  test(`${engine}: an abort ends a run within 200 ms, with the signal's reason`, async () => {
    const controller = new AbortController()
    const running = train(text(corpus), { ...OPTIONS, engine, epochs: 100_000, signal: controller.signal })
    const reason = new Error('enough')
    let aborted = 0
    setTimeout(() => {
      aborted = performance.now()
      controller.abort(reason)
    }, 300)
    assert.is(await raised(() => running), reason)
    assert.ok(performance.now() - aborted < 200, `${performance.now() - aborted} ms`)
    assert.is(await raised(() => train(text(corpus), { engine, signal: AbortSignal.abort(reason) })), reason)
  })

  test(`${engine}: a throw in onProgress rejects the run with what was thrown`, async () => {
    for (const phase of ['reading', 'training']) {
      const thrown = new Error(phase)
      const onProgress = (progress: Progress) => {
        if (progress.phase === phase) throw thrown
      }
      assert.is(
        await raised(() => train(text(corpus), { ...OPTIONS, engine, epochs: 1000, onProgress })),
        thrown,
      )
    }
  })

  test(`${engine}: data without two keys to train on are a typed error`, async () => {
    const run = (content: string, options = {}) =>
      train(text([content].values()), { ...OPTIONS, engine, ...options })
    await rejection(() => run(''), 'ERR_ANYVEC_EMPTY_CORPUS')
    await rejection(() => run(' \n\t\r\n'), 'ERR_ANYVEC_EMPTY_CORPUS')
    await rejection(() => train(text(written('empty.txt', '')), { engine }), 'ERR_ANYVEC_EMPTY_CORPUS')
    await rejection(() => run('one one one'), 'ERR_ANYVEC_VOCABULARY')
    await rejection(() => run('a b c d', { minCount: 2 }), 'ERR_ANYVEC_VOCABULARY', /minCount/)
    await rejection(() => run('a b c d', { maxVocabulary: 1 }), 'ERR_ANYVEC_VOCABULARY')
  })

  test(`${engine}: two words are enough, and a sequence of one word trains on nothing`, async () => {
    const words = await train(text(['a b\n'].values()), { ...OPTIONS, engine })
    assert.is(words.size, 2)
    const lonely = await train(text(['a\nb\n'].values()), { ...OPTIONS, engine, epochs: 2 })
    assert.equal([lonely.report?.pairs, lonely.report?.loss.length], [0, 2])
    const { training } = lonely.metadata as { training: { loss: unknown[] } }
    // the mean of nothing, in a form that JSON has
    for (const loss of training.loss) assert.ok(loss === null || loss === 0, String(loss))
    await lonely.save(fresh('lonely.safetensors'))
  })

  test(`${engine}: ids past the memory limit go to a temporary file, which changes nothing and does not stay`, async () => {
    const run = (memoryLimit: number) =>
      train(text(corpus), { ...OPTIONS, engine, epochs: 1, memoryLimit, spillFolder: folder })
    const before = readdirSync(folder)
    const [inMemory, spilled] = [await run(2 ** 30), await run(0)]
    assert.is(inMemory.report?.corpus.spilledBytes, 0)
    assert.equal([...inMemory.vectors], [...spilled.vectors])
    assert.equal(readdirSync(folder), before)
  })
}

test('what is no source is an error that says how to make one', async () => {
  for (const source of ['wiki.txt', undefined, null, {}, ['a']]) {
    await rejection(() => train(source as unknown as Source), 'ERR_ANYVEC_USAGE', /Expected a source/)
  }
  await rejection(() => train('wiki.txt' as unknown as Source), 'ERR_ANYVEC_USAGE', /train\(text\(path\)\)/)
})

test('wrong options are refused before anything is read', async () => {
  let read = 0
  const data = {
    *[Symbol.iterator]() {
      read++
      yield ['a', 'b']
    },
  }
  await rejection(
    () => train(sequences(data), { dimension: 5 } as object),
    'ERR_ANYVEC_OPTION',
    /"dimensions"/,
  )
  assert.is(read, 0)
})

test.run()
