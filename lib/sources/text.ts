/** Text: words, and a sequence a line. */

import type { Corpus, Tokenize } from '../engine/engine.js'
import type { Metadata } from '../formats/model.js'
import { Input, type TextInput } from './input.js'
import { lowercaseKeys } from './lowercase.js'
import { corpusTokenize, type RawTextSettings, rawTextSettings, type TextOptions } from './raw-text.js'
import { isLanguage, SegmentedText, segmenterOf } from './segment.js'
import { type Reading, readHooks, Source, type SourceCounts } from './source.js'

/**
 * Text to train on. A line is a sequence: contexts do not reach over its end. Words are separated by white space (space, tab,
 * CR, VT, FF) already, or `tokenize` says how raw text is cut into words. UTF-8, with or without a byte-order mark.
 *
 * `input` is the path of a file, or an array of paths, read in order; files compressed with gzip, or with zstd where Node is 22.15 or
 * newer, are recognised by their content. Or it is anything that brings the text itself in blocks: a stream, a generator, an array of bytes. Blocks are
 * joined as they are, so lines keep their line ends; of Node's `readline`, which takes them away, they are put back.
 *
 * Nothing is read before `train` does. Errors: ERR_ANYVEC_USAGE for an input that is none of these, ERR_ANYVEC_OPTION. In
 * `train`: ERR_ANYVEC_FILE, ERR_ANYVEC_ENCODING, ERR_ANYVEC_KEY_LENGTH, ERR_ANYVEC_FORMAT (damaged gzip or zstd), and whatever
 * the iterable throws.
 *
 * @example
 * const words = await train(text('wiki.txt.gz', { lowercase: true }))
 *
 * @example
 * const words = await train(text(["Don't panic: 3.14!\n", "DON'T!\n"].values(), { tokenize: 'words' }), { minCount: 1 })
 * words.count("don't")       // 2
 *
 * @example
 * const lines = ['the cat sat\n', 'the dog sat\n']
 * const words = await train(text(lines.values()), { minCount: 1 })
 */
export function text(input: TextInput, options?: TextOptions): Source {
  return new Text(input, rawTextSettings(options, { tokenize: 'spaces' }))
}

class Text extends Source {
  readonly description: Metadata
  readonly malformed: 'error' | 'skip'
  override readonly tokenize: Tokenize
  override readonly lowercase: boolean
  readonly #input: Input
  readonly #settings: RawTextSettings

  constructor(input: TextInput, settings: RawTextSettings) {
    super()
    this.#input = new Input(input, 'text', 'blocks of text')
    this.#settings = settings
    this.description = { kind: 'text', ...settings }
    this.malformed = settings.malformed
    this.tokenize = corpusTokenize(settings.tokenize)
    this.lowercase = settings.lowercase
  }

  async read(corpus: Corpus, reading: Reading): Promise<SourceCounts> {
    const hooks = readHooks(reading)
    const { tokenize, lowercase, malformed } = this.#settings
    if (isLanguage(tokenize)) {
      const segmenter = await segmenterOf(tokenize)
      await this.#input.feed(new SegmentedText(corpus, segmenter, malformed, hooks), 'text', hooks)
      return { segmenter: segmenter.name }
    }
    await this.#input.feed(corpus, 'text', hooks)
    if (tokenize === 'spaces' && lowercase) await lowercaseKeys(corpus, hooks.signal)
    return {}
  }
}
