/** Words of scripts without spaces. */

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Embedding, text, type TextOptions, train } from '../../lib/index.js'
import { intlSegmenter, type Segmenter, segmenterOf, spaced } from '../../lib/sources/segment.js'
import { AN_ENGINE } from '../engines.js'
import { rejection } from '../rejection.js'
import { written } from '../temporary.js'

const run = (input: Parameters<typeof text>[0], options: TextOptions) =>
  train(text(input, options), { engine: AN_ENGINE, dimensions: 2, epochs: 1, minCount: 1, threads: 2 })
const countsOf = (words: Embedding) =>
  Object.fromEntries([...words.keys].map((key) => [key, words.count(key)]))

const jieba = await segmenterOf('chinese')
const segmenters: readonly Segmenter[] = [jieba, intlSegmenter('zh')]

for (const segmenter of segmenters) {
  test(`${segmenter.name}: spaces are put between words of Han characters and nowhere else`, () => {
    const cut = spaced("我们在SNS平台上，don't 3.14 北京大學。", segmenter)
    assert.is(cut.replaceAll(' ', ''), "我们在SNS平台上，don't3.14北京大學。")
    for (const word of ['我们', 'SNS', '平台', "don't", '3.14'])
      assert.ok(cut.split(/[ ，。]/).includes(word), `${word} in ${cut}`)
  })

  test(`${segmenter.name}: long texts take time in proportion, and lose nothing`, () => {
    const long = '我们在北京大学学习自然语言处理'.repeat(4000)
    const started = performance.now()
    assert.is(spaced(long, segmenter).replaceAll(' ', ''), long)
    assert.ok(performance.now() - started < 20_000)
    const pairs = '𠀀🍎'.repeat(500)
    assert.is(spaced(pairs, segmenter).replaceAll(' ', ''), pairs)
  })
}

test('raw Chinese becomes words, simplified and traditional as they come', async () => {
  const words = await run(['我们喜欢苹果。我們喜歡蘋果！\n', '苹果手机，3.5寸Ｔ恤 iPhone\n'].values(), {
    tokenize: 'chinese',
  })
  const counts = countsOf(words)
  assert.is(counts.苹果, 2)
  assert.is(counts['3.5'], 1)
  assert.is(counts.iphone, 1)
  assert.ok('我们' in counts && '喜欢' in counts, Object.keys(counts).join(' '))
  assert.not.ok('。' in counts || '，' in counts)
  assert.is(words.report?.source.segmenter, jieba.name)
  assert.is(words.report?.corpus.sequences, 2)
})

test('Japanese and Thai are cut by dictionaries, Korean has spaces', async () => {
  const japanese = await run(['私は東京に行きました。東京は大きい、コーヒー。\n'].values(), {
    tokenize: 'japanese',
  })
  assert.is(japanese.count('東京'), 2)
  assert.ok(japanese.has('コーヒー'), [...japanese.keys].join(' '))
  const thai = await run(['ภาษาไทยเป็นภาษา\n'].values(), { tokenize: 'thai' })
  assert.is(thai.count('ภาษา'), 2)
  const korean = await run(['한국어는 띄어쓰기가 있다. 한국어는!\n'].values(), { tokenize: 'words' })
  assert.equal(countsOf(korean), { 한국어는: 2, 띄어쓰기가: 1, 있다: 1 })
})

test('a file, and blocks that end inside a character, bring the same words', async () => {
  const content = '我们喜欢苹果。\n在北京，我们喜欢苹果\n'.repeat(50)
  const expected = countsOf(await run(written('zh.txt', content), { tokenize: 'chinese' }))
  const bytes = Buffer.from(content)
  for (const size of [1, 5, 1000]) {
    const blocks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    )
    assert.equal(countsOf(await run(blocks, { tokenize: 'chinese' })), expected)
  }
  // no line end in more than is looked at as a line
  const endless = await run(['我们喜欢苹果。'.repeat(60_000)].values(), { tokenize: 'chinese' })
  assert.is(endless.count('苹果'), 60_000)
  assert.is(endless.report?.corpus.sequences, 1)
})

test('bytes that are no UTF-8 stop the reading where they stand, or are counted', async () => {
  const bytes = Buffer.concat([Buffer.from('我们\n喜欢 '), Buffer.of(0xff), Buffer.from(' 苹果\n')])
  const error = await rejection(
    () => run([bytes], { tokenize: 'chinese' }),
    'ERR_ANYVEC_ENCODING',
    /at byte 14/,
  )
  assert.is(error.details.offset, 14)
  const words = await run([bytes], { tokenize: 'chinese', malformed: 'skip' })
  assert.equal(countsOf(words), { 我们: 1, 喜欢: 1, 苹果: 1 })
  assert.is(words.report?.dropped.malformedTokens, 1)
})

test.run()
