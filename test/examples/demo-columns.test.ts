import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { columns, displayWidth, shown } from '../../examples/demo/columns.js'

test('Chinese, Japanese, Korean, full-width forms and emoji are two columns wide, letters one, accents none', () => {
  const widths: Record<string, number> = {
    '': 0,
    apple: 5,
    苹果: 4,
    '王后 0.94': 9,
    '，。！': 6,
    ひらカナ: 8,
    한국: 4,
    𠀀: 2,
    '🍎': 2,
    café: 4,
    'cafe\u0301': 4,
    'a\u200db': 2,
    Привет: 6,
  }
  for (const [text, width] of Object.entries(widths)) assert.is(displayWidth(text), width, text)
})

test('rows stand below each other by what a terminal shows', () => {
  const rows = [
    ['', 'distance'],
    ['苹果 / 香蕉', '0.33'],
    ['ab', '1'],
    ['公爵夫人', '雨'],
  ]
  const lines = columns(rows).split('\n')
  assert.is(lines.pop(), '')
  assert.is(lines.length, rows.length)
  for (const line of lines) assert.is(displayWidth(line), 2 + 11 + 2 + 8)
  assert.is(lines[1], '  苹果 / 香蕉      0.33')
  assert.is(lines[3], '  公爵夫人           雨')
})

test('control characters of a text of the reader are not passed on to the terminal', () => {
  assert.is(shown('a\u001b[31mb\u0007\u009b'), 'a\ufffd[31mb\ufffd\ufffd')
})

test.run()
