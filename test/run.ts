/**
 * Runs the test files, each in a process of its own: `npm test`, or `node --import tsx test/run.ts [PATTERN...]`.
 *
 * uvu alone succeeds when no file matches or a file forgets `.run()`, has no time-out, and goes down with the first
 * native crash. Here a file passes when it reports at least one test, all of them passed, and its process ended well.
 * The last line is `N passed, N failed` (and `, N skipped` where tests were skipped).
 */

import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = dirname(fileURLToPath(import.meta.url))
const root = dirname(folder)
/** ANYVEC_TEST_TIMEOUT: seconds that one file may take. */
const timeoutSeconds = Number(process.env.ANYVEC_TEST_TIMEOUT ?? 300)
const atOnce = 2
// No colours, so that the summaries can be read. Node warns when both are set.
const environment = { ...process.env, NO_COLOR: '1' }
Reflect.deleteProperty(environment, 'FORCE_COLOR')

interface FileResult {
  readonly file: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Why the file failed beyond its tests: no tests, a crash, a time-out. */
  readonly trouble: string | undefined
  readonly output: string
  readonly seconds: number
}

function testFiles(patterns: readonly string[]): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => relative(root, join(folder, file)).split(sep).join('/'))
    .sort()
  return patterns.length === 0
    ? files
    : files.filter((file) => patterns.some((pattern) => file.includes(pattern)))
}

/** The number behind uvu's `Total:`, `Passed:` or `Skipped:`, or undefined when the summary was never printed. */
function figure(output: string, name: string): number | undefined {
  const found = [...output.matchAll(new RegExp(`^ {2}${name}: +(\\d+)$`, 'gm'))].at(-1)
  return found ? Number(found[1]) : undefined
}

function runFile(file: string): Promise<FileResult> {
  return new Promise((resolve) => {
    const started = performance.now()
    const child = spawn(process.execPath, ['--import', 'tsx', file], {
      cwd: root,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that a time-out also ends what the test started.
      detached: process.platform !== 'win32',
    })
    let output = ''
    let timedOut = false
    const keep = (text: Buffer) => {
      output += text.toString()
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const timer = setTimeout(() => {
      timedOut = true
      try {
        if (process.platform === 'win32') child.kill('SIGKILL')
        else process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // It ended in this very moment.
      }
    }, timeoutSeconds * 1000)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const total = figure(output, 'Total') ?? 0
      const passed = figure(output, 'Passed') ?? 0
      const skipped = figure(output, 'Skipped') ?? 0
      let trouble: string | undefined
      if (timedOut) trouble = `took longer than ${timeoutSeconds} s`
      else if (signal) trouble = `ended by ${signal}`
      else if (total === 0 && skipped === 0) {
        trouble = `ran no test (exit ${code}); does it end with test.run()?`
      } else if (code !== 0 && passed === total) trouble = `exit ${code} although its tests passed`
      resolve({
        file,
        passed,
        failed: total - passed + (trouble ? 1 : 0),
        skipped,
        trouble,
        output,
        seconds: (performance.now() - started) / 1000,
      })
    })
  })
}

function report(result: FileResult): void {
  const { file, passed, failed, skipped, trouble, output, seconds } = result
  const counts = [`${passed} passed`, ...(skipped ? [`${skipped} skipped`] : []), `${seconds.toFixed(1)} s`]
  if (failed === 0) {
    process.stdout.write(`  ok ${file} (${counts.join(', ')})\n`)
    for (const reason of output.match(/^skip.*$/gim) ?? []) process.stdout.write(`       ${reason}\n`)
    return
  }
  process.stdout.write(`FAIL ${file}${trouble ? `: ${trouble}` : ''}\n`)
  process.stdout.write(`${output.replace(/^/gm, '     | ').trimEnd()}\n`)
}

const files = testFiles(process.argv.slice(2))
const waiting = [...files]
const results: FileResult[] = []

async function work(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const result = await runFile(file)
    report(result)
    results.push(result)
  }
}
await Promise.all(Array.from({ length: atOnce }, work))

const sum = (name: 'passed' | 'failed' | 'skipped') => results.reduce((all, result) => all + result[name], 0)
const failedFiles = results.filter((result) => result.failed > 0).map((result) => result.file)
if (failedFiles.length > 0) process.stdout.write(`\nfailed: ${failedFiles.join(', ')}\n`)
if (files.length === 0) process.stdout.write(`no test file matches ${process.argv.slice(2).join(' ')}\n`)
const skipped = sum('skipped')
process.stdout.write(
  `${sum('passed')} passed, ${sum('failed')} failed${skipped ? `, ${skipped} skipped` : ''}\n`,
)
process.exitCode = sum('failed') > 0 || sum('passed') === 0 ? 1 : 0
