/** Files for reading: whole in memory, or opened and checked. */

import { constants, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { getSystemErrorMap } from 'node:util'
import { AnyvecError } from '../../errors.js'
import type { MappedFile } from '../engine.js'
import { reserve } from './memory.js'

/** 'no such file or directory' and the like; the error's own message where the system gave none. */
export function systemMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { errno } = error as NodeJS.ErrnoException
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? error.message
}

export function fileError(path: string, what: string, cause?: unknown): AnyvecError {
  return new AnyvecError('ERR_ANYVEC_FILE', `cannot read ${path}: ${what}`, { path }, cause)
}

/** Opens a regular file, hands it to `use`, and closes it whatever happens. */
export async function withFile<T>(
  path: string,
  use: (handle: FileHandle, status: Stats) => Promise<T>,
): Promise<T> {
  let handle: FileHandle
  try {
    // Without O_NONBLOCK, opening a FIFO would wait for a writer. Windows has no such flag and no FIFOs.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (cause) {
    throw fileError(path, systemMessage(cause), cause)
  }
  try {
    const status = await handle.stat()
    if (status.isDirectory()) throw fileError(path, 'it is a directory')
    if (!status.isFile()) throw fileError(path, 'it is not a regular file')
    return await use(handle, status)
  } finally {
    await handle.close()
  }
}

/** Fills `target` from the file's current position; fewer bytes than asked for only at the end of the file. */
export async function readInto(handle: FileHandle, target: Uint8Array, path: string): Promise<number> {
  let filled = 0
  while (filled < target.length) {
    let bytesRead: number
    try {
      ;({ bytesRead } = await handle.read(target, filled, Math.min(target.length - filled, 1 << 26)))
    } catch (cause) {
      throw fileError(path, systemMessage(cause), cause)
    }
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

/** The whole file in memory of our own: JavaScript cannot map files. */
export async function readWhole(path: string): Promise<MappedFile> {
  return withFile(path, async (handle, { size }) => {
    const bytes = reserve(size, path, () => new Uint8Array(size))
    const filled = await readInto(handle, bytes, path)
    // A file that shrank meanwhile is as long as what could be read of it.
    return { path, bytes: filled === size ? bytes : bytes.slice(0, filled) }
  })
}
