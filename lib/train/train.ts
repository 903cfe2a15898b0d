/** From data to an embedding. */

import { Embedding } from '../embedding/embedding.js'
import type { Corpus, CorpusSummary, Engine, TrainingOutcome } from '../engine/engine.js'
import { engine as loadEngine } from '../engine/load.js'
import { AnyvecError } from '../errors.js'
import type { Metadata } from '../formats/model.js'
import { Source, type SourceCounts } from '../sources/source.js'
import { VERSION } from '../version.js'
import { type TrainOptions, type TrainSettings, trainSettings } from './options.js'
import type { TrainingReport } from './report.js'
import { received } from './specs.js'

/**
 * Trains vectors: skip-gram with negative sampling (Mikolov et al. 2013), one vector of `dimensions` values for each key
 * that occurs `minCount` times or more. Reading and training run off the event loop on `threads` threads; the one-threaded
 * portable engine shares the loop.
 *
 * With one thread, the same data, options and seed give the same vectors. With more, threads update one model without locks
 * (Hogwild; Recht et al. 2011), and two runs differ slightly.
 *
 * Errors: ERR_ANYVEC_OPTION, ERR_ANYVEC_USAGE; ERR_ANYVEC_EMPTY_CORPUS and ERR_ANYVEC_VOCABULARY for data without two keys
 * frequent enough; ERR_ANYVEC_MEMORY, ERR_ANYVEC_ENGINE, ERR_ANYVEC_DIVERGED; whatever the source raises. An aborted run
 * rejects with its signal's reason, a throw in `onProgress` with what was thrown.
 *
 * @example
 * const words = await train(text('wiki.txt.gz'), { dimensions: 100, epochs: 5 })
 * words.report?.loss         // [ 3.12, 2.81, ... ]: one an epoch
 *
 * @example
 * const stop = AbortSignal.timeout(60_000)
 * const words = await train(text('wiki.txt'), {
 *   signal: stop,
 *   onProgress: (progress) => {
 *     if (progress.phase === 'training') console.error(progress.words / progress.totalWords)
 *   },
 * })
 */
export async function train(source: Source, options?: TrainOptions): Promise<Embedding> {
  const { settings, hooks } = trainSettings(options)
  if (!(source instanceof Source)) {
    const advice = typeof source === 'string' ? '; for a file of text, use train(text(path))' : ''
    throw new AnyvecError(
      'ERR_ANYVEC_USAGE',
      `Expected a source, such as text(path) or sequences(data), but received ${received(source)}${advice}`,
      { received: source },
    )
  }
  const { onProgress, signal } = hooks
  signal?.throwIfAborted()
  const engine = loadEngine(settings.engine)
  const { threads, memoryLimit, spillFolder, minCount, maxVocabulary } = settings
  const { malformed, tokenize, lowercase } = source
  const corpus = engine.createCorpus({ threads, memoryLimit, spillFolder, malformed, tokenize, lowercase })
  try {
    const started = performance.now()
    const counts = await source.read(corpus, { engine, seed: settings.seed, signal, onProgress })
    signal?.throwIfAborted()
    const summary = await corpus.finish({ minCount, maxVocabulary })
    signal?.throwIfAborted()
    const vocabularySeconds = (performance.now() - started) / 1000
    const outcome = await engine.train(corpus, settings, {
      signal,
      onProgress: onProgress && ((progress) => onProgress({ phase: 'training', ...progress })),
    })
    const report = reportOf(engine, settings, { summary, counts }, outcome, vocabularySeconds)
    return embeddingOf(engine, corpus, outcome, report, source)
  } finally {
    corpus.dispose()
  }
}

function embeddingOf(
  engine: Engine,
  corpus: Corpus,
  { vectors, contexts }: TrainingOutcome,
  report: TrainingReport,
  source: Source,
): Embedding {
  const { keys, counts } = corpus
  const metadata = metadataOf(report, source)
  return new Embedding(engine, { keys, vectors, contexts, counts, metadata }, { report })
}

function reportOf(
  engine: Engine,
  options: TrainSettings,
  { summary: corpus, counts: source }: { readonly summary: CorpusSummary; readonly counts: SourceCounts },
  { loss, trainedTokens, pairs, seconds, threads }: TrainingOutcome,
  vocabularySeconds: number,
): TrainingReport {
  return {
    engine: engine.name,
    isa: engine.isa,
    threads,
    options,
    corpus,
    source,
    loss,
    trainedTokens,
    pairs,
    seconds: { vocabulary: vocabularySeconds, training: seconds },
    // a run on very little text may take less time than the clock can tell
    wordsPerSecond: seconds > 0 ? (corpus.tokens * options.epochs) / seconds : 0,
    dropped: {
      rareTokens: corpus.tokens - corpus.keptTokens,
      rareKeys: corpus.types - corpus.vocabulary,
      malformedTokens: corpus.malformedTokens,
    },
  }
}

/**
 * What a model file remembers of its training: everything that made it what it is, and nothing that differs between two
 * equal runs (times, folders), so that equal runs make equal files.
 */
function metadataOf(report: TrainingReport, source: Source): Metadata {
  const { memoryLimit, spillFolder, engine, threads, ...options } = report.options
  const { spilledBytes, ...corpus } = report.corpus
  return {
    anyvec: VERSION,
    source: { ...source.description, ...report.source },
    options,
    corpus,
    training: {
      engine: report.engine,
      isa: report.isa,
      threads: report.threads,
      trainedTokens: report.trainedTokens,
      pairs: report.pairs,
      // JSON has no NaN: the loss of an epoch in which nothing was left to train on
      loss: report.loss.map((loss) => (Number.isFinite(loss) ? loss : null)),
    },
  }
}
