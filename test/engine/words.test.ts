/** Raw text into words: what both engines find, held against Unicode's own segmenter. */

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type CorpusParameters, type Engine, MAX_KEY_BYTES } from '../../lib/engine/engine.js'
import { engine } from '../../lib/engine/load.js'
import { UNICODE } from '../../lib/engine/portable/word-ranges.js'
import { WordCutter } from '../../lib/engine/portable/words.js'
import { wordTable } from '../../scripts/word-table.js'
import { ENGINES } from '../engines.js'
import { rejection } from '../rejection.js'
import { written } from '../temporary.js'
import { CORPUS, keysOf, random, readText } from './corpora.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const data = process.env.ANYVEC_DATA ?? join(root, '..', 'shared', 'data')

const WORDS: Partial<CorpusParameters> = { tokenize: 'words', lowercase: true }

/** The words of a text, in order, by the portable cutter. */
function wordsOf(text: string, segmented = false): string[] {
  const { words } = new WordCutter(true, segmented).cut(Buffer.from(text), true, (at, code, what) => {
    throw new Error(`${code} at ${at}: ${what}`)
  })
  return Buffer.from(words).toString().split(/\s+/).filter(Boolean)
}

async function summaryOf(made: Engine, text: string | Uint8Array, parameters: Partial<CorpusParameters>) {
  const read = await readText(made, text, parameters)
  const summary = await read.finish({ minCount: 1, maxVocabulary: 0 })
  const found = { summary, keys: keysOf(read), counts: [...read.counts] }
  read.dispose()
  return found
}

for (const name of ENGINES) {
  test(`${name}: raw text becomes words, a line is a sequence`, async () => {
    const text = 'The cat sat; the CAT (a "cat") 苹果!\n...\nIt costs $3.14, don\'t it?\n'
    const { summary, keys, counts } = await summaryOf(engine(name), text, WORDS)
    assert.equal(Object.fromEntries(keys.map((key, i) => [key, Number(counts[i])])), {
      cat: 3,
      it: 2,
      the: 2,
      '3.14': 1,
      a: 1,
      costs: 1,
      "don't": 1,
      sat: 1,
      苹: 1,
      果: 1,
    })
    assert.equal([summary.tokens, summary.sequences, summary.bytes], [14, 2, Buffer.byteLength(text)])
  })

  test(`${name}: a file, blocks of all sizes and any number of threads give the same words`, async () => {
    const line = 'Ein “Zitat” – café’s 1,5 km²; 妄想女友は3.14 ΟΔΥΣΣΕΥΣ\u00ad! '
    const text = `${line.repeat(40)}\n`.repeat(400)
    const expected = await summaryOf(engine(name), text, { ...WORDS, threads: 1 })
    const corpus = engine(name).createCorpus({ ...CORPUS, ...WORDS, threads: 3 })
    await corpus.addFile(written('raw.txt', text))
    const summary = await corpus.finish({ minCount: 1, maxVocabulary: 0 })
    assert.equal({ summary, keys: keysOf(corpus), counts: [...corpus.counts] }, expected)
    const bytes = Buffer.from(text.slice(0, 5000))
    const once = await summaryOf(engine(name), bytes, WORDS)
    for (const size of [1, 3, 1000]) {
      const blocks = engine(name).createCorpus({ ...CORPUS, ...WORDS })
      for (let at = 0; at < bytes.length; at += size)
        await blocks.addBlock(bytes.subarray(at, at + size), 'x')
      await blocks.endStream()
      const read = await blocks.finish({ minCount: 1, maxVocabulary: 0 })
      assert.equal({ summary: read, keys: keysOf(blocks), counts: [...blocks.counts] }, once)
    }
  })

  test(`${name}: words that are not sound stop the reading where they stand, or are counted`, async () => {
    const cases = [
      [Buffer.concat([Buffer.from('ab caf'), Buffer.of(0xe9), Buffer.from(' ab')]), 'ERR_ANYVEC_ENCODING', 3],
      [Buffer.from('ab, c\0d ab'), 'ERR_ANYVEC_ENCODING', 4],
      [Buffer.from(`ab ${'x'.repeat(MAX_KEY_BYTES + 1)} ab`), 'ERR_ANYVEC_KEY_LENGTH', 3],
      [Buffer.from(`ab ${'x'.repeat(5 * MAX_KEY_BYTES)} ab`), 'ERR_ANYVEC_KEY_LENGTH', 3],
    ] as const
    for (const [bytes, code, offset] of cases) {
      const error = await rejection(() => readText(engine(name), bytes, WORDS), code, /malformed: 'skip'/)
      assert.is(error.details.offset, offset)
      const more = Buffer.concat([bytes, Buffer.from(' b')])
      const { summary, keys } = await summaryOf(engine(name), more, { ...WORDS, malformed: 'skip' })
      assert.equal([summary.malformedTokens, summary.tokens], [1, 3])
      assert.equal(keys, ['ab', 'b'])
    }
  })
}

