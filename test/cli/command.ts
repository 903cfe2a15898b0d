/** The program itself, in a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { AN_ENGINE } from '../engines.js'
import { folder } from '../temporary.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const lib = join(root, 'lib')

/**
 * How to start the program: as compiled (`npm test` compiles first), which takes a fraction of the time, or from its
 * sources where those are newer.
 */
const program = isCompiled()
  ? [join(root, 'dist', 'cli', 'main.js')]
  : // a URL, because the program runs in another folder; Windows wants one anyway
    [
      '--import',
      pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href,
      join(lib, 'cli', 'main.ts'),
    ]

function isCompiled(): boolean {
  const compiled = statSync(join(root, 'dist', '.tsbuildinfo'), { throwIfNoEntry: false })?.mtimeMs ?? 0
  return readdirSync(lib, { recursive: true, encoding: 'utf8' }).every(
    (file) => !file.endsWith('.ts') || statSync(join(lib, file)).mtimeMs < compiled,
  )
}

export interface Finished {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Commands that work on models take `--engine`; a test that names none gets one that is there. */
function withEngine(args: readonly string[]): readonly string[] {
  const plain =
    args.length === 0 || args[0].startsWith('-') || args.includes('--engine') || args.includes('--help')
  return plain ? args : [args[0], '--engine', AN_ENGINE, ...args.slice(1)]
}

/** Starts `anyvec ARGS` in the folder of temporary files. */
export function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...program, ...withEngine(args)], { cwd: folder, stdio: 'pipe' })
}

/** How a started program ended. */
export function end(child: ChildProcess): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const text = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString('utf8')
      resolve({ stdout: text(stdout), stderr: text(stderr), code, signal })
    })
  })
}

/** Runs `anyvec ARGS` to its end, with `input` on stdin. */
export async function anyvec(args: readonly string[], input: string | Uint8Array = ''): Promise<Finished> {
  const child = start(args)
  // the program may end before it has read all
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  return end(child)
}

/** Runs a command that must succeed, silently, and answers its output. */
export async function answer(args: readonly string[], input?: string | Uint8Array): Promise<string> {
  const { stdout, stderr, code, signal } = await anyvec(args, input)
  if (code !== 0 || stderr !== '') {
    throw new Error(`anyvec ${args.join(' ')} ended with ${code ?? signal} and ${JSON.stringify(stderr)}`)
  }
  return stdout
}

/** Runs a command that must fail with that exit code, nothing on stdout and one line on stderr that matches. */
export async function failure(
  args: readonly string[],
  code: 1 | 2,
  message: RegExp,
  input?: Uint8Array,
): Promise<void> {
  const found = await anyvec(args, input)
  const problems = [
    ...(found.code === code ? [] : [`exit ${found.code ?? found.signal} instead of ${code}`]),
    ...(found.stdout === '' ? [] : [`stdout ${JSON.stringify(found.stdout.slice(0, 200))}`]),
    ...(/^anyvec[^\n]*: [^\n]+\n$/.test(found.stderr) ? [] : ['stderr is not one line of ours']),
    ...(message.test(found.stderr) ? [] : [`stderr does not match ${message}`]),
    ...(found.stderr.length < 1000 ? [] : ['stderr is too long to read']),
  ]
  if (problems.length === 0) return
  throw new Error(
    `anyvec ${args.join(' ')}: ${problems.join('; ')}: ${JSON.stringify(found.stderr.slice(0, 1000))}`,
  )
}
