import { once } from 'node:events'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { AN_ENGINE, ENGINES } from '../engines.js'
import { embedding } from '../models.js'
import { fresh } from '../temporary.js'
import { answer, anyvec, end, failure, start } from './command.js'

/** Directions in the plane, so that answers are known: degrees from man. */
const DEGREES = { man: 0, king: 30, woman: 90, queen: 120, apple: 200, pear: 210, 'New York': 215 }
const MODEL = fresh('model.safetensors')

const cosine = (a: keyof typeof DEGREES, b: keyof typeof DEGREES) =>
  Math.cos(((DEGREES[a] - DEGREES[b]) * Math.PI) / 180).toFixed(4)

test.before(async () => {
  const rows = Object.values(DEGREES).map((angle, i) => {
    const radians = (angle * Math.PI) / 180
    // lengths differ, which no answer may depend on
    return [Math.cos(radians) * (i + 1), Math.sin(radians) * (i + 1)]
  })
  await embedding(AN_ENGINE, [...Object.keys(DEGREES), 'zero'], [...rows, [0, 0]]).save(MODEL)
})

const lines = (text: string) => text.split('\n').slice(0, -1)

for (const engine of ENGINES) {
  test(`${engine}: nearest prints one key a line, best first, without the key itself`, async () => {
    assert.is(await answer(['nearest', MODEL, 'apple', '-k', '2', '--engine', engine]), 'pear\nNew York\n')
  })
}

test('nearest answers 10 keys where it is not told, --top restricts who can be one, --scores shows cosines', async () => {
  assert.is(lines(await answer(['nearest', MODEL, 'apple'])).length, 7)
  const scored = await answer(['nearest', MODEL, 'apple', '--scores', '--top', '5', '-k', '1'])
  assert.is(scored, `queen\t${cosine('apple', 'queen')}\n`)
})

test('several keys are one query each', async () => {
  assert.is(
    await answer(['nearest', MODEL, 'apple', 'king', '-k', '1', '--scores']),
    `apple\tpear:${cosine('apple', 'pear')}\nking\tman:${cosine('king', 'man')}\n`,
  )
})

test('--json prints one object a query', async () => {
  const one = JSON.parse(await answer(['nearest', MODEL, 'apple', '-k', '1', '--json']))
  assert.is(one.query, 'apple')
  assert.is(one.answers[0].key, 'pear')
  assert.is(one.answers[0].score.toFixed(4), cosine('apple', 'pear'))
  const two = lines(await answer(['nearest', MODEL, 'apple', 'king', '--json'])).map((line) =>
    JSON.parse(line),
  )
  assert.equal(
    two.map(({ query }) => query),
    ['apple', 'king'],
  )
})

test('- reads one query a line and answers one line each, in order', async () => {
  const input = 'apple\r\nking\nNew York'
  const expected = ['apple\tpear', 'king\tman', 'New York\tpear']
  assert.equal(lines(await answer(['nearest', MODEL, '-', '-k', '1'], input)), expected)
  const scored = await answer(['nearest', MODEL, '-', '-k', '1', '--scores'], 'apple\n')
  assert.is(scored, `apple\tpear:${cosine('apple', 'pear')}\n`)
  const json = lines(await answer(['nearest', MODEL, '-', '-k', '1', '--json'], input)).map((line) =>
    JSON.parse(line),
  )
  assert.equal(
    json.map(({ query, answers }) => [query, answers[0].key]),
    [
      ['apple', 'pear'],
      ['king', 'man'],
      ['New York', 'pear'],
    ],
  )
})

test('a batch longer than a block comes out whole', async () => {
  const queries = Array.from({ length: 5000 }, (_, i) => (i % 2 === 0 ? 'apple' : 'king'))
  const expected = queries.map((query) => `${query}\t${query === 'apple' ? 'pear' : 'man'}`)
  assert.equal(lines(await answer(['nearest', MODEL, '-', '-k', '1'], `${queries.join('\n')}\n`)), expected)
})

test('a batch is answered while stdin stays open', async () => {
  const child = start(['nearest', MODEL, '-', '-k', '1'])
  const finished = end(child)
  child.stdin?.write('apple\nki')
  const [first] = await once(child.stdout!, 'data')
  assert.is(String(first), 'apple\tpear\n')
  child.stdin?.end('ng\n')
  const { stdout, code } = await finished
  assert.equal([stdout, code], ['apple\tpear\nking\tman\n', 0])
})