test('words are those of Intl.Segmenter, in every script that has spaces', () => {
  const texts = [
    "Don't stop: it's 5 o'clock—e.g. at 10:30, isn't it? A.B.C. x_y __z__ 1,000.50$ a1b2 #tag @you c++",
    'L’été, l·l, Straße; ÅNGSTRÖM İstanbul ΟΔΥΣΣΕΥΣ ΣΑΣ. Владимир Путин-сан, ёж!',
    'الْعَرَبِيَّةُ، ١٢٣٫٤٥ و۲۵ می‌خواهم. צה"ל ג׳ירפה ש\'',
    'हिन्दी में लिखा हुआ। தமிழ் ಕನ್ನಡ 한국어는 띄어쓰기가 있다. ქართული',
    '🍎 apple👩‍👩‍👧pie a\u0301e\u0308 x\u200dy \u0301z ⅷ ½ x² №5 1º ①',
  ]
  const segmenter = new Intl.Segmenter('en', { granularity: 'word' })
  for (const text of texts) {
    const expected = [...segmenter.segment(text)]
      .filter(({ isWordLike }) => isWordLike)
      // format characters are left out of words
      .map(({ segment }) => segment.replace(/(?![\u200c\u200d])\p{Cf}/gu, '').toLowerCase())
    assert.equal(wordsOf(text), expected)
  }
})

test('text that someone has cut keeps its words together', () => {
  assert.equal(wordsOf('妄想 女友 在 SNS 平台, Ｔ恤 カタ カナです。', true), [
    '妄想',
    '女友',
    '在',
    'sns',
    '平台',
    'ｔ恤',
    'カタ',
    'カナです',
  ])
})

test('the table of characters is the one that scripts/word-table.ts makes', () => {
  if (process.versions.unicode !== UNICODE) {
    process.stdout.write(
      `skip: the table is of Unicode ${UNICODE}, this Node knows ${process.versions.unicode}\n`,
    )
    return
  }
  for (const [path, content] of Object.entries(wordTable())) {
    assert.ok(readFileSync(join(root, path), 'utf8') === content, `${path}: run scripts/word-table.ts`)
  }
})

if (!ENGINES.includes('native')) {
  test.skip('agreement on words: the native engine cannot be loaded here', () => {})
} else {
  const engines = [engine('native'), engine('portable')] as const

  test('both engines find the same words in any mixture of bytes', async () => {
    const next = random(23)
    const parts = Array.from('aB7\'., \n_苹カひ\u0301\u00adא"İΣ🍎𐐀:ก')
    for (let round = 0; round < 150; round++) {
      const pieces = Array.from({ length: 80 }, () => {
        const kind = Math.floor(next() * (parts.length + 2))
        return kind < parts.length ? Buffer.from(parts[kind]) : Buffer.of(Math.floor(next() * 256))
      })
      const bytes = Buffer.concat([...pieces, Buffer.from(' end word')])
      for (const tokenize of ['words', 'segmented'] as const) {
        const parameters = { tokenize, lowercase: round % 3 > 0, malformed: 'skip' } as const
        const [native, portable] = await Promise.all(
          engines.map((made) => summaryOf(made, bytes, parameters)),
        )
        assert.equal(native, portable, bytes.toString('hex'))
      }
    }
  })

  for (const file of ['enwiki-12mb.raw.txt.gz', 'zhwiki-9mb.raw.txt.gz']) {
    const path = join(data, 'text', file)
    if (!existsSync(path)) {
      test.skip(`skipped: ${path} is not there`, () => {})
      continue
    }
    test(`both engines find the same words in ${file}`, async () => {
      const text = gunzipSync(readFileSync(path))
      const [native, portable] = [
        await summaryOf(engines[0], text, WORDS),
        await summaryOf(engines[1], text, WORDS),
      ]
      assert.ok(native.summary.tokens > 1_000_000)
      assert.equal(native.summary, portable.summary)
      assert.ok(native.keys.join(' ') === portable.keys.join(' '), 'keys differ')
      assert.ok(native.counts.join() === portable.counts.join(), 'counts differ')
    })
  }
}

test.run()
