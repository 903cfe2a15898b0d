/**
 * The portable engine: the contract in TypeScript alone, for machines without a binary, and what the native engine is compared
 * with. One thread, which it shares with the rest of the program: work stops every 15 ms to let the event loop turn.
 */

import { AnyvecError } from '../../errors.js'
import type { Corpus, Engine, KeyBytes, MappedFile, Matrix } from '../engine.js'
import { PortableCorpus } from './corpus.js'
import { readWhole } from './file.js'
import { PortableGraph } from './graph.js'
import { PortableIndex } from './index.js'
import { PortableMatrix, viewMatrix } from './matrix.js'
import { searchTopK } from './search.js'
import { formatTextRows, parseTextRows } from './text-rows.js'
import { trainSkipGram } from './trainer.js'

function ours(corpus: Corpus): PortableCorpus {
  if (corpus instanceof PortableCorpus) return corpus
  throw new AnyvecError('ERR_ANYVEC_USAGE', 'the portable engine works only on a corpus of its own')
}

export function createPortableEngine(): Engine {
  return {
    name: 'portable',
    isa: 'javascript',
    createCorpus: (parameters) => new PortableCorpus(parameters),
    createGraph: (parameters) => new PortableGraph(parameters),
    // async: a wrong argument rejects the promise, as everything else that goes wrong does
    train: async (corpus, parameters, hooks) => trainSkipGram(ours(corpus), parameters, hooks),
    allocate: (rows, columns) => PortableMatrix.allocate(rows, columns),
    mapFile: (path) => readWhole(path),
    view: viewMatrix,
    parseRows: (file: MappedFile, layout, hooks) => parseTextRows(file, layout, hooks),
    formatRows: async (matrix: Matrix, keys: KeyBytes, from, to) =>
      formatTextRows(PortableMatrix.of(matrix), keys, from, to),
    topK: async (matrix, request, hooks) => searchTopK(PortableMatrix.of(matrix), request, hooks),
    buildIndex: async (matrix, parameters, hooks) =>
      PortableIndex.build(PortableMatrix.of(matrix), parameters, hooks),
    openIndex: async (matrix, file, byteOffset, length) =>
      PortableIndex.open(PortableMatrix.of(matrix), file.bytes.subarray(byteOffset, byteOffset + length)),
    walkIndex: async (index, request, hooks) => PortableIndex.of(index).search(request, hooks),
    changeIndex: async (index, rows, change) => PortableIndex.of(index).change(rows, change),
    indexBytes: async (index) => PortableIndex.of(index).bytes,
  }
}
