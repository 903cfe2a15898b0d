import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DEFAULTS, TRAIN_SPECS, trainSettings } from '../../lib/train/options.js'
import { expectation, resolveOptions } from '../../lib/train/specs.js'
import { rejection } from '../rejection.js'

const settings = (options: unknown) =>
  trainSettings(options as object).settings as unknown as Record<string, unknown>

test('without options, every setting has its default', () => {
  assert.equal(trainSettings(undefined).settings, DEFAULTS)
  assert.equal(settings({}), DEFAULTS)
  assert.equal(settings({ window: undefined }), DEFAULTS)
  const { threads, spillFolder, ...fixed } = DEFAULTS
  assert.equal(fixed, {
    dimensions: 100,
    window: 5,
    negative: 6,
    epochs: 5,
    minCount: 5,
    maxVocabulary: 0,
    subsample: 3e-4,
    learningRate: 0.05,
    negativeExponent: 0.5,
    contextWeight: 0.5,
    seed: 1,
    engine: 'auto',
    memoryLimit: 2 ** 30,
  })
  assert.ok(threads >= 1 && spillFolder !== '')
  assert.throws(() => Object.assign(DEFAULTS, { window: 7 }))
})

test('every default is in its own range, and every setting has a default', () => {
  const names = TRAIN_SPECS.filter(({ type }) => type !== 'callback' && type !== 'signal').map(
    ({ name }) => name,
  )
  assert.equal([...names].sort(), Object.keys(DEFAULTS).sort())
  assert.equal(settings({ ...DEFAULTS }), DEFAULTS)
})

test('both ends of every range are taken, and what lies past them is not', async () => {
  for (const { name, type, min, max, aboveMin } of TRAIN_SPECS) {
    if (type !== 'integer' && type !== 'number') continue
    assert.is(settings({ [name]: max })[name], max)
    if (!aboveMin) assert.is(settings({ [name]: min })[name], min)
    const step = type === 'integer' ? 1 : 1e-9
    const wrong: unknown[] = [
      aboveMin ? min : (min as number) - step,
      Number.NaN,
      Infinity,
      -Infinity,
      '5',
      5n,
      null,
      [5],
      {},
    ]
    if (max !== Number.MAX_SAFE_INTEGER) wrong.push((max as number) + step)
    if (type === 'integer') wrong.push(2.5)
    for (const value of wrong) {
      const error = await rejection(
        () => settings({ [name]: value }),
        'ERR_ANYVEC_OPTION',
        new RegExp(`"${name}"`),
      )
      assert.is(error.details.option, name)
    }
  }
})

test('values of the other types are checked', async () => {
  for (const [name, value] of [
    ['engine', 'cuda'],
    ['engine', 1],
    ['spillFolder', ''],
    ['spillFolder', 'a\0b'],
    ['spillFolder', 7],
    ['onProgress', 'log'],
    ['signal', new AbortController()],
  ]) {
    await rejection(() => settings({ [name as string]: value }), 'ERR_ANYVEC_OPTION', new RegExp(`"${name}"`))
  }
})

test('a misspelled option is an error that names the right one', async () => {
  for (const [given, right] of [
    ['dimension', 'dimensions'],
    ['mincount', 'minCount'],
    ['learning_rate', 'learningRate'],
    ['epoch', 'epochs'],
  ]) {
    const error = await rejection(
      () => settings({ [given]: 1 }),
      'ERR_ANYVEC_OPTION',
      new RegExp(`did you mean "${right}"`),
    )
    assert.is(error.details.nearest, right)
  }
  await rejection(() => settings({ batchSize: 1 }), 'ERR_ANYVEC_OPTION', /the options are dimensions, window/)
  // also where it is undefined: a typing error is one whatever its value
  await rejection(() => settings({ dimension: undefined }), 'ERR_ANYVEC_OPTION')
})

test('options that are no object are an error', async () => {
  for (const given of [null, 5, 'fast', [], () => 1])
    await rejection(() => settings(given), 'ERR_ANYVEC_OPTION', /object/)
})

test('names of every object are no options', async () => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
    await rejection(() => settings({ [name]: 1 }), 'ERR_ANYVEC_OPTION')
  }
  await rejection(() => settings(JSON.parse('{"__proto__": 1}')), 'ERR_ANYVEC_OPTION')
})

test('messages say the range and the unit', () => {
  const said = (name: string) =>
    expectation(TRAIN_SPECS.find((spec) => spec.name === name) as (typeof TRAIN_SPECS)[number])
  assert.is(said('dimensions'), 'a whole number from 1 to 4096')
  assert.is(said('learningRate'), 'a number above 0 and at most 10')
  assert.is(said('minCount'), 'a whole number >= 1')
  assert.is(said('memoryLimit'), 'a whole number from 0 to 2^53 - 1 (bytes)')
  assert.is(said('engine'), "one of 'auto', 'native', 'portable'")
})

test('resolving does not touch what was given', () => {
  const given = Object.freeze({ a: true })
  const resolved = resolveOptions([{ name: 'a', type: 'boolean', doc: '' }], given, { a: false })
  assert.equal(resolved, { a: true })
})

test.run()
