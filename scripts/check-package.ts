/**
 * `npm run check:package`: packs anyvec and lives through what a user does with the package.
 *
 * The tarball is installed in an empty folder with an empty home and npm cache, no network and nothing but `node` on
 * PATH: it must say nothing, run nothing, and work from its prebuilt binary, by import, by require, in workers, on the
 * command line and for TypeScript. Then its binary is taken away: the portable engine must take over, and
 * `anyvec-build` must compile the addon from what the package holds. Last, npm 12 installs it (fetched; skipped where
 * that fails), on a newer Node where npm 12 asks for one.
 *
 * The last line is `N passed, N failed`.
 */

import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
// A real path, as Node's own messages and reports have it.
const work = realpathSync(mkdtempSync(join(tmpdir(), 'anyvec-package-')))
const npmCli = process.env.npm_execpath ?? join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js')
const suffix = process.platform === 'win32' ? '.cmd' : ''

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
}
interface Answer {
  readonly engine: string
  readonly isa: string
  readonly neighbours: readonly string[]
  readonly addons: readonly string[]
}

let passed = 0
let failed = 0

/** One check; a throw inside is its failure. */
function check(title: string, body: () => void): void {
  try {
    body()
    passed += 1
    console.log(`  ok ${title}`)
  } catch (error) {
    failed += 1
    console.log(`FAIL ${title}\n${String(error instanceof Error ? error.message : error).replace(/^/gm, '     | ')}`)
  }
}

function expect(truth: boolean, message: string): void {
  if (!truth) throw new Error(message)
}

const readManifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  environment: NodeJS.ProcessEnv,
): SpawnSyncReturns<string> {
  const result = spawnSync(command, args, { cwd, env: environment, encoding: 'utf8', timeout: 300_000 })
  if (result.error) throw new Error(`${command} ${args.join(' ')}: ${result.error.message}`)
  return result
}

/** Runs a program that must succeed and say nothing on stderr. */
function quietly(command: string, args: readonly string[], cwd: string, environment: NodeJS.ProcessEnv): string {
  const { status, signal, stdout, stderr } = run(command, args, cwd, environment)
  expect(status === 0 && stderr === '', `${command} ${args.join(' ')}: ${status ?? signal}\n${stdout}${stderr}`)
  return stdout
}

/** The environment of somebody who has Node and nothing else, not even a compiler. */
function emptyEnvironment(name: string, node: string): NodeJS.ProcessEnv {
  const home = join(work, `${name}-home`)
  const path = join(work, `${name}-path`)
  for (const folder of [home, path]) mkdirSync(folder, { recursive: true })
  if (process.platform === 'win32') return { PATH: dirname(node), USERPROFILE: home, APPDATA: home, TEMP: work }
  symlinkSync(node, join(path, 'node'))
  return {
    PATH: path,
    HOME: home,
    TMPDIR: work,
    npm_config_cache: join(home, 'cache'),
    // Files that do not exist: no setting of this machine's shall help.
    npm_config_userconfig: join(home, 'no-user-npmrc'),
    npm_config_globalconfig: join(home, 'no-global-npmrc'),
    npm_config_update_notifier: 'false',
  }
}

/** Tarballs of anyvec and of everything it needs, so that the installation needs no registry. */
function pack(): string[] {
  const tarballs = join(work, 'tarballs')
  mkdirSync(tarballs)
  const waiting = [root]
  const packed = new Set<string>()
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    if (packed.has(folder)) continue
    packed.add(folder)
    const scripts = folder === root ? [] : ['--ignore-scripts']
    const args = [npmCli, 'pack', '--silent', '--pack-destination', tarballs, ...scripts, folder]
    const { status, stdout, stderr } = run(process.execPath, args, root, process.env)
    expect(status === 0, `npm pack ${folder}: ${status}\n${stdout}${stderr}`)
    for (const name of Object.keys(readManifest(folder).dependencies ?? {})) {
      waiting.push(join(root, 'node_modules', name))
    }
  }
  return readdirSync(tarballs).map((file) => join(tarballs, file))
}

