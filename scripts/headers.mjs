import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

/**
 * The folder to give node-gyp and cmake-js as `nodedir`, so that they need no network: `include/node` beside the Node
 * that runs this, or beside the one on PATH (they differ where that one is a link). A user's own choice comes first.
 *
 * @returns {string | undefined} undefined where no headers are installed, and the tools must download them
 */
export function headersFolder() {
  if (process.env.npm_config_nodedir) return process.env.npm_config_nodedir
  const onPath = (process.env.PATH ?? '').split(delimiter).find((folder) => existsSync(join(folder, 'node')))
  return [dirname(process.execPath), ...(onPath ? [onPath] : [])]
    .map((folder) => dirname(folder))
    .find((prefix) => existsSync(join(prefix, 'include', 'node', 'node_api.h')))
}
