/** Files written whole or not at all, and opened with errors that say what to do. */

import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { AnyvecError } from '../errors.js'

/** One write call takes at most this many bytes: Linux stops at 2 GiB, Node before that on some systems. */
const WRITE_BYTES = 2 ** 28

/** Where a writer puts its bytes. */
export interface OutputFile {
  write(bytes: Uint8Array): Promise<void>
}

/**
 * Writes a file through `fill`: to a temporary file beside it, flushed to the disk, then renamed over the old one. Whatever
 * fails, the old file is as it was and the temporary one is gone. A symbolic link stays one; the file it names is replaced.
 *
 * Errors: ERR_ANYVEC_OUTPUT where the system refuses; whatever else `fill` throws.
 */
export async function writeWhole(path: string, fill: (output: OutputFile) => Promise<void>): Promise<void> {
  const target = await checkTarget(path)
  const temporary = join(
    dirname(target.path),
    `.${basename(target.path)}.${randomBytes(6).toString('hex')}.tmp`,
  )
  let handle: FileHandle | undefined
  try {
    handle = await open(temporary, 'wx', target.mode)
    // `open` takes the umask away from the mode of the old file
    if (target.mode !== undefined) await handle.chmod(target.mode)
    await fill(outputTo(handle))
    await handle.sync()
    await handle.close()
    await rename(temporary, target.path)
  } catch (error) {
    if (handle !== undefined) {
      await handle.close().catch(() => undefined)
      await unlink(temporary).catch(() => undefined)
    }
    throw isSystemError(error) ? cannotWrite(path, systemReason(error), error) : error
  }
  await syncFolder(dirname(target.path))
}

/**
 * Checks that `writeWhole` could write a file: to be asked before hours of work, not after.
 * Errors: ERR_ANYVEC_OUTPUT.
 */
export async function checkTarget(
  path: string,
): Promise<{ readonly path: string; readonly mode: number | undefined }> {
  if (typeof path !== 'string' || path === '') {
    throw new AnyvecError('ERR_ANYVEC_USAGE', 'Expected the path of the file to write', { path })
  }
  if (path.includes('\0')) throw cannotWrite(path, 'its path holds a NUL')
  let target = resolve(path)
  let mode: number | undefined
  try {
    const old = await stat(target)
    if (old.isDirectory()) throw cannotWrite(path, 'it is a folder')
    if (!old.isFile()) throw cannotWrite(path, 'it is no regular file')
    mode = old.mode & 0o777
    target = await realpath(target)
    await access(target, constants.W_OK)
  } catch (error) {
    if (!isSystemError(error)) throw error
    if (error.code !== 'ENOENT') throw cannotWrite(path, systemReason(error), error)
  }
  const folder = dirname(target)
  try {
    if (!(await stat(folder)).isDirectory()) throw cannotWrite(path, `${folder} is no folder`)
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    if (!isSystemError(error)) throw error
    const reason =
      error.code === 'ENOENT' ? `there is no folder ${folder}; make it first` : systemReason(error)
    throw cannotWrite(path, reason, error)
  }
  return { path: target, mode }
}

/** The size of a regular file. Errors: ERR_ANYVEC_FILE for a missing file, a folder, a device. */
export async function inputSize(path: string): Promise<number> {
  if (typeof path !== 'string' || path === '') {
    throw new AnyvecError('ERR_ANYVEC_USAGE', 'Expected the path of a file', { path })
  }
  if (path.includes('\0')) throw cannotRead(path, 'its path holds a NUL')
  try {
    const found = await stat(path)
    if (found.isDirectory()) throw cannotRead(path, 'it is a folder')
    if (!found.isFile()) throw cannotRead(path, 'it is no regular file')
    await access(path, constants.R_OK)
    return found.size
  } catch (error) {
    throw isSystemError(error) ? cannotRead(path, systemReason(error), error) : error
  }
}

export function cannotRead(path: string, reason: string, cause?: unknown): AnyvecError {
  return new AnyvecError('ERR_ANYVEC_FILE', `Cannot read ${path}: ${reason}`, { path }, cause)
}

function cannotWrite(path: string, reason: string, cause?: unknown): AnyvecError {
  return new AnyvecError('ERR_ANYVEC_OUTPUT', `Cannot write ${path}: ${reason}`, { path }, cause)
}

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && !(error instanceof AnyvecError) && 'syscall' in error
}

/** What the system said, in words. */
export function systemReason(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'ENOTDIR':
      return 'a part of its path is no folder'
    case 'EISDIR':
      return 'it is a folder'
    case 'EACCES':
    case 'EPERM':
      return 'permission is denied'
    case 'EROFS':
      return 'its file system is read-only'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full'
    case 'ENAMETOOLONG':
      return 'its name is too long'
    case 'ELOOP':
      return 'its symbolic links form a circle'
    default:
      return error.message
  }
}

function outputTo(handle: FileHandle): OutputFile {
  return {
    async write(bytes) {
      let done = 0
      while (done < bytes.length) {
        // a write may take less than it was given, for example on a disk that fills up
        const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.length - done, WRITE_BYTES))
        done += bytesWritten
      }
    },
  }
}

/** Without this the rename itself may be lost with the power; Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  let handle: FileHandle | undefined
  try {
    handle = await open(folder, 'r')
    await handle.sync()
  } catch {
    // some network file systems refuse: the file itself is complete and in place
  } finally {
    await handle?.close()
  }
}
