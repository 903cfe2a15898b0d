/**
 * Text from a small written grammar: categories of words, and sentence patterns with slots for them.
 *
 * Nothing in a grammar says that apples and bananas are alike. Words of one category only stand in the same places,
 * beside the same other words, and that is all an embedding gets to see.
 */

export interface Grammar {
  readonly language: string
  /**
   * Words that can stand in the same slot, separated by spaces. `{name}` takes in the words of another category,
   * so that one word can belong to several: a queen is royal, and female, and a person.
   */
  readonly categories: Readonly<Record<string, string>>
  /**
   * Sentence patterns by topic; every topic gets the same share of the text. `{name}` is a slot for any word of that
   * category. Slots marked `{name#}` agree: all of them in one sentence take the word at the same place of their
   * categories (a capital and its country).
   */
  readonly topics: Readonly<Record<string, readonly string[]>>
}

/** A slot as it is written in a pattern: `{fruit}` or `{capital#}`. */
export const SLOT = /^\{([^{}#]+)(#?)\}$/

type Random = () => number

/** Uniform on [0, 1) from a 32-bit seed: a Weyl sequence through the murmur3 finaliser, the same on every machine. */
export function randomStream(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let x = state
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32
  }
}

/** The words of a category, those of the categories inside it included, in the order written. */
export function wordsOf(grammar: Grammar, category: string): string[] {
  const written = grammar.categories[category]
  if (written === undefined) throw new Error(`the ${grammar.language} grammar has no category '${category}'`)
  return written.split(' ').flatMap((part) => {
    const slot = SLOT.exec(part)
    return slot === null ? [part] : wordsOf(grammar, slot[1])
  })
}

/** A piece of a pattern: a word as it stands, or a slot. */
type Piece = string | { readonly words: readonly string[]; readonly agrees: boolean }

function piecesOf(grammar: Grammar, pattern: string): Piece[] {
  const pieces = pattern.split(' ').map((part): Piece => {
    const slot = SLOT.exec(part)
    return slot === null ? part : { words: wordsOf(grammar, slot[1]), agrees: slot[2] === '#' }
  })
  const lengths = pieces.flatMap((piece) =>
    typeof piece !== 'string' && piece.agrees ? [piece.words.length] : [],
  )
  if (new Set(lengths).size > 1) throw new Error(`categories that agree differ in length: ${pattern}`)
  return pieces
}

/**
 * Sentences without end, words separated by one space. The same grammar and seed give the same sentences.
 *
 * @example
 * for (const sentence of sentences(english, 1)) console.log(sentence)
 */
export function* sentences(grammar: Grammar, seed: number): Generator<string, never, undefined> {
  const random = randomStream(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]
  const topics = Object.values(grammar.topics).map((patterns) =>
    patterns.map((pattern) => piecesOf(grammar, pattern)),
  )
  for (;;) {
    const pieces = pick(pick(topics))
    const agreed = random()
    const words = pieces.map((piece) => {
      if (typeof piece === 'string') return piece
      return piece.agrees ? piece.words[Math.floor(agreed * piece.words.length)] : pick(piece.words)
    })
    yield words.join(' ')
  }
}

/** A text of at least `tokens` words, one sentence a line. */
export function writeText(grammar: Grammar, seed: number, tokens: number): string {
  const lines: string[] = []
  let written = 0
  for (const sentence of sentences(grammar, seed)) {
    if (written >= tokens) break
    lines.push(sentence)
    written += sentence.split(' ').length
  }
  return `${lines.join('\n')}\n`
}
