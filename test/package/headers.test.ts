import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { headersFolder } from '../../scripts/headers.mjs'

const execPath = process.execPath
const environment = { PATH: process.env.PATH, nodedir: process.env.npm_config_nodedir }
let prefix = ''

/** A Node installation: `bin/node`, and its headers where asked for. */
function installation(name: string, headers: boolean): string {
  const folder = join(prefix, name)
  mkdirSync(join(folder, 'bin'), { recursive: true })
  symlinkSync(execPath, join(folder, 'bin/node'))
  if (headers) {
    mkdirSync(join(folder, 'include/node'), { recursive: true })
    writeFileSync(join(folder, 'include/node/node_api.h'), '')
  }
  return folder
}

test.before.each(() => {
  prefix = realpathSync(mkdtempSync(join(tmpdir(), 'anyvec-headers-')))
  Reflect.deleteProperty(process.env, 'npm_config_nodedir')
  process.env.PATH = ''
})
test.after.each(() => {
  process.execPath = execPath
  process.env.PATH = environment.PATH
  if (environment.nodedir !== undefined) process.env.npm_config_nodedir = environment.nodedir
  rmSync(prefix, { recursive: true })
})

test("headers are found beside the Node that runs, before those of PATH's Node", () => {
  const running = installation('running', true)
  const onPath = installation('path', true)
  process.execPath = join(running, 'bin/node')
  process.env.PATH = join(onPath, 'bin')
  assert.is(headersFolder(), running)
})

test("headers are found beside PATH's Node where the one that runs has none", () => {
  process.execPath = join(installation('running', false), 'bin/node')
  const onPath = installation('path', true)
  process.env.PATH = [dirname(prefix), join(onPath, 'bin')].join(':')
  assert.is(headersFolder(), onPath)
})

test('without headers the tools are left to download them', () => {
  process.execPath = join(installation('running', false), 'bin/node')
  process.env.PATH = join(installation('path', false), 'bin')
  assert.is(headersFolder(), undefined)
})

test("a user's own nodedir comes first", () => {
  process.execPath = join(installation('running', true), 'bin/node')
  process.env.npm_config_nodedir = '/somewhere/else'
  assert.is(headersFolder(), '/somewhere/else')
  Reflect.deleteProperty(process.env, 'npm_config_nodedir')
})

test.run()
