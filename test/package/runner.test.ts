import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const imports = "import { test } from 'uvu'\nimport * as assert from 'uvu/assert'\n"
let folder = ''

/** Runs a copy of the runner over test files of our own. */
function runner(
  files: Readonly<Record<string, string>>,
  { patterns = [], timeout = 60 }: { readonly patterns?: readonly string[]; readonly timeout?: number } = {},
) {
  for (const [name, body] of Object.entries(files)) writeFileSync(join(folder, 'test', name), imports + body)
  const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', 'test/run.ts', ...patterns], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ANYVEC_TEST_TIMEOUT: String(timeout) },
  })
  return { status, stdout, last: stdout.trim().split('\n').at(-1) }
}

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'anyvec-runner-'))
  mkdirSync(join(folder, 'test'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  copyFileSync(join(root, 'test/run.ts'), join(folder, 'test/run.ts'))
})
test.after.each(() => rmSync(folder, { recursive: true }))

test('counts what passed and was skipped', () => {
  const { status, last } = runner({
    'a.test.ts': "test('one', () => {})\ntest('two', () => {})\ntest.run()\n",
    'b.test.ts': "test('three', () => {})\ntest.skip('four', () => {})\ntest.run()\n",
  })
  assert.is(last, '3 passed, 0 failed, 1 skipped')
  assert.is(status, 0)
})

test('a failed test fails the run and shows why', () => {
  const { status, last, stdout } = runner({
    'a.test.ts': "test('one', () => {})\ntest('two', () => assert.is(1, 2))\ntest.run()\n",
  })
  assert.is(last, '1 passed, 1 failed')
  assert.match(stdout, 'FAIL test/a.test.ts')
  assert.is(status, 1)
})

test('a file that forgets to run its tests fails', () => {
  const { status, last } = runner({
    'good.test.ts': "test('one', () => {})\ntest.run()\n",
    'forgets.test.ts': "test('two', () => assert.is(1, 2))\n",
  })
  assert.is(last, '1 passed, 1 failed')
  assert.is(status, 1)
})

test('a crash fails its own file and no other', () => {
  const { status, last, stdout } = runner({
    'good.test.ts': "test('one', () => {})\ntest.run()\n",
    'crash.test.ts': "test('two', () => process.abort())\ntest.run()\n",
  })
  assert.is(last, '1 passed, 1 failed')
  assert.match(stdout, 'ended by SIGABRT')
  assert.is(status, 1)
})

test('a file that never ends is ended and fails', () => {
  const { status, last, stdout } = runner(
    { 'hang.test.ts': "test('one', () => { for (;;); })\ntest.run()\n" },
    { timeout: 3 },
  )
  assert.is(last, '0 passed, 1 failed')
  assert.match(stdout, 'took longer than 3 s')
  assert.is(status, 1)
})

test('a pattern that matches nothing fails', () => {
  const { status, last } = runner(
    { 'a.test.ts': "test('one', () => {})\ntest.run()\n" },
    { patterns: ['nothing-like-this'] },
  )
  assert.is(last, '0 passed, 0 failed')
  assert.is(status, 1)
})

test.run()