/** A folder of a user's, with the package installed by the given npm. */
function install(name: string, npm: string, tarballs: readonly string[], environment: NodeJS.ProcessEnv): string {
  const folder = join(work, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const args = [npm, 'install', '--offline', ...tarballs]
  const node = join(environment.PATH ?? '', process.platform === 'win32' ? 'node.exe' : 'node')
  const said = quietly(node, args, folder, environment)
  const expected = new RegExp(`^\\s*added ${tarballs.length} packages\\b.*(\\s+found 0 vulnerabilities)?\\s*$`)
  expect(expected.test(said), `npm said more than what it added:\n${said}`)
  cpSync(join(root, 'test/package/consumer'), folder, { recursive: true })
  writeFileSync(join(folder, 'corpus.txt'), corpus())
  return folder
}

/** Fruits keep company with fruits and metals with metals, so right neighbours are known. */
function corpus(): string {
  let state = 1
  const next = (below: number) => {
    state = (state * 48271) % 2147483647
    return state % below
  }
  const line = (kind: string) => Array.from({ length: 8 }, () => `${kind}${next(10)}`).join(' ')
  return Array.from({ length: 3000 }, (_, i) => `${line(i % 2 === 0 ? 'fruit' : 'metal')}\n`).join('')
}

function checkContents(installed: string): void {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).map((file) => file.split(sep).join('/'))
  const sources = JSON.parse(readFileSync(join(root, 'native/sources.json'), 'utf8')) as {
    readonly core: readonly string[]
    readonly addon: readonly string[]
    readonly kernels: readonly { readonly file: string }[]
  }
  const compiled = [...sources.core, ...sources.addon, ...sources.kernels.map(({ file }) => file)]
  const needed = ['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'binding.gyp']
  check('the package holds what it is run and compiled from', () => {
    const missing = [...needed, ...compiled.map((file) => `native/${file}`)].filter((file) => !files.includes(file))
    expect(missing.length === 0, `missing: ${missing.join(', ')}`)
    const own = new RegExp(`^prebuilds/${process.platform}-${process.arch}/anyvec\\..*node$`)
    expect(files.some((file) => own.test(file)), 'missing: the binary of this platform')
  })
  check('the package holds nothing else', () => {
    const known = /^(package\.json|README\.md|LICENSE|binding\.gyp|(dist|prebuilds|native|scripts)(\/.*)?)$/
    const unwanted = /^native\/(tests|fuzz)|\.tsbuildinfo$|\.(o|ts)$/
    const extra = files.filter((file) => !known.test(file) || (unwanted.test(file) && !file.endsWith('.d.ts')))
    expect(extra.length === 0, `also there: ${extra.join(', ')}`)
  })
}

function expectFruits(neighbours: readonly string[]): void {
  const right = neighbours.length === 5 && neighbours.every((key) => /^fruit[1-9]$/.test(key))
  expect(right, `the neighbours of fruit0 are ${neighbours.join(', ')}`)
}

/** Trains through the package; the one addon that was loaded must be `binary`, given from the package's folder. */
function checkImport(folder: string, environment: NodeJS.ProcessEnv, node: string, binary: string): void {
  const args = ['train.mjs', 'corpus.txt', 'model.safetensors']
  const answer = JSON.parse(quietly(node, args, folder, environment)) as Answer
  expect(answer.engine === 'native', `the engine was ${answer.engine}`)
  expectFruits(answer.neighbours)
  const start = join(folder, 'node_modules/anyvec', binary) + sep
  const fromPackage = answer.addons.length === 1 && answer.addons[0].startsWith(start)
  expect(fromPackage, `loaded ${answer.addons.join(', ') || 'no addon'}, not one from ${start}`)
}

function checkUse(folder: string, environment: NodeJS.ProcessEnv): void {
  const node = process.execPath
  check('import: trains, saves, opens and answers with the prebuilt addon, silently', () => {
    checkImport(folder, environment, node, `prebuilds/${process.platform}-${process.arch}`)
  })
  check('require: trains and answers', () => {
    // Node 20 calls require of a module experimental.
    const args = ['--disable-warning=ExperimentalWarning', 'require.cjs', 'corpus.txt']
    expectFruits((JSON.parse(quietly(node, args, folder, environment)) as Answer).neighbours)
  })
  check('workers: train side by side, and one that is terminated takes nothing with it', () => {
    const said = quietly(node, ['workers.mjs', 'corpus.txt'], folder, environment)
    const answer = JSON.parse(said) as { same: boolean; codes: number[]; terminated: number; after: boolean }
    const good = answer.same && answer.after && answer.codes.every((code) => code === 0)
    expect(good && answer.codes.length === 4 && answer.terminated > 0, said)
  })
  check('command line: trains and answers', () => {
    const command = join(folder, 'node_modules/.bin', `anyvec${suffix}`)
    const options = ['--dimensions', '16', '--min-count', '1', '--subsample', '0', '--engine', 'native', '--json']
    const trainArgs = ['train', 'corpus.txt', '--output', 'cli.safetensors', ...options]
    const trained = run(command, trainArgs, folder, environment)
    expect(trained.status === 0, `anyvec train: ${trained.status}\n${trained.stderr}`)
    expect((JSON.parse(trained.stdout) as Answer).engine === 'native', trained.stdout)
    const answer = quietly(command, ['nearest', 'cli.safetensors', 'fruit0', '--k', '5'], folder, environment)
    const keys = answer.trim().split('\n').map((line) => line.split(/\s/, 1)[0])
    expectFruits(keys)
  })
  check('TypeScript: the types are found and say what is right and wrong', () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    // As if the user had installed @types/node.
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', ...types]
    const said = run(node, [tsc, ...options, 'types.ts'], folder, environment)
    expect(said.status === 0, said.stdout)
  })
}

