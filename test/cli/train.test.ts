import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { flagName, isFlag } from '../../lib/cli/flag.js'
import { open } from '../../lib/index.js'
import { DEFAULTS, TRAIN_SPECS } from '../../lib/train/options.js'
import { AN_ENGINE, ENGINES } from '../engines.js'
import { fresh, written } from '../temporary.js'
import { answer, anyvec } from './command.js'
import { CORPUS, TOKENS } from './corpus.js'

const corpus = written('corpus.txt', CORPUS)
const SMALL = ['--dimensions', '8', '--threads', '1']

for (const engine of ENGINES) {
  test(`${engine}: train writes a model that answers, and tells about the run in JSON`, async () => {
    const output = fresh('model.safetensors')
    const stdout = await answer(['train', corpus, '--output', output, ...SMALL, '--json', '--engine', engine])
    assert.is(stdout.trim().split('\n').length, 1)
    const run = JSON.parse(stdout)
    const { tokens, vocabulary, dimensions, epochs, threads } = run
    assert.equal(
      { tokens, vocabulary, dimensions, epochs, threads },
      { tokens: TOKENS, vocabulary: 12, dimensions: 8, epochs: 5, threads: 1 },
    )
    assert.is(run.engine, engine)
    assert.is(run.isa === 'javascript', engine === 'portable')
    assert.is(run.loss.length, 5)
    assert.ok(run.loss[4] < run.loss[0], 'the loss falls')
    assert.ok(run.trainedTokens > 0 && run.trainedTokens <= TOKENS * 5)
    for (const phase of ['vocabulary', 'training', 'saving']) assert.ok(run.seconds[phase] >= 0, phase)
    const rate = (run.tokens * run.epochs) / run.seconds.training
    assert.ok(
      Math.abs(run.wordsPerSecond / rate - 1) < 1e-9,
      'words per second are tokens * epochs / training seconds',
    )
    const words = await open(output, { engine })
    assert.equal([words.size, words.dimensions], [12, 8])
    assert.ok(words.similarity('apple', 'pear') > words.similarity('apple', 'king') + 0.3)
  })
}

test('one thread and one seed write the same file every time, another seed another', async () => {
  const outputs = [fresh('a.bin'), fresh('b.bin'), fresh('c.bin')]
  for (const [i, seed] of ['1', '1', '2'].entries()) {
    await answer(['train', corpus, '--output', outputs[i], ...SMALL, '--seed', seed])
  }
  const [a, b, c] = outputs.map((output) => readFileSync(output))
  assert.ok(a.equals(b))
  assert.not.ok(a.equals(c))
})

test('the format follows the extension', async () => {
  for (const [extension, format] of [
    ['safetensors', 'safetensors'],
    ['bin', 'word2vec-binary'],
    ['vec', 'word2vec-text'],
    ['txt', 'word2vec-text'],
  ]) {
    const output = fresh(`model.${extension}`)
    await answer(['train', corpus, '--output', output, ...SMALL])
    const words = await open(output, { engine: AN_ENGINE })
    assert.is(words.origin?.format, format)
    assert.is(words.size, 12)
  }
})

test('text comes from several files, from gzip and from stdin alike', async () => {
  const half = CORPUS.indexOf('\n', CORPUS.length / 2) + 1
  const parts = [written('1.txt', CORPUS.slice(0, half)), written('2.gz', gzipSync(CORPUS.slice(half)))]
  const outputs = [fresh('a.bin'), fresh('b.bin'), fresh('c.bin')]
  await answer(['train', corpus, '--output', outputs[0], ...SMALL])
  await answer(['train', ...parts, '--output', outputs[1], ...SMALL])
  await answer(['train', '-', '--output', outputs[2], ...SMALL, '--as', 'sequences'], CORPUS)
  const [a, b, c] = outputs.map((output) => readFileSync(output))
  assert.ok(a.equals(b))
  assert.ok(a.equals(c))
})

