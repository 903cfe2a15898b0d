// Prints one list on one line, for the command expansions of binding.gyp. What is compiled, and how, stands in
// native/sources.json:
//   node scripts/sources.mjs core | addon | flags | msvcFlags | warnings | addonDefines
//   node scripts/sources.mjs kernel NAME file | flags | msvcFlags
//   node scripts/sources.mjs usearch           the folder of usearch's headers, from the repository's root
//   node scripts/sources.mjs nodeAddonApi      the folder of node-addon-api's headers, from the repository's root

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const sources = JSON.parse(readFileSync(new URL('../native/sources.json', import.meta.url), 'utf8'))
const [list = '', name, part = ''] = process.argv.slice(2)

/** gyp wants paths from the repository's root; the list holds them from native/, as CMake wants them. */
const fromRoot = (/** @type {string} */ file) => `native/${file}`

/** @returns {string[]} */
function select() {
  if (list === 'kernel') {
    const kernel = sources.kernels.find((/** @type {{ name: string }} */ each) => each.name === name)
    if (!kernel) throw new Error(`native/sources.json has no kernel named ${name}`)
    return part === 'file' ? [fromRoot(kernel.file)] : kernel[part]
  }
  if (list === 'nodeAddonApi') {
    // `npx anyvec-build` found it outside the package and says where.
    const given = process.env.ANYVEC_NODE_ADDON_API
    const folder = given ?? dirname(createRequire(import.meta.url).resolve('node-addon-api/package.json'))
    // Relative, because make takes no path with spaces, and those are mostly in the folders above.
    return [relative(fileURLToPath(new URL('..', import.meta.url)), folder)]
  }
  if (list === 'usearch') {
    // The package exports no package.json; its main file stands in javascript/dist/cjs/.
    const given = process.env.ANYVEC_USEARCH
    const folder = given ?? join(dirname(createRequire(import.meta.url).resolve('usearch')), '..', '..', '..')
    return [relative(fileURLToPath(new URL('..', import.meta.url)), join(folder, 'include'))]
  }
  if (list === 'core' || list === 'addon') return sources[list].map(fromRoot)
  if (list === 'warnings' && process.env.ANYVEC_WERROR) return [...sources.warnings, '-Werror']
  return sources[list]
}

const selected = select()
if (!Array.isArray(selected)) {
  throw new Error(`native/sources.json has no list ${process.argv.slice(2).join(' ')}`)
}
process.stdout.write(selected.join(' '))
