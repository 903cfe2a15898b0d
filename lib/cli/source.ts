/** The flags of `anyvec train` that say what the data are, and the source that they make. */

import { type Command, Option } from 'commander'
import {
  type Column,
  documents,
  graph,
  interactions,
  type RecordFormat,
  type Source,
  text,
  type TextInput,
  type TokenizeChoice,
} from '../index.js'
import { DOCUMENT_COLUMNS, DOCUMENT_DEFAULTS } from '../sources/documents.js'
import { DIRECTED, GRAPH_DEFAULTS, WALK_SPECS } from '../sources/graph.js'
import { INTERACTION_COLUMNS, INTERACTION_DEFAULTS } from '../sources/interactions.js'
import { LOWERCASE, MALFORMED, TOKENIZE } from '../sources/raw-text.js'
import { FORMAT } from '../sources/records.js'
import type { OptionSpec } from '../train/specs.js'
import { UsageError } from './failure.js'
import { flagName, flagOf } from './flag.js'

/** What each kind of data may be told beside what all are told. */
const KINDS = {
  text: ['tokenize', 'lowercase'],
  sequences: ['lowercase'],
  interactions: ['user', 'item', 'time', 'weight', 'format'],
  graph: ['directed', 'walks', 'walkLength', 'p', 'q'],
  documents: ['id', 'text', 'format', 'tokenize', 'lowercase'],
} as const

type Kind = keyof typeof KINDS
type SourceFlag = (typeof KINDS)[Kind][number]

const NAMES: readonly SourceFlag[] = [...new Set(Object.values(KINDS).flat())]

export interface SourceFlags {
  readonly as: Kind
  readonly malformed: 'error' | 'skip'
  readonly tokenize?: TokenizeChoice
  readonly lowercase?: boolean
  readonly user?: Column
  readonly item?: Column
  readonly time?: Column
  readonly weight?: Column
  readonly format?: RecordFormat
  readonly directed?: true
  readonly walks?: number
  readonly walkLength?: number
  readonly p?: number
  readonly q?: number
  readonly id?: Column
  readonly text?: Column
}

export function addSourceFlags(command: Command): void {
  command
    .addOption(
      new Option('--as <kind>', 'what the data are; sequences: keys separated by spaces, one sequence a line')
        .choices(Object.keys(KINDS))
        .default('text'),
    )
    .addOption(
      new Option('--malformed <what>', `${MALFORMED.doc}`).choices(MALFORMED.choices ?? []).default('error'),
    )
  const add = (kinds: string, spec: OptionSpec, defaultValue: unknown) =>
    command.addOption(flagOf({ ...spec, doc: `${kinds}: ${spec.doc}` }, defaultValue))
  add('text, documents', TOKENIZE, 'spaces; words for documents')
  command
    .option('--lowercase', `text, sequences, documents: ${LOWERCASE.doc} (default: yes for raw text)`)
    .option('--no-lowercase', 'leave raw text in the case that it has')
  for (const spec of INTERACTION_COLUMNS) {
    add('interactions', spec, INTERACTION_DEFAULTS[spec.name as 'user' | 'item'] ?? 'none')
  }
  add('interactions, documents', FORMAT, undefined)
  command.option('--directed', `graph: ${DIRECTED.doc}`)
  for (const spec of WALK_SPECS) add('graph', spec, GRAPH_DEFAULTS[spec.name as 'walks'])
  for (const spec of DOCUMENT_COLUMNS) add('documents', spec, DOCUMENT_DEFAULTS[spec.name as 'id'])
}

/** The source that flags describe, and the flags that are none of its business. Errors: UsageError for a flag of another kind. */
export function sourceOf<Flags extends SourceFlags>(
  input: TextInput,
  flags: Flags,
): { readonly source: Source; readonly rest: Omit<Flags, keyof SourceFlags> } {
  const { as, malformed } = flags
  const own: Partial<Record<SourceFlag, unknown>> = {}
  const rest = { ...flags } as Record<string, unknown>
  for (const name of ['as', 'malformed']) delete rest[name]
  for (const name of NAMES) {
    delete rest[name]
    if (flags[name] === undefined) continue
    if (!(KINDS[as] as readonly SourceFlag[]).includes(name)) {
      const kinds = Object.entries(KINDS).filter(([, names]) => (names as readonly string[]).includes(name))
      throw new UsageError(`${flagName(name)} goes with --as ${kinds.map(([kind]) => kind).join(' or ')}`)
    }
    own[name] = flags[name]
  }
  const make = { text, sequences: text, interactions, graph, documents }[as]
  const options = { malformed, ...own } as Omit<SourceFlags, 'as'>
  return { source: make(input, options), rest: rest as Omit<Flags, keyof SourceFlags> }
}
