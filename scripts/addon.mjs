#!/usr/bin/env node
// Compiles the native addon with node-gyp: `npm run compile` in a clone, `npx anyvec-build` where anyvec is installed
// and no prebuilt binary fits the machine. Plain JavaScript, because an installed package has no TypeScript loader.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { headersFolder } from './headers.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const binary = join(root, 'build', 'Release', 'anyvec.node')
const stamp = join(root, 'build', 'anyvec.configured')

/**
 * A development dependency: in a clone it is installed, else `npm exec` put it in front of PATH.
 * @param {string} name
 * @returns {string | undefined} its folder
 */
function packageFolder(name) {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
  } catch {
    const beside = (createRequire(import.meta.url).resolve.paths(name) ?? []).map((folder) =>
      join(folder, name),
    )
    const folders = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, '..', name))
    return [...beside, ...folders].find((folder) => existsSync(join(folder, 'package.json')))
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 */
const works = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** @returns {string[]} what must be installed before anything can be compiled */
function missingTools() {
  if (process.platform === 'win32') return []
  const missing = []
  const compilers = process.env.CXX ? [process.env.CXX] : ['g++', 'c++', 'clang++']
  if (!compilers.some((compiler) => works('sh', ['-c', `${compiler} --version`]))) {
    missing.push(`a C++20 compiler (tried ${compilers.join(', ')})`)
  }
  const make = process.env.MAKE ?? 'make'
  if (!works(make, ['--version'])) missing.push(make)
  const pythons = [process.env.npm_config_python, process.env.PYTHON, 'python3', 'python']
  if (!pythons.some((python) => python && works(python, ['--version']))) missing.push('Python 3')
  return missing
}

/** Node's own headers where they are installed; node-gyp would download them otherwise. */
function headers() {
  const folder = headersFolder()
  return folder ? [`--nodedir=${folder}`] : []
}

/** Changes whenever the build must be configured anew. */
function fingerprint() {
  const hash = createHash('sha256')
  for (const file of ['binding.gyp', 'native/sources.json', 'native/exports.map', 'scripts/sources.mjs']) {
    hash.update(readFileSync(join(root, file)))
  }
  const { CXX, CXXFLAGS, LDFLAGS, ANYVEC_WERROR } = process.env
  hash.update(
    JSON.stringify([root, process.version, process.arch, headers(), CXX, CXXFLAGS, LDFLAGS, ANYVEC_WERROR]),
  )
  return hash.digest('hex')
}

/** @param {string} message @returns {never} */
function stop(message) {
  process.stderr.write(`anyvec: ${message}\n`)
  process.exit(1)
}

const nodeGyp = packageFolder('node-gyp')
const nodeAddonApi = packageFolder('node-addon-api')
// Its C++ headers alone are used.
const usearch = packageFolder('usearch')

if (!nodeGyp || !nodeAddonApi || !usearch) {
  if (process.env.ANYVEC_BUILD_TOOLS)
    stop('npm installed node-gyp, node-addon-api and usearch, but they cannot be found')
  const packages = ['--package=node-gyp@12', '--package=node-addon-api@8', '--package=usearch@2.25.3']
  const again = spawnSync(
    'npm',
    ['exec', '--yes', '--ignore-scripts', ...packages, '--', 'node', fileURLToPath(import.meta.url)],
    {
      stdio: 'inherit',
      shell: process.platform === 'win32',
      env: { ...process.env, ANYVEC_BUILD_TOOLS: '1' },
    },
  )
  process.exit(again.status ?? 1)
}

const missing = missingTools()
if (missing.length > 0) {
  stop(
    `the native addon cannot be compiled: ${missing.join(' and ')} not found.\n` +
      '  Debian, Ubuntu: apt-get install g++ make python3; Fedora: dnf install gcc-c++ make python3;\n' +
      '  Alpine: apk add g++ make python3; macOS: xcode-select --install.',
  )
}

const mark = fingerprint()
const configured = existsSync(stamp) && readFileSync(stamp, 'utf8') === mark
const first = !existsSync(binary)
if (first) process.stderr.write('compiling the native addon (once; about a minute)\n')

const steps = configured ? ['build'] : ['configure', 'build']
for (const step of steps) {
  const args = [join(nodeGyp, 'bin', 'node-gyp.js'), step, '--release', '--loglevel=error', ...headers()]
  if (step === 'build') args.push('--jobs=max')
  const run = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    // make's list of commands is shown only after a failure, the compiler's warnings always.
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
    env: { ...process.env, ANYVEC_NODE_ADDON_API: nodeAddonApi, ANYVEC_USEARCH: usearch },
  })
  if (run.status !== 0) {
    process.stderr.write(run.stdout ?? '')
    stop(`the native addon could not be compiled: node-gyp ${step} failed, see above.`)
  }
  if (step === 'configure') writeFileSync(stamp, mark)
}
if (!existsSync(binary)) stop(`node-gyp left no ${binary}`)
if (process.env.ANYVEC_BUILD_TOOLS) process.stderr.write(`anyvec: built ${binary}\n`)
