/** A command line that cannot be meant: one line on stderr that names the right one, exit 2, no file touched. */

import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { VERSION } from '../../lib/version.js'
import { fresh, written } from '../temporary.js'
import { answer, anyvec, failure } from './command.js'
import { CORPUS } from './corpus.js'

const corpus = written('corpus.txt', CORPUS)

const FLAGS: readonly (readonly [flags: readonly string[], message: RegExp])[] = [
  [['--dimensions', '0'], /--dimensions.*'0' is invalid. Expected a whole number from 1 to 4096;/],
  [['--dimensions', '4097'], /from 1 to 4096/],
  [['--dimensions', '1e9'], /from 1 to 4096/],
  [['--window', '2.5'], /whole number/],
  [['--epochs', 'many'], /'many' is invalid. Expected a whole number/],
  [['--epochs', ''], /whole number/],
  [['--seed', '0x10'], /whole number/],
  [['--learning-rate', '0'], /above 0/],
  [['--learning-rate', 'Infinity'], /above 0/],
  [['--subsample', '-1'], /from 0 to 1/],
  [['--engine', 'gpu'], /one of 'auto', 'native', 'portable'/],
  [['--as', 'tweets'], /text, sequences/],
  [['--dimension', '10'], /unknown option '--dimension'.*--dimensions\?/],
  [['--learningrate', '0.1'], /unknown option.*--learning-rate\?/],
  [['--epochs'], /argument missing/],
]

for (const [flags, message] of FLAGS) {
  test(`train ${flags.join(' ')} is wrong usage`, async () => {
    const output = written('old.bin', 'an old model')
    await failure(['train', corpus, '--output', output, ...flags], 2, message)
    assert.is(readFileSync(output, 'utf8'), 'an old model')
  })
}

test('commands, arguments and options that do not exist are wrong usage, and the right ones are named', async () => {
  await failure(['trian', corpus], 2, /unknown command 'trian'.*train\?.*anyvec --help/)
  await failure(
    ['train', '--output', fresh('m.bin')],
    2,
    /missing required argument 'input'.*anyvec train --help/,
  )
  await failure(['train', corpus, '-', '--output', fresh('m.bin')], 2, /stands alone/)
  await failure(['info', corpus, corpus], 2, /too many arguments/)
  await failure(['nearest', corpus, 'apple', '--score'], 2, /--scores\?/)
  await failure(['nearest', corpus, 'apple', '-k', '0'], 2, /whole number >= 1/)
  await failure(['nearest', corpus, 'apple', '-'], 2, /stands alone/)
  await failure(['evaluate', corpus], 2, /--analogies or --similarity/)
  const { stdout, stderr, code } = await anyvec([])
  assert.equal([stdout, code], ['', 2])
  assert.match(stderr, /^Usage: anyvec/)
})

test('help and the version go to stdout', async () => {
  assert.is(await answer(['--version']), `${VERSION}\n`)
  const help = await answer(['--help'])
  for (const command of ['train', 'nearest', 'similarity', 'analogy', 'evaluate', 'convert', 'info']) {
    assert.match(help, new RegExp(`^  ${command} `, 'm'))
  }
})

test.run()
