/**
 * The C++ side by CMake: `node --import tsx scripts/native.ts COMMAND`
 *
 *   test        unit tests in build-native/
 *   sanitize    the same under AddressSanitizer and UndefinedBehaviorSanitizer (`sanitize thread`: ThreadSanitizer)
 *   isa         the same with every instruction set forced, emulated where this processor lacks it
 *   addon       a development addon by cmake-js; ANYVEC_PREBUILD=build-cmake makes anyvec load it
 *
 * All but `addon` end with `N passed, N failed`.
 */

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { headersFolder } from './headers.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { tests } = JSON.parse(readFileSync(join(root, 'native', 'sources.json'), 'utf8')) as { tests: string[] }
const programOf = (file: string) => `test_${basename(file).replace(/\..*$/, '')}`
const programs = tests.map(programOf)
/** Those whose results depend on the instruction set. */
const kernelPrograms = tests
  .filter((file) => readFileSync(join(root, 'native', file), 'utf8').includes('kernels::'))
  .map(programOf)
/** Emulated programs run some 20 times slower. */
const secondsAProgram = 600

let passed = 0
let failed = 0

type Environment = Readonly<Record<string, string>>

function fail(message: string): void {
  failed += 1
  console.log(`FAIL ${message}`)
}

const has = (command: string) => !spawnSync(command, ['--version'], { stdio: 'ignore' }).error

/** Configures and builds a folder; false and a counted failure where that does not work. */
function build(folder: string, options: readonly string[], targets: readonly string[] = []): boolean {
  if (!has('cmake')) {
    fail('cmake is not installed (Debian, Ubuntu: apt-get install cmake ninja-build)')
    return false
  }
  const generator = has('ninja') ? ['-G', 'Ninja'] : []
  const werror = `-DANYVEC_WERROR=${process.env.ANYVEC_WERROR ? 'ON' : 'OFF'}`
  const commands = [
    ['-S', 'native', '-B', folder, ...generator, '-DCMAKE_BUILD_TYPE=Release', werror, ...options],
    ['--build', folder, '--parallel', ...targets.flatMap((target) => ['--target', target])],
  ]
  for (const args of commands) {
    const run = spawnSync('cmake', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 })
    const output = run.stdout + run.stderr
    if (run.status !== 0) {
      console.log(output)
      fail(`cmake ${args.join(' ')}`)
      return false
    }
    for (const warning of output.match(/^.*warning:.*$/gm) ?? []) console.log(warning)
  }
  return true
}

/** So that no summary of a test program is taken for ours. */
const quoted = (output: string) => output.trimEnd().replace(/^/gm, '     | ')

/** Takes over the `N passed, N failed` lines of test programs; a program without one has crashed. */
function count(output: string, expected: number): boolean {
  const summaries = [...output.matchAll(/^(?:\d+: )?(\d+) passed, (\d+) failed$/gm)]
  for (const [, good, bad] of summaries) {
    passed += Number(good)
    failed += Number(bad)
  }
  const crashed = expected - summaries.length
  failed += Math.max(0, crashed)
  return crashed <= 0 && summaries.every(([, , bad]) => bad === '0')
}

function ctest(folder: string, environment: Environment = {}): void {
  const run = spawnSync('ctest', ['--test-dir', folder, '--verbose', '--output-on-failure'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...environment },
  })
  const good = count(run.stdout, programs.length)
  if (run.status !== 0 && good) fail(`ctest ended with ${run.status ?? run.signal}`)
  const output = run.stdout + run.stderr
  console.log(run.status === 0 && good ? (output.match(/^.*tests passed.*$/m)?.[0] ?? '') : quoted(output))
}

interface Run {
  readonly program: string
  readonly output: string
  /** The exit status, or why there is none. */
  readonly end: string
}

function runProgram(program: string, command: readonly string[], environment: Environment): Promise<Run> {
  return new Promise((resolve) => {
    const [file = '', ...args] = command
    let output = ''
    const child = spawn(file, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: secondsAProgram * 1000,
      killSignal: 'SIGKILL',
      env: { ...process.env, ...environment },
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => {
        output += text.toString()
      })
    }
    child.on('error', (error) => resolve({ program, output, end: error.message }))
    child.on('close', (code, signal) => resolve({ program, output, end: String(code ?? signal) }))
  })
}

/**
 * Runs the test programs that use kernels behind `emulator`, with ANYVEC_EXPECT_ISA saying what the dispatch must have chosen.
 * Emulated programs run side by side: they take minutes, and none of their tests looks at the clock.
 */
async function runPrograms(
  title: string,
  folder: string,
  emulator: readonly string[],
  environment: Environment,
): Promise<void> {
  const before = { passed, failed }
  const started = performance.now()
  const waiting = [...kernelPrograms]
  const work = async () => {
    for (let program = waiting.shift(); program !== undefined; program = waiting.shift()) {
      const command = [...emulator, join(root, folder, program)]
      const { output, end } = await runProgram(program, command, environment)
      const good = count(output, 1)
      if (good && end === '0') continue
      // It passed all it ran and died afterwards.
      if (good) failed += 1
      console.log(`FAIL ${title}: ${program} ended with ${end}\n${quoted(output)}`)
    }
  }
  const atOnce = environment.ANYVEC_EMULATED ? availableParallelism() : 1
  await Promise.all(Array.from({ length: atOnce }, work))
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.log(`${title}: ${passed - before.passed} passed, ${failed - before.failed} failed (${seconds} s)`)
}

