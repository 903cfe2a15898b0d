/** Text that is compressed with gzip or zstd, decompressed on the way: one thread decompresses while others count. */

import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import type { Hooks, ReadProgress } from '../engine/engine.js'
import { AnyvecError } from '../errors.js'
import { cannotRead, isSystemError, systemReason } from '../formats/file.js'
import { abandonable, type BlockTaker, BlockWriter } from './block-writer.js'

export type Compression = 'gzip' | 'zstd'

/** Bytes a read, and bytes a decompressed chunk. */
const CHUNK = 2 ** 18

/** Node 22.15 and newer have it; the types are those of the oldest Node that anyvec runs on. */
const { createZstdDecompress } = zlib as {
  readonly createZstdDecompress?: (options: zlib.ZlibOptions) => zlib.Gunzip
}

/**
 * How a file is compressed, by its first bytes and whatever its name. Errors: ERR_ANYVEC_FILE; ERR_ANYVEC_FORMAT for zstd where
 * Node cannot decompress it.
 */
export async function compressionOf(path: string): Promise<Compression | undefined> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    const start = Buffer.alloc(4)
    await handle.read(start, 0, start.length, 0)
    // deflate (8) is the only method of gzip there has ever been
    if (start[0] === 0x1f && start[1] === 0x8b && start[2] === 8) return 'gzip'
    if (start.readUInt32LE() !== 0xfd2fb528) return undefined
    if (createZstdDecompress !== undefined) return 'zstd'
    throw new AnyvecError(
      'ERR_ANYVEC_FORMAT',
      `${path} is compressed with zstd, which Node ${process.versions.node} cannot decompress; use Node 22.15 or newer, or ` +
        'decompress it first (zstd -d)',
      { path },
    )
  } catch (error) {
    throw isSystemError(error) ? cannotRead(path, systemReason(error), error) : error
  } finally {
    await handle?.close()
  }
}

/**
 * Reads a compressed file of one or several members (gzip) or frames (zstd). Progress counts its compressed bytes: the
 * others are not known yet.
 * Errors: ERR_ANYVEC_FILE; ERR_ANYVEC_FORMAT where the compressed data are damaged or cut off; whatever `taker`
 * raises.
 */
export async function readCompressed(
  taker: BlockTaker,
  path: string,
  compression: Compression,
  size: number,
  { onProgress, signal }: Hooks<ReadProgress>,
): Promise<void> {
  let from = 0
  let input: Readable | undefined
  let text: zlib.Gunzip | undefined
  const bytes = () => Math.min(from + (text?.bytesWritten ?? 0), size)
  const writer = new BlockWriter(taker, path, { onProgress, signal }, () => ({
    bytes: bytes(),
    totalBytes: size,
  }))
  try {
    await abandonable(signal, writer, async () => {
      do {
        input =
          compression === 'gzip'
            ? createReadStream(path, { highWaterMark: CHUNK })
            : framesFrom(path, from, size)
        const decompressor = compression === 'zstd' ? createZstdDecompress : undefined
        const stream = (decompressor ?? zlib.createGunzip)({ chunkSize: CHUNK })
        text = stream
        input.on('error', (error) => stream.destroy(error))
        input.pipe(stream)
        for await (const chunk of stream) await writer.write(chunk as Uint8Array)
        if (stream.bytesWritten === 0) throw damaged(path, from, size, 'unexpected end of file')
        // Node's gunzip takes all members at once, its zstd one frame
        from = compression === 'gzip' ? size : from + stream.bytesWritten
        text = undefined
      } while (from < size)
      if (from > size) throw damaged(path, size, size, 'unexpected end of file')
      await writer.end()
    })
  } catch (error) {
    if (isZlibError(error)) throw damaged(path, bytes(), size, error.message, error)
    throw isSystemError(error) ? cannotRead(path, systemReason(error), error) : error
  } finally {
    text?.destroy()
    input?.destroy()
  }
}

/**
 * The file from a byte on, and one byte more. Node ends a zstd stream that is cut off as if it were whole; only one that
 * is cut off takes that byte, too.
 */
function framesFrom(path: string, from: number, size: number): Readable {
  async function* chunks() {
    let at = from
    for await (const chunk of createReadStream(path, { start: from, end: size - 1, highWaterMark: CHUNK })) {
      at += chunk.length
      // in one chunk with the last bytes: by itself it would be taken for the beginning of another frame
      yield at < size ? chunk : Buffer.concat([chunk, Buffer.alloc(1)])
    }
  }
  return Readable.from(chunks(), { highWaterMark: 1 })
}

function damaged(path: string, offset: number, size: number, reason: string, cause?: unknown): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_FORMAT',
    `${path} is damaged: its compressed data cannot be read past byte ${offset} of ${size} (${reason})`,
    { path, offset },
    cause,
  )
}

function isZlibError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && /^(Z_|ZSTD_)/.test(String(error.code))
}
