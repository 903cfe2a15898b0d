/** `anyvec train --as ...`: every kind of data from the command line. */

import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { open } from '../../lib/index.js'
import { AN_ENGINE } from '../engines.js'
import { fresh, written } from '../temporary.js'
import { answer, anyvec, failure } from './command.js'

const SMALL = ['--dimensions', '4', '--epochs', '1', '--min-count', '1', '--threads', '1']

/** What a run says in JSON, and the keys of its model. */
async function trained(args: readonly string[], input?: string) {
  const output = fresh('model.safetensors')
  // on a busy machine a line of progress may come first
  const { code, stdout, stderr } = await anyvec(
    ['train', ...args, '--output', output, ...SMALL, '--json'],
    input,
  )
  assert.is(code, 0, stderr)
  const run = JSON.parse(stdout)
  return { run, keys: [...(await open(output, { engine: AN_ENGINE })).keys].sort() }
}

test('--tokenize cuts raw text, and lower-cases it unless told otherwise', async () => {
  const file = written('raw.txt.gz', gzipSync('The cat, THE dog!\n我们喜欢苹果。\n'))
  assert.equal((await trained([file, '--tokenize', 'words'])).keys, ['cat', 'dog', 'the', ...'们喜我果欢苹'])
  assert.equal((await trained([file, '--tokenize', 'words', '--no-lowercase'])).keys.slice(0, 4), [
    'THE',
    'The',
    'cat',
    'dog',
  ])
  const { run, keys } = await trained([file, '--tokenize', 'chinese'])
  assert.ok(keys.includes('苹果') && keys.includes('the'), keys.join(' '))
  assert.type(run.source.segmenter, 'string')
})

test('--as interactions reads columns by name and by number, also from stdin', async () => {
  const csv = 'who,what,when\nann,tea,2\nann,green tea,1\nbob,tea,1\nbob,,1\n'
  const flags = ['--as', 'interactions', '--user', 'who', '--item', 'what', '--time', 'when']
  for (const { run, keys } of [
    await trained([written('i.csv', csv), ...flags]),
    await trained(['-', ...flags], csv),
    await trained([written('i.tsv', csv.replaceAll(',', '\t')), ...flags, '--format', 'tsv']),
    await trained([
      written('n.csv', csv.replace(/^.*\n/, '')),
      '--as',
      'interactions',
      '--user',
      '1',
      '--item',
      '2',
      '--time',
      '3',
    ]),
  ]) {
    assert.equal(keys, ['green tea', 'tea'])
    assert.equal([run.source.users, run.source.interactions, run.source.rowsWithoutItem], [2, 3, 1])
    assert.is(run.tokens, 3)
  }
})

test('--as graph walks over edges', async () => {
  const edges = written('edges.tsv', '# people\nann bob\nbob cid 2\ncid ann\n')
  const { run, keys } = await trained([
    edges,
    '--as',
    'graph',
    '--walks',
    '4',
    '--walk-length',
    '6',
    '--p',
    '0.5',
    '--q',
    '2',
  ])
  assert.equal(keys, ['ann', 'bob', 'cid'])
  assert.equal([run.source.nodes, run.source.edges, run.source.walks, run.tokens], [3, 3, 12, 72])
  const directed = await trained([
    written('d.tsv', 'a b\nb c\n'),
    '--as',
    'graph',
    '--directed',
    '--walks',
    '1',
  ])
  assert.equal([directed.run.tokens, directed.run.source.endedEarly], [6, 3])
  const output = fresh('model.bin')
  const told = await answer(['train', edges, '--as', 'graph', '--output', output, ...SMALL])
  assert.match(told, /^read: 3 nodes, 3 edges, weighted, 1 comments, \d+ bytes, 30 walks\n/)
})

test('--as documents reads a text a row', async () => {
  const jsonl = written(
    'd.jsonl',
    '{"name":"x","body":"The cat."}\n{"name":"y","body":"A dog"}\n{"name":"z"}\n',
  )
  const { run, keys } = await trained([jsonl, '--as', 'documents', '--id', 'name', '--text', 'body'])
  assert.equal(keys, ['a', 'cat', 'dog', 'the'])
  assert.equal([run.source.documents, run.source.documentsWithoutText], [2, 1])
})

test('--malformed skip passes over what is no edge or row', async () => {
  const edges = written('bad.tsv', 'a b\nalone\nb c\n')
  await failure(['train', edges, '--as', 'graph', '--output', fresh('m.bin')], 1, /line 2 is no edge/)
  const { run } = await trained([edges, '--as', 'graph', '--malformed', 'skip'])
  assert.is(run.source.malformedLines, 1)
})

test('a flag of another kind of data is wrong usage, and the kind is named', async () => {
  const file = written('t.txt', 'a b\n')
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--walks', '3'], /--walks goes with --as graph/],
    [['--directed'], /--directed goes with --as graph/],
    [['--user', 'x'], /--user goes with --as interactions/],
    [['--as', 'graph', '--tokenize', 'words'], /--tokenize goes with --as text or documents/],
    [['--as', 'sequences', '--tokenize', 'words'], /--tokenize goes with/],
    [['--as', 'interactions', '--id', 'x'], /--id goes with --as documents/],
    [['--as', 'graph', '--p', '0'], /--p.*from 0.001 to 1000/],
    [['--as', 'graph', '--walk-length', '0'], /whole number from 1/],
    [['--as', 'interactions', '--user', '0'], /column's name, or its number from 1/],
    [['--tokenize', 'klingon'], /'spaces', 'words', 'chinese'/],
  ]
  for (const [flags, message] of cases) {
    await failure(['train', file, '--output', fresh('m.bin'), ...flags], 2, message)
  }
})

test.run()
