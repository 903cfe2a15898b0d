/** The formats of model files, and the extensions that stand for them. */

import { extname } from 'node:path'
import { AnyvecError } from '../errors.js'

/**
 * `safetensors` is ours and holds everything; `word2vec-binary` and `word2vec-text` are those of the original word2vec
 * and of gensim, and hold keys and vectors alone.
 */
export type Format = 'safetensors' | 'word2vec-binary' | 'word2vec-text'

export const FORMATS: readonly Format[] = ['safetensors', 'word2vec-binary', 'word2vec-text']

const EXTENSIONS: ReadonlyMap<string, Format> = new Map([
  ['.safetensors', 'safetensors'],
  ['.bin', 'word2vec-binary'],
  ['.vec', 'word2vec-text'],
  ['.txt', 'word2vec-text'],
])

/** The format that a file name asks for. Errors: ERR_ANYVEC_OPTION for an extension that stands for none. */
export function formatOfName(path: string): Format {
  const format = EXTENSIONS.get(extname(path).toLowerCase())
  if (format !== undefined) return format
  throw new AnyvecError(
    'ERR_ANYVEC_OPTION',
    `The extension of ${path} stands for no format: use ${[...EXTENSIONS.keys()].join(', ')}, or the option "format"`,
    { path },
  )
}