test('--lowercase, --min-count and --max-vocabulary shape the vocabulary', async () => {
  const text = written('case.txt', `${'Apple apple PEAR pear plum '.repeat(20)}fig fig`)
  const keysOf = async (...flags: string[]) => {
    const output = fresh('case.bin')
    await answer(['train', text, '--output', output, '--dimensions', '2', ...flags])
    return [...(await open(output, { engine: AN_ENGINE })).keys]
  }
  assert.equal(await keysOf(), ['Apple', 'PEAR', 'apple', 'pear', 'plum'])
  assert.equal(await keysOf('--lowercase'), ['apple', 'pear', 'plum'])
  assert.equal(await keysOf('--lowercase', '--min-count', '1'), ['apple', 'pear', 'plum', 'fig'])
  assert.equal(await keysOf('--max-vocabulary', '2'), ['Apple', 'PEAR'])
})

test('malformed words stop the run, or are left out and counted', async () => {
  const bytes = Buffer.concat([Buffer.from(CORPUS), Buffer.from([0x61, 0xff, 0x20, 0x62, 0x00, 0x0a])])
  const text = written('malformed.txt', bytes)
  const output = fresh('malformed.bin')
  const run = JSON.parse(
    await answer(['train', text, '--output', output, ...SMALL, '--malformed', 'skip', '--json']),
  )
  assert.is(run.dropped.malformedTokens, 2)
  assert.is(run.tokens, TOKENS)
  const stdout = await answer(['train', text, '--output', output, ...SMALL, '--malformed', 'skip'])
  assert.match(stdout, /malformed and left out: 2 tokens/)
})

test('without --json the run is told in sentences', async () => {
  const output = fresh('model.bin')
  const stdout = await answer(['train', corpus, '--output', output, ...SMALL])
  assert.match(stdout, /^12 keys from \d+ tokens/)
  assert.match(stdout, /5 epochs, 8 dimensions in .* words\/s; .* loss \d/)
  assert.ok(stdout.includes(`saved to ${output}`))
})

test('every option of the library is a flag, with its default in the help', async () => {
  const { stdout, code } = await anyvec(['train', '--help'])
  assert.is(code, 0)
  const help = stdout.replace(/\s+/g, ' ')
  for (const spec of TRAIN_SPECS.filter(isFlag)) {
    const flag = flagName(spec.name)
    const at = help.indexOf(`${flag} <`)
    assert.ok(at >= 0, flag)
    if (spec.name === 'threads' || spec.name === 'spillFolder') continue
    const shown = `${spec.doc} (default: ${DEFAULTS[spec.name as keyof typeof DEFAULTS]})`
    assert.ok(help.slice(at).includes(shown), `${flag}: ${shown}`)
  }
  for (const flag of ['--output', '--as', '--lowercase', '--json']) assert.ok(help.includes(flag), flag)
})

test('flags reach the run', async () => {
  const flags = ['--dimensions', '7', '--window', '3', '--negative', '4', '--epochs', '2', '--min-count', '2']
  flags.push(
    '--max-vocabulary',
    '9',
    '--subsample',
    '1e-2',
    '--learning-rate',
    '.05',
    '--negative-exponent',
    '-0.5',
  )
  flags.push('--context-weight', '0.5')
  flags.push('--threads', '1', '--seed', '9007199254740991', '--memory-limit', '0')
  const { options } = JSON.parse(
    await answer(['train', corpus, '--output', fresh('m.bin'), ...flags, '--json']),
  )
  const { engine, spillFolder, ...numbers } = options
  assert.equal(numbers, {
    dimensions: 7,
    window: 3,
    negative: 4,
    epochs: 2,
    minCount: 2,
    maxVocabulary: 9,
    subsample: 0.01,
    learningRate: 0.05,
    negativeExponent: -0.5,
    contextWeight: 0.5,
    threads: 1,
    seed: 9007199254740991,
    memoryLimit: 0,
  })
})

test.run()