test('a query of a batch without an answer leaves its line empty, and the exit code is 1 at the end', async () => {
  for (const [flags, expected] of [
    [['-k', '1'], 'aple\t\nking\tman\nzero\t\n\t\n'],
    [
      ['--json', '-k', '1', '--top', '1'],
      [
        '{"query":"aple","answers":[]}\n{"query":"king","answers":[{"key":"man","score":S}]}\n',
        '{"query":"zero","answers":[]}\n{"query":"","answers":[]}\n',
      ].join(''),
    ],
  ] as const) {
    const { stdout, stderr, code } = await anyvec(['nearest', MODEL, '-', ...flags], 'aple\nking\nzero\n\n')
    assert.is(stdout.replace(/"score":[\d.]+/, '"score":S'), expected)
    assert.is(code, 1)
    assert.match(
      stderr,
      /^anyvec nearest: 3 of 4 queries have an empty answer; .*"aple" \(ERR_ANYVEC_UNKNOWN_KEY\)\n$/,
    )
  }
})

test('an unknown key on the command line is an error that names the nearest one', async () => {
  for (const args of [
    ['nearest', MODEL, 'aple'],
    ['nearest', MODEL, 'king', 'aple'],
    ['similarity', MODEL, 'king', 'aple'],
    ['analogy', MODEL, 'king', 'aple', 'man'],
  ]) {
    await failure(
      args,
      1,
      /"aple" is not in the vocabulary; did you mean "apple"\? \(ERR_ANYVEC_UNKNOWN_KEY\)/,
    )
  }
  await failure(['nearest', MODEL, 'zero'], 1, /zero.*ERR_ANYVEC_VECTOR/)
})

test('similarity prints the cosine, alone and in batches', async () => {
  assert.is(await answer(['similarity', MODEL, 'man', 'queen']), `${cosine('man', 'queen')}\n`)
  const json = JSON.parse(await answer(['similarity', MODEL, 'man', 'king', '--json']))
  assert.equal(json.query, ['man', 'king'])
  assert.is(json.similarity.toFixed(4), cosine('man', 'king'))
  assert.is(
    await answer(['similarity', MODEL, '-'], 'man king\nNew York\tpear\n'),
    `man king\t${cosine('man', 'king')}\nNew York\tpear\t${cosine('New York', 'pear')}\n`,
  )
  assert.is(
    await answer(['similarity', MODEL, 'man', '-'], 'New York\n'),
    `New York\t${cosine('man', 'New York')}\n`,
  )
  const { stdout, code } = await anyvec(['similarity', MODEL, '-', '--json'], 'man\nman king\n')
  assert.is(code, 1)
  assert.equal(JSON.parse(lines(stdout)[0]), { query: 'man', similarity: null })
})

test('analogy prints what completes it, without the words of the question', async () => {
  assert.is(await answer(['analogy', MODEL, 'man', 'king', 'woman', '-k', '1']), 'queen\n')
  const json = JSON.parse(await answer(['analogy', MODEL, 'man', 'king', 'woman', '-k', '7', '--json']))
  assert.equal(json.query, ['man', 'king', 'woman'])
  const keys = json.answers.map(({ key }: { key: string }) => key)
  assert.is(keys[0], 'queen')
  assert.equal(
    keys.filter((key: string) => json.query.includes(key)),
    [],
  )
  assert.is(
    await answer(['analogy', MODEL, '-', '-k', '1'], 'man king woman\nman\tking\twoman\n'),
    'man king woman\tqueen\nman\tking\twoman\tqueen\n',
  )
  assert.is(await answer(['analogy', MODEL, 'man', 'king', '-', '-k', '1'], 'woman\n'), 'woman\tqueen\n')
})

test('a wrong number of words is wrong usage', async () => {
  await failure(['analogy', MODEL, 'man', 'king'], 2, /expected MODEL A B C/)
  await failure(['similarity', MODEL, 'man', 'king', 'woman'], 2, /expected MODEL A B/)
})

test('a reader that has seen enough is no failure', async () => {
  const child = start(['nearest', MODEL, '-', '-k', '1'])
  const stderr: Buffer[] = []
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin?.on('error', () => {})
  child.stdin?.write('apple\n')
  await once(child.stdout!, 'data')
  child.stdout?.destroy()
  const closed = once(child, 'close')
  // enough that the answers cannot all wait in the pipe
  child.stdin?.end('apple\n'.repeat(200_000))
  const [code] = await closed
  assert.equal([code, Buffer.concat(stderr).toString()], [0, ''])
})

test.run()
