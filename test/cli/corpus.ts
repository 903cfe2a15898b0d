/** A text of three topics with four words each, whose vectors any training tells apart. */

const TOPICS = [
  ['apple', 'pear', 'plum', 'banana'],
  ['car', 'truck', 'bus', 'tram'],
  ['king', 'queen', 'man', 'woman'],
]

const LINES = Array.from({ length: 1500 }, (_, line) =>
  Array.from({ length: 8 }, (_, word) => TOPICS[line % 3][(line * 5 + word * (1 + (line % 7))) % 4]).join(
    ' ',
  ),
)

export const CORPUS = `${LINES.join('\n')}\n`
export const TOKENS = LINES.length * 8
