/** Two engines, one truth: what the portable engine computes, the native one computes. */

import { tmpdir } from 'node:os'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type {
  Corpus,
  CorpusParameters,
  CorpusSummary,
  Engine,
  FinishParameters,
} from '../../lib/engine/engine.js'
import { engine } from '../../lib/engine/load.js'
import type { AnyvecError } from '../../lib/errors.js'
import { ENGINES } from '../engines.js'
import { raised } from '../rejection.js'
import { fresh, written } from '../temporary.js'
import { CORPUS, keysOf, languageText, PARAMETERS, readText } from './corpora.js'

/**
 * The largest difference of a value that rounding may make over some thousand updates: float32 keeps seven digits, sums
 * are made in another order, and differences grow a little on the way. Values are some tenths.
 */
const TOLERANCE = 1e-3

if (!ENGINES.includes('native')) {
  test.skip('agreement of the engines: the native one cannot be loaded here', () => {})
} else {
  const engines: readonly [Engine, Engine] = [engine('native'), engine('portable')]

  /** What both engines make of the same calls. */
  async function both<T>(work: (engine: Engine) => Promise<T>): Promise<readonly [T, T]> {
    return [await work(engines[0]), await work(engines[1])]
  }

  async function summaryOf(
    made: Engine,
    text: string | Uint8Array,
    corpus: Partial<CorpusParameters>,
    finish: FinishParameters,
  ): Promise<{ summary: CorpusSummary; keys: string[]; counts: bigint[] }> {
    const read = await readText(made, text, corpus)
    const summary = await read.finish(finish)
    return { summary, keys: keysOf(read), counts: [...read.counts] }
  }

  test('both find the same words, counts and ids', async () => {
    const texts = [
      languageText(30_000),
      '\ufeffone two one\n\nthree two\r\n',
      'a b a b',
      '\n\n a\n',
      Buffer.concat([
        Buffer.from('a b '),
        Buffer.from([0xff]),
        Buffer.from(' a b\0c a '),
        Buffer.alloc(40_000, 'x'),
        Buffer.from(' b\n'),
      ]),
    ]
    for (const text of texts) {
      for (const finish of [
        { minCount: 1, maxVocabulary: 0 },
        { minCount: 3, maxVocabulary: 50 },
      ]) {
        const found = await both(async (made) => {
          try {
            return await summaryOf(made, text, { malformed: 'skip' }, finish)
          } catch (error) {
            return { code: (error as AnyvecError).code, message: (error as AnyvecError).message }
          }
        })
        assert.equal(found[0], found[1])
      }
    }
  })

  test('both refuse the same texts with the same words', async () => {
    const texts: readonly (string | Uint8Array)[] = [
      '',
      ' \n\t ',
      'one one one',
      'a b c d',
      Buffer.from([0x61, 0x20, 0xc3, 0x28, 0x20, 0x62]),
      'good \0 bad',
      `a ${'x'.repeat(20_000)} b`,
    ]
    for (const text of texts) {
      const errors = await both((made) =>
        raised(async () => {
          const corpus = await readText(made, text)
          await corpus.finish({ minCount: 2, maxVocabulary: 0 })
        }),
      )
      const [native, portable] = errors as [AnyvecError, AnyvecError]
      assert.match(native.code, /^ERR_ANYVEC_/)
      assert.equal(
        { code: native.code, message: native.message, details: native.details },
        { code: portable.code, message: portable.message, details: portable.details },
      )
    }
  })

  test('both refuse the same files with the same words', async () => {
    for (const path of [
      fresh('missing.txt'),
      tmpdir(),
      '/dev/null',
      written('empty.txt', ''),
      written('bad.txt', 'a \0'),
    ]) {
      const errors = await both((made) =>
        raised(async () => {
          const corpus = made.createCorpus(CORPUS)
          await corpus.addFile(path)
          await corpus.finish({ minCount: 1, maxVocabulary: 0 })
        }),
      )
      const [native, portable] = errors as [AnyvecError, AnyvecError]
      assert.equal([native.code, native.message], [portable.code, portable.message])
    }
  })

  test('one thread and one seed give both the same vectors within rounding', async () => {
    const text = languageText(12_000, 3)
    const variants = [
      {},
      { dimensions: 1, window: 1, negative: 1 },
      { dimensions: 17, window: 10, negative: 13 },
      { dimensions: 50, subsample: 0, epochs: 1 },
      { negativeExponent: -0.5, seed: 2 ** 40 + 5 },
      { window: 300, epochs: 1 },
    ]
    for (const variant of variants) {
      const [native, portable] = await both(async (made) => {
        const corpus: Corpus = await readText(made, text)
        await corpus.finish({ minCount: 2, maxVocabulary: 0 })
        return made.train(corpus, { ...PARAMETERS, ...variant })
      })
      const where = JSON.stringify(variant)
      assert.is(native.pairs, portable.pairs, where)
      assert.is(native.trainedTokens, portable.trainedTokens, where)
      assert.is(native.vectors.rows, portable.vectors.rows, where)
      for (const name of ['vectors', 'contexts'] as const) {
        let most = 0
        let moved = 0
        native[name].data.forEach((value, i) => {
          most = Math.max(most, Math.abs(value - portable[name].data[i]))
          moved = Math.max(moved, Math.abs(value))
        })
        assert.ok(most < TOLERANCE, `${where}: ${name} differ by ${most}`)
        assert.ok(moved > 10 * TOLERANCE, `${where}: ${name} are too small to compare`)
      }
      native.loss.forEach((loss, epoch) => {
        assert.ok(
          Math.abs(loss - portable.loss[epoch]) < 1e-4,
          `${where}: loss ${loss} and ${portable.loss[epoch]}`,
        )
      })
    }
  })

  test('both find the same neighbours', async () => {
    const [native, portable] = await both(async (made) => {
      const matrix = made.allocate(500, 33)
      for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = Math.fround(Math.sin(i * 1.7))
      return made.topK(matrix, {
        queries: matrix.data.slice(0, 33 * 5),
        k: 7,
        metric: 'cosine',
        rows: 400,
        threads: 2,
      })
    })
    assert.equal([...native.ids], [...portable.ids])
    native.scores.forEach((score, i) => {
      assert.ok(Math.abs(score - portable.scores[i]) < 1e-6)
    })
  })

  test('both read and refuse the same rows of text', async () => {
    const texts = [
      'a 1 2\nb\t-1.5  +2e3 \r\n苹果 .5 5.\n\n \n',
      'a 1 2\nb 1\n',
      'a 1 nan\n',
      'a 0x10 1\n',
      'a 1e39 1\n',
      'a 1 2\n\nb 1 2\n',
      ' 1 2\n',
      'a 1e-60 -1e-400\n',
      'a +-1 1\n',
    ]
    for (const text of texts) {
      const path = written('rows.vec', text)
      const [native, portable] = await both(async (made) => {
        const file = await made.mapFile(path)
        try {
          const { keys, matrix } = await made.parseRows(file, { offset: 0, columns: 2 })
          const again = await made.formatRows(matrix, keys, 0, matrix.rows)
          return {
            keys: keysOf({ keys }),
            values: [...matrix.data],
            length: Buffer.from(again).toString().split('\n').length,
          }
        } catch (error) {
          return {
            code: (error as AnyvecError).code,
            message: (error as AnyvecError).message,
            details: (error as AnyvecError).details,
          }
        }
      })
      assert.equal(native, portable, text)
    }
  })
}

test.run()