/** What happens on a platform that the package has no binary for. */
function checkWithoutBinary(folder: string, environment: NodeJS.ProcessEnv): void {
  const node = process.execPath
  const installed = join(folder, 'node_modules/anyvec')
  renameSync(join(installed, 'prebuilds'), join(installed, 'prebuilds-away'))
  check('without a binary the portable engine trains, and says so once', () => {
    const args = ['train.mjs', 'corpus.txt', 'portable.safetensors', 'auto']
    const { status, stdout, stderr } = run(node, args, folder, environment)
    expect(status === 0, `${status}\n${stderr}`)
    const answer = JSON.parse(stdout) as Answer
    expect(answer.engine === 'portable' && answer.addons.length === 0, stdout)
    expectFruits(answer.neighbours)
    expect(stderr.split('ANYVEC_PORTABLE_ENGINE').length === 2, `not one warning:\n${stderr}`)
  })
  check("without a binary engine: 'native' is a typed error", () => {
    const { status, stderr } = run(node, ['train.mjs', 'corpus.txt', 'none.safetensors'], folder, environment)
    expect(status === 1 && stderr.includes('ERR_ANYVEC_ENGINE'), `${status}\n${stderr}`)
  })
  check('anyvec-build compiles the addon from the package', () => {
    // The tools that `npm exec` would fetch for a user, and this machine's compiler.
    const tools = [join(root, 'node_modules/.bin'), process.env.PATH ?? ''].join(delimiter)
    const command = join(installed, 'scripts/addon.mjs')
    const { status, stdout, stderr } = run(node, [command], folder, { ...environment, PATH: tools })
    expect(status === 0, `${status}\n${stdout}${stderr}`)
    checkImport(folder, environment, node, 'build/Release')
  })
}

/** npm 12 and, where this Node is too old for it, a newer Node; undefined where they cannot be fetched. */
function fetchNewest(): { readonly npm: string; readonly node: string } | undefined {
  const folder = join(work, 'newest')
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const newEnough = (major === 22 && minor >= 22) || (major === 24 && minor >= 15) || major >= 26
  const packages = ['npm@12', ...(newEnough ? [] : ['node@24'])]
  const options = ['--no-audit', '--no-fund', '--fetch-retries=0', '--loglevel=error']
  const { status, stderr } = run(process.execPath, [npmCli, 'install', ...options, ...packages], folder, process.env)
  const npm = join(folder, 'node_modules/npm/bin/npm-cli.js')
  const node = newEnough ? process.execPath : join(folder, 'node_modules/node/bin/node')
  if (status === 0 && existsSync(npm) && existsSync(node)) return { npm, node: realpathSync(node) }
  console.log(`skipped: npm 12; ${packages.join(' and ')} could not be fetched: ${stderr.trim().split('\n')[0]}`)
  return undefined
}

function checkNewest(tarballs: readonly string[]): void {
  const newest = fetchNewest()
  if (newest === undefined) return
  const environment = emptyEnvironment('npm12', newest.node)
  const version = (args: string[]) => run(newest.node, args, work, environment).stdout.trim()
  const title = `npm ${version([newest.npm, '--version'])} on Node ${version(['--version'])}`
  check(`${title}: installs silently and works with the prebuilt addon`, () => {
    const folder = install('npm12', newest.npm, tarballs, environment)
    checkImport(folder, environment, newest.node, `prebuilds/${process.platform}-${process.arch}`)
  })
}

try {
  const tarballs: string[] = []
  check('npm pack: compiles and packs', () => {
    tarballs.push(...pack())
  })
  if (tarballs.length > 0) {
    const environment = emptyEnvironment('user', process.execPath)
    let folder = ''
    const version = run(process.execPath, [npmCli, '--version'], work, environment).stdout.trim()
    check(`npm ${version} on Node ${process.version}: installs silently, without network or compiler`, () => {
      folder = install('user', npmCli, tarballs, environment)
    })
    if (folder !== '') {
      checkContents(join(folder, 'node_modules/anyvec'))
      checkUse(folder, environment)
      checkWithoutBinary(folder, environment)
      checkNewest(tarballs)
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
