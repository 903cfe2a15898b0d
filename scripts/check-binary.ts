/**
 * `npm run check:binary`: what only the compiled files can show (Linux, GNU binutils). After `npm run compile`;
 * also looks at prebuilds/ and at the CMake builds where they are.
 *
 *  - Kernel objects define nothing but their table and hold no weak symbol: the linker may keep the copy of an inline
 *    function that was compiled for AVX-512, and older processors would die of it.
 *  - Everything that runs before the dispatch uses no register of a newer instruction set.
 *  - Both build systems compile with the flags of native/sources.json, and C++ exceptions are on.
 *  - The addon shows nothing but its two entry points, and needs no newer libraries than the package promises.
 *
 * The last line is `N passed, N failed`.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What Ubuntu 22.04, Debian 12 and RHEL 9 all have. */
const NEWEST = { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.13' } as const
/** Compatibility of a Node-API addon with every Node rests on needing no library but these. */
const LIBRARIES = /^(lib(c|m|dl|pthread|rt|stdc\+\+|gcc_s)\.so\.\d+|ld-linux[\w-]*\.so\.\d+)$/
const ENTRY_POINTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']

interface Sources {
  readonly flags: readonly string[]
  readonly core: readonly string[]
  readonly kernels: readonly { readonly name: string; readonly file: string; readonly flags: readonly string[] }[]
  readonly addon: readonly string[]
}

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const sources = JSON.parse(readFileSync(join(root, 'native', 'sources.json'), 'utf8')) as Sources
let passed = 0
let failed = 0

function check(title: string, offences: readonly string[]): void {
  if (offences.length === 0) passed += 1
  else failed += 1
  console.log(`${offences.length === 0 ? '  ok' : 'FAIL'} ${title}`)
  for (const offence of offences.slice(0, 10)) console.log(`       ${offence}`)
  if (offences.length > 10) console.log(`       and ${offences.length - 10} more`)
}

function output(command: string, ...args: readonly string[]): string {
  const run = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 30 })
  if (run.error || run.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${run.error ?? run.stderr}`)
  return run.stdout
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '')

/** Files below a folder of the clone, by the end of their names; none where the folder is missing. */
function filesBelow(folder: string, ending: string): string[] {
  const path = join(root, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(path, file))
    .sort()
}

/** One place where objects lie, and how the commands that made them are found. */
interface Build {
  readonly folder: string
  readonly prefix: string
  readonly objects: readonly string[]
  /** The compiler's command for a source of native/, or undefined. */
  command(file: string): string | undefined
}

/** gyp's make keeps the command of each object in a file beside its dependencies. */
function gypBuild(): Build {
  const folder = 'build/Release/obj.target'
  const records = filesBelow('build/Release/.deps', '.o.d')
  return {
    folder,
    prefix: '',
    objects: filesBelow(folder, '.o'),
    command(file) {
      const record = records.find((path) => path.endsWith(`/native/${file.replace(/\.\w+$/, '')}.o.d`))
      return record && readFileSync(record, 'utf8').split('\n', 1)[0]
    },
  }
}

function cmakeBuild(folder: string, prefix: string): Build {
  const list = join(root, folder, 'compile_commands.json')
  const commands = existsSync(list)
    ? (JSON.parse(readFileSync(list, 'utf8')) as { readonly file: string; readonly command: string }[])
    : []
  return {
    folder,
    prefix,
    objects: filesBelow(folder, '.o'),
    command: (file) => commands.find((each) => each.file.endsWith(`/native/${file}`))?.command,
  }
}

/** Objects of a source, in either build's naming: kernels/avx2.o, kernels/avx2.cpp.o. */
function objectsOf(build: Build, file: string): string[] {
  const stem = file.replace(/\.\w+$/, '')
  return build.objects.filter((path) => path.endsWith(`/${stem}.o`) || path.endsWith(`/${file}.o`))
}

function checkKernels(build: Build): void {
  for (const { name, file } of sources.kernels) {
    for (const object of objectsOf(build, file)) {
      const symbols = lines(output(`${build.prefix}nm`, '-C', object)).map((line) => line.slice(17))
      const table = `anyvec::kernels::${name}_table`
      // Lower case is local to the file; U is asked of others.
      const offences = symbols.filter((symbol) => /^[A-TV-Zuvw] /.test(symbol) && symbol.slice(2) !== table)
      if (!symbols.some((symbol) => symbol.slice(2) === table)) offences.push(`${table} is missing`)
      check(`${relative(root, object)}: defines ${table} alone, nothing weak`, offences)
    }
  }
}

/** Registers of AVX and AVX-512, and the v... forms that zero the upper half of a register. */
const NEWER = /%[yz]mm|%k[0-7]\b|\sv[a-z]+[a-z0-9]*\s.*%xmm/

function checkBaseline(build: Build): void {
  const files = [...sources.core, ...sources.addon, 'kernels/scalar.cpp']
  const offences: string[] = []
  let looked = 0
  for (const file of files) {
    for (const object of objectsOf(build, file)) {
      looked += 1
      for (const line of lines(output(`${build.prefix}objdump`, '-d', '--no-show-raw-insn', object))) {
        if (NEWER.test(line)) offences.push(`${relative(root, object)}: ${line.trim()}`)
      }
    }
  }
  if (looked === 0) offences.push('no object was found')
  check(`${build.folder}: ${looked} objects run on any x64 processor`, offences)
}

/** That NEWER finds what it looks for: the AVX2 kernels are full of it. */
function checkDetector(build: Build): void {
  const [object] = objectsOf(build, 'kernels/avx2.cpp')
  const found = object !== undefined && NEWER.test(output(`${build.prefix}objdump`, '-d', '--no-show-raw-insn', object))
  check('the search for newer instructions finds them in the AVX2 kernels', found ? [] : ['nothing found'])
}

function checkFlags(build: Build): void {
  const kernelFlags = new Map(sources.kernels.map((kernel) => [kernel.file, kernel.flags]))
  const offences: string[] = []
  let looked = 0
  for (const file of [...sources.core, ...kernelFlags.keys(), ...sources.addon]) {
    const command = build.command(file)
    if (command === undefined) {
      // Kernels of other processors, and the addon in a build of the core.
      if (sources.core.includes(file)) offences.push(`${file} was not compiled`)
      continue
    }
    looked += 1
    const given = command.split(/\s+/)
    for (const flag of [...sources.flags, ...(kernelFlags.get(file) ?? [])]) {
      if (!given.includes(flag)) offences.push(`${file} was compiled without ${flag}`)
    }
    for (const flag of given) {
      const optimises = flag.startsWith('-O') && flag !== '-O3'
      const standard = flag.startsWith('-std=') && flag !== '-std=c++20'
      if (optimises || standard || /^-fno-(exceptions|rtti)$|^-ffast-math$|^-march=/.test(flag)) {
        offences.push(`${file} was compiled with ${flag}`)
      }
    }
  }
  check(`${build.folder}: ${looked} sources were compiled with the flags of native/sources.json`, offences)
}

/** Negative, zero or positive, as `2.4` stands to `2.34`. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function checkAddon(path: string, stripped: boolean): void {
  const name = relative(root, path)
  const shown = lines(output('nm', '-D', '--defined-only', path)).map((line) => line.split(' ').at(-1) ?? '')
  const missing = ENTRY_POINTS.filter((symbol) => !shown.includes(symbol)).map((symbol) => `missing: ${symbol}`)
  const extra = shown.filter((symbol) => !ENTRY_POINTS.includes(symbol)).map((symbol) => `also shown: ${symbol}`)
  check(`${name}: shows its two entry points and nothing else`, [...missing, ...extra])

  const tooNew = new Set<string>()
  for (const [, library = '', version = ''] of output('objdump', '-T', path).matchAll(/\b([A-Z]+)_([\d.]+)\b/g)) {
    const newest = NEWEST[library as keyof typeof NEWEST]
    if (newest !== undefined && compareVersions(version, newest) > 0) tooNew.add(`${library}_${version} is needed`)
  }
  const promise = Object.entries(NEWEST).map(([library, version]) => `${library} ${version}`)
  check(`${name}: needs nothing newer than ${promise.join(', ')}`, [...tooNew])

  const dynamic = output('readelf', '-dlW', path)
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, library = '']) => library)
  const offences = needed.filter((library) => !LIBRARIES.test(library)).map((library) => `needs ${library}`)
  if (/\((RPATH|RUNPATH)\)/.test(dynamic)) offences.push('holds a search path for libraries of the machine that built it')
  if (/GNU_STACK.*E\s/.test(dynamic)) offences.push('asks for an executable stack')
  check(`${name}: needs ${needed.join(', ')} alone, by no path of its own`, offences)

  if (stripped) {
    const symbols = lines(output('nm', path).trim())
    check(`${name}: is stripped`, symbols.length === 0 ? [] : [`${symbols.length} symbols`])
  }
}

function checkEverything(): void {
  const gyp = gypBuild()
  const builds = [gyp, cmakeBuild('build-native', '')].filter((build) => build.objects.length > 0)
  if (!builds.includes(gyp)) check('the addon was compiled (npm run compile)', ['build/Release holds no objects'])
  for (const build of builds) {
    checkKernels(build)
    if (process.arch === 'x64') checkBaseline(build)
    checkFlags(build)
  }
  if (process.arch === 'x64') checkDetector(gyp)
  const arm64 = cmakeBuild('build-arm64', 'aarch64-linux-gnu-')
  if (process.arch !== 'arm64' && arm64.objects.length > 0) checkKernels(arm64)
  for (const path of filesBelow('build/Release', '.node')) {
    if (basename(dirname(path)) === 'Release') checkAddon(path, false)
  }
  for (const path of filesBelow(`prebuilds/linux-${process.arch}`, '.node')) checkAddon(path, true)
}

if (process.platform === 'linux') {
  checkEverything()
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
} else {
  console.log('skipped: compiled files are looked at on Linux only')
}
