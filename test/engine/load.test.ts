import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type EngineChoice, engine } from '../../lib/engine/load.js'
import { ENGINES } from '../engines.js'
import { rejection } from '../rejection.js'
import { folder } from '../temporary.js'

/** Runs a program where there is no addon to load. */
function withoutAddon(program: string): { stdout: string; stderr: string; status: number | null } {
  const load = new URL('../../lib/engine/load.ts', import.meta.url).href
  return spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', program.replace('LOAD', load)],
    {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, ANYVEC_PREBUILD: mkdtempSync(join(folder, 'nothing-')) },
      encoding: 'utf8',
    },
  )
}

test('an engine is loaded once', () => {
  for (const name of ENGINES) {
    assert.is(engine(name), engine(name))
    assert.is(engine(name).name, name)
  }
  if (ENGINES.includes('native')) assert.is(engine('auto'), engine('native'))
})

test('an unknown engine is an error that names the known ones', async () => {
  for (const choice of ['gpu', '', undefined, null, 7]) {
    await rejection(() => engine(choice as EngineChoice), 'ERR_ANYVEC_OPTION', /'auto', 'native', 'portable'/)
  }
})

test('where the addon cannot load, native is an error and auto is portable with one warning', () => {
  const { stdout, stderr, status } = withoutAddon(`
    import { engine } from 'LOAD'
    try { engine('native') } catch (error) { console.log(error.code) }
    console.log(engine('auto').name, engine('auto') === engine('portable'))
    try { engine('native') } catch (error) { console.log(error.code) }
  `)
  assert.is(status, 0, stderr)
  assert.equal(stdout.trim().split('\n'), ['ERR_ANYVEC_ENGINE', 'portable true', 'ERR_ANYVEC_ENGINE'])
  assert.is(stderr.match(/ANYVEC_PORTABLE_ENGINE/g)?.length, 1, stderr)
  assert.match(stderr, /Reason: /)
})

test('who asks for the portable engine is not warned', () => {
  const { stdout, stderr } = withoutAddon(`
    import { engine } from 'LOAD'
    console.log(engine('portable').name, engine('portable').isa)
  `)
  assert.is(stdout.trim(), 'portable javascript')
  assert.not.match(stderr, /AnyvecWarning/)
})

test.run()
