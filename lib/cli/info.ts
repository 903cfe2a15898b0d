import { type Command, Option } from 'commander'
import { type Embedding, open } from '../index.js'
import { extras } from './convert.js'
import { print, printJson, table } from './output.js'
import { size } from './progress.js'
import { engineOption, jsonOption, type ModelFlags } from './query.js'

interface InfoFlags extends ModelFlags {
  readonly verify?: true
}

/** Most frequent keys that are shown. */
const SHOWN_KEYS = 10

/** `anyvec info MODEL`: what is in a file. */
export function addInfo(program: Command): void {
  program
    .command('info')
    .description('what a model file holds, and how it was trained where the file tells')
    .argument('<model>', 'a model file')
    .addOption(new Option('--verify', 'also compare the vectors of a safetensors file with their checksums'))
    .addOption(jsonOption('one JSON object; metadata as the file has it'))
    .addOption(engineOption())
    .action(info)
}

async function info(path: string, { engine, verify, json }: InfoFlags): Promise<void> {
  const embedding = await open(path, { engine, verify })
  const facts = factsOf(embedding)
  if (json === true) await printJson({ model: path, ...facts })
  else await print(sentences(path, facts, verify === true))
}

type Facts = ReturnType<typeof factsOf>

function factsOf(embedding: Embedding) {
  const parts = extras(embedding)
  return {
    format: embedding.origin?.format,
    bytes: embedding.origin?.bytes ?? 0,
    vocabulary: embedding.size,
    dimensions: embedding.dimensions,
    contexts: parts.includes('contexts'),
    counts: parts.includes('counts'),
    keys: Array.from({ length: Math.min(SHOWN_KEYS, embedding.size) }, (_, id) => embedding.keys.at(id)),
    metadata: embedding.metadata,
  }
}

function sentences(path: string, facts: Facts, verified: boolean): string {
  const { format, bytes, vocabulary, dimensions, contexts, counts, keys, metadata } = facts
  const also = [...(contexts ? ['context vectors'] : []), ...(counts ? ['counts'] : [])]
  const rows = [
    ['model', path],
    ['format', `${format}, ${size(bytes)}${verified ? ', verified' : ''}`],
    ['keys', String(vocabulary)],
    ['dimensions', String(dimensions)],
    ['also holds', also.join(', ') || 'nothing'],
    ['first keys', keys.join(' ')],
    ...Object.entries(metadata).map(([name, value]) => [name, short(value)]),
  ]
  return table(rows, 'left')
}

/** A value of the metadata on one line: `dimensions 100, window 5`. */
function short(value: Facts['metadata'][string]): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return value.map(short).join(' ')
  return Object.entries(value)
    .map(
      ([name, inner]) =>
        `${name} ${typeof inner === 'object' && inner !== null ? `(${short(inner)})` : inner}`,
    )
    .join(', ')
}
