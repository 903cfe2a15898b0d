/** What the demo trains on and asks, once a language. */

import { availableParallelism } from 'node:os'
import type { TrainOptions } from '../../lib/index.js'
import { chinese } from './chinese.js'
import { english } from './english.js'
import type { Grammar } from './grammar.js'

export interface Lesson {
  readonly grammar: Grammar
  /** Two things of one kind, and one of another. */
  readonly things: readonly [string, string, string]
  /** `a` is to `b` as `c` is to `answer`. */
  readonly analogy: { readonly a: string; readonly b: string; readonly c: string; readonly answer: string }
}

export const LESSONS: readonly Lesson[] = [
  {
    grammar: english,
    things: ['apple', 'banana', 'car'],
    analogy: { a: 'man', b: 'king', c: 'woman', answer: 'queen' },
  },
  {
    grammar: chinese,
    things: ['苹果', '香蕉', '汽车'],
    analogy: { a: '男人', b: '国王', c: '女人', answer: '王后' },
  },
]

/** Words of text a language: enough for every word to meet most of its company, about 60 times each. */
export const TOKENS = 50_000

/** anyvec's defaults, but more epochs: the text is very short. */
export const OPTIONS = Object.freeze({
  epochs: 10,
  seed: 1,
  // The vocabulary is so small that more threads would mostly wait for each other's rows.
  threads: Math.min(4, availableParallelism()),
}) satisfies TrainOptions
