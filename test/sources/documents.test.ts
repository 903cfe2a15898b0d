import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type DocumentOptions, documents, type Embedding, train, type TrainOptions } from '../../lib/index.js'
import { ENGINES } from '../engines.js'
import { rejection } from '../rejection.js'
import { written } from '../temporary.js'

type Input = Parameters<typeof documents>[0]

const countsOf = (words: Embedding) =>
  Object.fromEntries([...words.keys].map((key) => [key, words.count(key)]))

for (const engine of ENGINES) {
  const run = (input: Input, options?: DocumentOptions, more: TrainOptions = {}) =>
    train(documents(input, options), { engine, dimensions: 2, epochs: 1, minCount: 1, threads: 2, ...more })

  test(`${engine}: each document is one sequence of the words of its text`, async () => {
    const rows = [
      { id: 1, text: 'The cat.\nThe dog!' },
      { id: 'two', text: 'A cat; 苹果' },
    ]
    const jsonl = rows.map((row) => JSON.stringify(row)).join('\n')
    const csv = 'id,text\n1,"The cat.\nThe dog!"\ntwo,A cat; 苹果\n'
    for (const input of [rows, written('d.jsonl', jsonl), written('d.csv', csv), [jsonl].values()]) {
      const words = await run(input)
      assert.equal(countsOf(words), { cat: 2, the: 2, a: 1, dog: 1, 苹: 1, 果: 1 })
      assert.equal([words.report?.source.documents, words.report?.corpus.sequences], [2, 2])
    }
    assert.equal(countsOf(await run(rows, { tokenize: 'spaces' })), {
      The: 2,
      'cat.': 1,
      'dog!': 1,
      A: 1,
      'cat;': 1,
      苹果: 1,
    })
    assert.equal(countsOf(await run(rows, { tokenize: 'spaces', lowercase: true })), {
      the: 2,
      a: 1,
      'cat.': 1,
      'cat;': 1,
      'dog!': 1,
      苹果: 1,
    })
  })

  test(`${engine}: documents without a text or an id are counted`, async () => {
    const words = await run([
      { id: 1, text: 'a b' },
      { id: 2 },
      { id: 3, text: ' ' },
      { text: 'b' },
      { id: 4, text: '...' },
    ])
    const { rows, documents, documentsWithoutText, documentsWithoutId, malformedRows } = words.report!.source
    assert.equal([rows, documents, documentsWithoutText, documentsWithoutId, malformedRows], [5, 3, 2, 1, 0])
    assert.is(words.report?.corpus.sequences, 2)
  })

  test(`${engine}: Chinese documents are cut into words`, async () => {
    const words = await run([{ id: 1, text: '我们喜欢苹果，我们去北京。' }], { tokenize: 'chinese' })
    assert.ok(words.has('我们') && words.has('苹果') && words.has('北京'), [...words.keys].join(' '))
    assert.type(words.report?.source.segmenter, 'string')
  })
}

test('what is wrong with the options is said before anything is read', async () => {
  await rejection(() => documents('a', { body: 'x' } as object), 'ERR_ANYVEC_OPTION')
  await rejection(() => documents('a', { tokenize: 'klingon' } as object), 'ERR_ANYVEC_OPTION', /'chinese'/)
  await rejection(() => documents(7 as unknown as Input), 'ERR_ANYVEC_USAGE')
})

test.run()
