/** Text that is compressed with gzip, decompressed on the way. */

import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import type { Corpus, Hooks, ReadProgress } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import { cannotRead, isSystemError, systemReason } from '../formats/file.js'
import { abandonable, BlockWriter } from './block-writer.js'

/** Bytes a read, and bytes a decompressed chunk. */
const CHUNK = 2 ** 20

/** Whether a file's first bytes are those of gzip, whatever its name. Errors: ERR_ANYVEC_FILE. */
export async function isGzip(path: string): Promise<boolean> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    const { bytesRead, buffer } = await handle.read(new Uint8Array(3), 0, 3, 0)
    // deflate (8) is the only method there has ever been
    return bytesRead === 3 && buffer[0] === 0x1f && buffer[1] === 0x8b && buffer[2] === 8
  } catch (error) {
    throw isSystemError(error) ? cannotRead(path, systemReason(error), error) : error
  } finally {
    await handle?.close()
  }
}

/**
 * Reads a compressed file of one or several members. Progress counts its compressed bytes: the others are not known yet.
 * Errors: ERR_ANYVEC_FILE; ERR_ANYVEC_FORMAT where the compressed data are damaged or cut off; whatever the corpus raises.
 */
export async function readGzip(
  corpus: Corpus,
  path: string,
  size: number,
  { onProgress, signal }: Hooks<ReadProgress>,
): Promise<void> {
  const file = createReadStream(path, { highWaterMark: CHUNK })
  const text = createGunzip({ chunkSize: CHUNK })
  const writer = new BlockWriter(corpus, path, { onProgress, signal }, () => ({
    bytes: Math.min(file.bytesRead, size),
    totalBytes: size,
  }))
  file.on('error', (error) => text.destroy(error))
  file.pipe(text)
  try {
    await abandonable(signal, writer, async () => {
      for await (const chunk of text) await writer.write(chunk as Uint8Array)
      await writer.end()
    })
  } catch (error) {
    if (isZlibError(error)) {
      throw new AnyvecError(
        'ERR_ANYVEC_FORMAT',
        `${path} is damaged: its compressed data cannot be read past byte ${text.bytesWritten} of ${size} (${error.message})`,
        { path, offset: text.bytesWritten },
        error,
      )
    }
    throw isSystemError(error) ? cannotRead(path, systemReason(error), error) : error
  } finally {
    text.destroy()
    file.destroy()
  }
}

function isZlibError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