const isX64 = process.arch === 'x64'

/** What this processor can run, by the names that ANYVEC_ISA takes. */
function ownInstructionSets(): string[] {
  if (process.arch === 'arm64') return ['scalar', 'neon']
  const info = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : ''
  const flags = new Set(info.match(/^flags\s*:(.*)$/m)?.[1]?.trim().split(' '))
  const every = (...names: string[]) => names.every((name) => flags.has(name))
  return [
    'scalar',
    ...(every('avx2', 'fma') ? ['avx2'] : []),
    ...(every('avx2', 'fma', 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl') ? ['avx512'] : []),
  ]
}

async function emulateX64(): Promise<void> {
  const emulator = 'qemu-x86_64-static'
  if (!has(emulator)) {
    console.log(`skipped: older x64 processors; ${emulator} is missing (apt-get install qemu-user-static)`)
    return
  }
  for (const [processor, isa] of [
    ['Nehalem', 'scalar'],
    ['Haswell', 'avx2'],
  ] as const) {
    await runPrograms(`${isa}, chosen on an emulated ${processor}`, 'build-native', [emulator, '-cpu', processor], {
      ANYVEC_EXPECT_ISA: isa,
      ANYVEC_EMULATED: '1',
    })
  }
}

async function emulateAvx512(): Promise<void> {
  if (!existsSync('/usr/include/simde/x86/avx512.h')) {
    console.log('skipped: avx512; neither the processor nor SIMDe is here (apt-get install libsimde-dev)')
    return
  }
  if (!build('build-simde', ['-DANYVEC_SIMDE=ON'], kernelPrograms)) return
  await runPrograms('avx512, computed by SIMDe', 'build-simde', [], {
    ANYVEC_ISA: 'avx512',
    ANYVEC_EXPECT_ISA: 'avx512',
    ANYVEC_EMULATED: '1',
  })
}

async function emulateArm64(): Promise<void> {
  const missing = ['aarch64-linux-gnu-g++', 'qemu-aarch64-static'].filter((tool) => !has(tool))
  if (missing.length > 0) {
    console.log(
      `skipped: neon; ${missing.join(' and ')} missing (apt-get install g++-aarch64-linux-gnu qemu-user-static)`,
    )
    return
  }
  const crossCompiler = [
    '-DCMAKE_SYSTEM_NAME=Linux',
    '-DCMAKE_SYSTEM_PROCESSOR=aarch64',
    '-DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++',
    '-DCMAKE_EXE_LINKER_FLAGS=-static',
  ]
  if (!build('build-arm64', crossCompiler, kernelPrograms)) return
  for (const isa of ['scalar', 'neon']) {
    await runPrograms(`${isa}, on an emulated arm64`, 'build-arm64', ['qemu-aarch64-static'], {
      ANYVEC_ISA: isa,
      ANYVEC_EXPECT_ISA: isa,
      ANYVEC_EMULATED: '1',
    })
  }
}

async function everyInstructionSet(): Promise<void> {
  const own = ownInstructionSets()
  if (build('build-native', [])) {
    for (const isa of own) {
      await runPrograms(`${isa}, on this processor`, 'build-native', [], { ANYVEC_ISA: isa, ANYVEC_EXPECT_ISA: isa })
    }
    if (isX64) await emulateX64()
  }
  if (isX64 && !own.includes('avx512')) await emulateAvx512()
  if (!own.includes('neon')) await emulateArm64()
}

function sanitize(sanitizers: string): void {
  const folder = sanitizers === 'thread' ? 'build-tsan' : 'build-asan'
  if (!build(folder, [`-DANYVEC_SANITIZE=${sanitizers}`])) return
  ctest(folder, {
    ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    TSAN_OPTIONS: 'halt_on_error=1',
    ANYVEC_SANITIZED: '1',
  })
}

/** cmake-js looks for Node's headers on the network unless it is told where they are. */
function developmentAddon(): void {
  const headers = headersFolder()
  const args = ['build', '--debug', '-d', 'native', '-O', 'build-cmake/build', '--log-level', 'error']
  const run = spawnSync(process.execPath, [join(root, 'node_modules/cmake-js/bin/cmake-js'), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...(headers ? { npm_config_nodedir: headers } : {}) },
  })
  process.exitCode = run.status ?? 1
}

const [command, sanitizers = 'address,undefined'] = process.argv.slice(2)
if (command === 'addon') developmentAddon()
else {
  if (command === 'test') {
    if (build('build-native', [])) ctest('build-native')
  } else if (command === 'sanitize') sanitize(sanitizers)
  else if (command === 'isa') await everyInstructionSet()
  else fail(`unknown command ${command}; known: test, sanitize, isa, addon`)
  if (passed + failed === 0) fail('no test ran')
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
}
