/** Documents: texts with names, each one a sequence. */

import type { Corpus, Tokenize } from '../engine/engine.js'
import type { Metadata } from '../formats/model.js'
import { type OptionSpec, resolveOptions } from '../train/specs.js'
import { abandonable, BlockWriter } from './block-writer.js'
import { Input } from './input.js'
import { lowercaseKeys } from './lowercase.js'
import {
  corpusTokenize,
  LOWERCASE,
  MALFORMED,
  type RawTextSettings,
  rawTextSettings,
  TOKENIZE,
  type TextOptions,
} from './raw-text.js'
import { type Column, FORMAT, readRecords, type RecordFormat, type RecordInput } from './records.js'
import { isLanguage, type Segmenter, segmenterOf, spaced } from './segment.js'
import { type Reading, readHooks, Source, type SourceCounts } from './source.js'

/** How to read documents. Columns are named as the first line (or a row's members) names them, or numbered from 1. */
export interface DocumentOptions extends TextOptions {
  /** The column of names, one a document. Default: `id`. */
  readonly id?: Column | undefined
  /** The column of texts. Default: `text`. */
  readonly text?: Column | undefined
  /** How rows are written. Default: `jsonl` where the first line begins with `{`, `tsv` where it holds a tab, else `csv`. */
  readonly format?: RecordFormat | undefined
}

interface DocumentSettings extends RawTextSettings {
  readonly id: Column
  readonly text: Column
  readonly format?: RecordFormat
}

export const DOCUMENT_DEFAULTS = Object.freeze({ id: 'id', text: 'text' })

export const DOCUMENT_COLUMNS: readonly OptionSpec[] = [
  { name: 'id', type: 'column', doc: 'the column of names' },
  { name: 'text', type: 'column', doc: 'the column of texts' },
]

/**
 * Documents to train on: each is one sequence of the words of its text, cut by `tokenize` (default: `words`). Line ends within a text are
 * white space. A line of text that stands alone is better read by `text`.
 *
 * `input` is a jsonl, csv or tsv file, several of them (also .gz), a stream of such text, or an iterable of objects. Documents without a
 * text, or with one that holds no word, are counted in `report.source`; documents without an id are read like any other and counted.
 *
 * Nothing is read before `train` does. Errors: ERR_ANYVEC_USAGE, ERR_ANYVEC_OPTION; in `train`: ERR_ANYVEC_FILE; ERR_ANYVEC_FORMAT for a
 * column that is not there and for rows that cannot be read; ERR_ANYVEC_ENCODING, ERR_ANYVEC_KEY_LENGTH; and whatever the
 * iterable throws.
 *
 * @example
 * const papers = await train(documents('articles.jsonl', { id: 'id', text: 'body' }), { minCount: 1 })
 * papers.report?.source.documents   // 2
 */
export function documents(input: RecordInput, options?: DocumentOptions): Source {
  const { tokenize, lowercase, malformed, ...columns } = resolveOptions<
    Pick<DocumentSettings, 'id' | 'text' | 'format'> & TextOptions
  >([...DOCUMENT_COLUMNS, FORMAT, TOKENIZE, LOWERCASE, MALFORMED], options, DOCUMENT_DEFAULTS)
  const text = rawTextSettings({ tokenize, lowercase, malformed }, { tokenize: 'words' })
  return new Documents(new Input(input, 'documents', 'rows or blocks of text'), { ...columns, ...text })
}

class Documents extends Source {
  readonly description: Metadata
  readonly malformed: 'error' | 'skip'
  override readonly tokenize: Tokenize
  override readonly lowercase: boolean
  readonly #input: Input
  readonly #settings: DocumentSettings

  constructor(input: Input, settings: DocumentSettings) {
    super()
    this.#input = input
    this.#settings = settings
    this.malformed = settings.malformed
    this.tokenize = corpusTokenize(settings.tokenize)
    this.lowercase = settings.lowercase
    this.description = { kind: 'documents', ...settings }
  }

  async read(corpus: Corpus, reading: Reading): Promise<SourceCounts> {
    const { id, text, format, malformed, tokenize, lowercase } = this.#settings
    const hooks = readHooks(reading)
    const segmenter: Segmenter | undefined = isLanguage(tokenize) ? await segmenterOf(tokenize) : undefined
    const writer = new BlockWriter(corpus, 'the documents', { signal: hooks.signal })
    let documents = 0
    let withoutText = 0
    let withoutId = 0
    const write = async ([name, body]: readonly string[]) => {
      if (body === '') {
        withoutText++
        return
      }
      if (name === '') withoutId++
      documents++
      const line = body.replaceAll('\n', ' ')
      await writer.writeText(`${segmenter === undefined ? line : spaced(line, segmenter)}\n`)
    }
    const settings = { columns: [id, text], format, malformed }
    const counts = await readRecords(this.#input, 'documents', settings, hooks, write)
    await abandonable(hooks.signal, writer, () => writer.end())
    if (tokenize === 'spaces' && lowercase) await lowercaseKeys(corpus, hooks.signal)
    return {
      ...counts,
      documents,
      documentsWithoutText: withoutText,
      documentsWithoutId: withoutId,
      ...(segmenter === undefined ? {} : { segmenter: segmenter.name }),
    }
  }
}
