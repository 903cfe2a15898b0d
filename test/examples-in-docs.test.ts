/** Runs every `@example` of what the package exports, and those of docs/, as a reader would paste them into a program. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as anyvec from '../lib/index.js'
import { AN_ENGINE } from './engines.js'
import { folder } from './temporary.js'

const lib = join(dirname(dirname(fileURLToPath(import.meta.url))), 'lib')
/** Engines are not public, and the command line is run by its own tests. */
const INTERNAL = /^(?:cli|engine)[/\\]/

interface Example {
  readonly file: string
  readonly line: number
  readonly code: string
}

function examplesOf(file: string): Example[] {
  const source = readFileSync(join(lib, file), 'utf8')
  const examples: Example[] = []
  for (const comment of source.matchAll(/\/\*\*.*?\*\//gs)) {
    const text = comment[0].replace(/\*\/$/, '').replace(/^[ \t]*\* ?/gm, '')
    for (const example of text.matchAll(/@example[ \t]*\n(.*?)(?=\n@|$(?![\s\S]))/gs)) {
      const line = source.slice(0, comment.index).split('\n').length
      examples.push({ file, line, code: example[1].trim() })
    }
  }
  return examples
}

/** The TypeScript of a page of docs/. */
function examplesOfPage(page: string): Example[] {
  const content = readFileSync(join(lib, '..', 'docs', page), 'utf8')
  return [...content.matchAll(/^```ts\n(.*?)^```/gms)].map(({ 1: code, index }) => ({
    file: join('..', 'docs', page),
    line: content.slice(0, index).split('\n').length,
    code: code.trim(),
  }))
}

const examples = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !INTERNAL.test(file))
  .sort()
  .flatMap(examplesOf)
  .concat(readdirSync(join(lib, '..', 'docs')).flatMap(examplesOfPage))

/** What examples speak of: a model under some names, a text, question lists. */
async function prepare(): Promise<void> {
  const topics = [
    ['apple', 'pear', 'plum', 'banana', 'fruit', 'sweet'],
    ['man', 'king', 'woman', 'queen', 'crown', 'rules'],
    ['france', 'paris', 'italy', 'rome', 'city', 'land'],
    ['car', 'truck', 'tiger', 'cat', 'fast', 'road'],
  ]
  const lines = Array.from({ length: 4000 }, (_, i) => {
    const topic = topics[i % 4]
    return Array.from({ length: 6 }, (_, j) => topic[(i * 7 + j * (1 + (i % 5))) % 6]).join(' ')
  })
  writeFileSync(join(folder, 'wiki.txt'), `${lines.join('\n')}\n`)
  const { gzipSync } = await import('node:zlib')
  writeFileSync(join(folder, 'wiki.txt.gz'), gzipSync(readFileSync(join(folder, 'wiki.txt'))))
  const words = await anyvec.train(anyvec.text(join(folder, 'wiki.txt')), {
    dimensions: 20,
    engine: AN_ENGINE,
  })
  await words.save(join(folder, 'wiki.safetensors'))
  await words.save(join(folder, 'vectors.bin'))
  const ratings = Array.from({ length: 60 }, (_, i) => `${i % 6},film ${i % 5},${i}`)
  writeFileSync(join(folder, 'ratings.csv'), ['userId,movieId,timestamp', ...ratings].join('\n'))
  const edges = ['1 2', '1 3', '2 3', '3 4', '4 5', '4 6', '5 6']
  for (const name of ['karate.edges.tsv', 'edges.tsv']) writeFileSync(join(folder, name), edges.join('\n'))
  const articles = [
    { id: 'a', body: 'The cat sat on the mat.' },
    { id: 'b', body: 'The dog did not.' },
  ]
  writeFileSync(join(folder, 'articles.jsonl'), articles.map((article) => JSON.stringify(article)).join('\n'))
  writeFileSync(join(folder, 'questions-words.txt'), ': family\nman king woman queen\n')
  writeFileSync(join(folder, 'ws-353.tsv'), 'tiger\tcat\t7.35\ntiger\tcar\t1\napple\tpear\t8\n')
}

/** An example may use, without making it, an embedding called `words`. */
const makes = (code: string, name: string) => new RegExp(`\\bconst (?:\\{[^}]*\\b)?${name}\\b`).test(code)

async function run({ file, code }: Example, number: number): Promise<void> {
  const names = Object.keys(anyvec).join(', ')
  const own = [...readFileSync(join(lib, file), 'utf8').matchAll(/^export (?:async )?function (\w+)/gm)]
    .map((match) => match[1])
    .filter((name) => !(name in anyvec))
  const program = [
    `import { ${names} } from ${JSON.stringify(pathToFileURL(join(lib, 'index.ts')).href)}`,
    ...(own.length > 0
      ? [`import { ${own.join(', ')} } from ${JSON.stringify(pathToFileURL(join(lib, file)).href)}`]
      : []),
    'export async function example() {',
    ...(makes(code, 'words') ? [] : ["const words = await open('wiki.safetensors')"]),
    '{',
    code,
    '}',
    '}',
  ].join('\n')
  const path = join(folder, `example-${number}.mts`)
  writeFileSync(path, program)
  const made = (await import(pathToFileURL(path).href)) as { example(): Promise<void> }
  await made.example()
}

test('there are examples, and every public function and class has one', () => {
  assert.ok(examples.length >= 20, `${examples.length} examples`)
  for (const [name, value] of Object.entries(anyvec)) {
    if (typeof value !== 'function') continue
    const shown = examples.some(({ code }) => new RegExp(`\\b${name}\\b`).test(code))
    assert.ok(shown || name === 'Embedding', `${name} has no example`)
  }
})

const quiet = { log: console.log, error: console.error }
test.before(async () => {
  await prepare()
  process.chdir(folder)
  console.log = console.error = () => {}
})
test.after(() => {
  Object.assign(console, quiet)
  process.chdir(lib)
})

examples.forEach((example, number) => {
  test(`the example at ${example.file}:${example.line} runs: ${example.code.split('\n')[0]}`, () =>
    run(example, number))
})

test.run()
