/** How the words of a published question list find their keys. */

import type { Embedding } from '../embedding/embedding.js'

/**
 * The key that stands for `word`: the word as written, else in lower case, else undefined. Published lists
 * write `Athens`; a model of lower-cased text has `athens`. With `limit` > 0 only the `limit` most frequent
 * keys count as known.
 */
export function spell(embedding: Embedding, word: string, limit = 0): string | undefined {
  if (known(embedding, word, limit)) return word
  const lower = word.toLowerCase()
  return lower !== word && known(embedding, lower, limit) ? lower : undefined
}

function known(embedding: Embedding, key: string, limit: number): boolean {
  const id = embedding.keys.id(key)
  return id !== undefined && (limit === 0 || id < limit)
}
