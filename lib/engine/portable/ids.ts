/**
 * The flat stream of entries that training reads: ids, with an end mark after every sequence.
 * Kept in blocks, the first ones in memory, the rest in a temporary file.
 */

import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { AnyvecError } from '../../errors.js'
import { systemMessage } from './file.js'
import { reserve } from './memory.js'
import type { Pace } from './pace.js'

/** Ends a sequence. */
export const END_MARK = 0xffffffff

/** Entries a piece of training, from docs/training-law.md. */
export const PIECE = 4096

/** Entries a block: a whole number of pieces, so that no piece straddles two blocks. */
const BLOCK = 16 * PIECE
const BLOCK_BYTES = BLOCK * 4

function spillError(folder: string, cause: unknown): AnyvecError {
  return new AnyvecError(
    'ERR_ANYVEC_MEMORY',
    `cannot keep ids in a temporary file in ${folder}: ${systemMessage(cause)}; free some space there, ` +
      'or choose another folder with spillFolder or a larger memoryLimit',
    { path: folder },
    cause,
  )
}

/** Closes files whose store was collected without `dispose`. */
const abandoned = new FinalizationRegistry<SpillFile>((file) => file.close())

/** Blocks in a file that nobody else sees. */
class SpillFile {
  readonly #folder: string
  readonly #descriptor: number
  readonly #path: string
  #linked = true
  #closed = false

  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, `anyvec-ids-${randomUUID()}`)
    try {
      this.#descriptor = openSync(this.#path, 'wx+', 0o600)
    } catch (cause) {
      throw spillError(folder, cause)
    }
    // Gone from the folder at once, so that not even a killed process leaves it behind; where the system refuses, on `close`.
    this.#unlink()
  }

  write(block: number, data: Uint32Array): void {
    this.#transfer(block, data, writeSync)
  }

  read(block: number, data: Uint32Array): void {
    this.#transfer(block, data, readSync)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#descriptor)
    this.#unlink()
  }

  #transfer(
    block: number,
    data: Uint32Array,
    move: (fd: number, buffer: Uint8Array, offset: number, length: number, position: number) => number,
  ): void {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    try {
      for (let done = 0; done < bytes.length; ) {
        const step = move(this.#descriptor, bytes, done, bytes.length - done, block * BLOCK_BYTES + done)
        if (step === 0) throw new Error('it ended early')
        done += step
      }
    } catch (cause) {
      throw spillError(this.#folder, cause)
    }
  }

  #unlink(): void {
    if (!this.#linked) return
    try {
      unlinkSync(this.#path)
      this.#linked = false
    } catch {
      // Tried again by `close`.
    }
  }
}

export class IdStore {
  /** Entries so far. */
  length = 0
  /** Bytes in the temporary file. */
  spilledBytes = 0
  readonly #folder: string
  /** How many blocks may stay in memory. */
  readonly #room: number
  /** Whole blocks in memory: the first `#room` ones. */
  #blocks: Uint32Array[] = []
  /** The block being written: block number `floor(length / BLOCK)`. */
  #tail = new Uint32Array(BLOCK)
  #filled = 0
  #file: SpillFile | undefined

  constructor(memoryLimit: number, spillFolder: string) {
    this.#room = Math.max(0, Math.floor(memoryLimit / BLOCK_BYTES))
    this.#folder = spillFolder
  }

  push(entry: number): void {
    this.#tail[this.#filled++] = entry
    this.length += 1
    if (this.#filled === BLOCK) this.#seal()
  }

  /** Replaces every id by `map[id]`, leaving out those mapped to END_MARK; end marks stay. Returns how many ids stayed. */
  async rewrite<P>(map: Uint32Array, pace: Pace<P>): Promise<number> {
    const end = this.length
    const blocks = this.#blocks
    const tail = this.#tail
    this.#blocks = []
    this.#tail = new Uint32Array(BLOCK)
    this.#filled = this.length = this.spilledBytes = 0
    let kept = 0
    const scratch = new Uint32Array(BLOCK)
    for (let number = 0; number * BLOCK < end; number += 1) {
      const count = Math.min(BLOCK, end - number * BLOCK)
      let source: Uint32Array = scratch
      if (count < BLOCK) {
        source = tail
      } else if (number < this.#room) {
        source = blocks[number]
        // Freed as the new stream grows, so that both together need little more than one.
        delete blocks[number]
      } else {
        // The new stream is never longer than the old, so it has not overwritten this block yet.
        this.#file?.read(number, scratch)
      }
      for (let i = 0; i < count; i += 1) {
        const entry = source[i]
        if (entry === END_MARK) {
          this.push(END_MARK)
        } else {
          const id = map[entry]
          if (id !== END_MARK) {
            kept += 1
            this.push(id)
          }
        }
      }
      if (pace.due()) await pace.rest()
    }
    return kept
  }

  /** Reads pieces; every reader has its own buffer, so several may read at once. */
  reader(): (piece: number) => Uint32Array {
    const buffer = new Uint32Array(BLOCK)
    let loaded = -1
    return (piece) => {
      const first = piece * PIECE
      const number = Math.floor(first / BLOCK)
      const from = first - number * BLOCK
      const count = Math.min(PIECE, this.length - first)
      if ((number + 1) * BLOCK > this.length) return this.#tail.subarray(from, from + count)
      if (number < this.#blocks.length) return this.#blocks[number].subarray(from, from + count)
      if (loaded !== number) {
        this.#file?.read(number, buffer)
        loaded = number
      }
      return buffer.subarray(from, from + count)
    }
  }

  dispose(): void {
    this.#file?.close()
    this.#file = undefined
    this.#blocks = []
    this.#tail = new Uint32Array(0)
    abandoned.unregister(this)
  }

  #seal(): void {
    const number = this.length / BLOCK - 1
    if (number < this.#room) {
      this.#blocks.push(this.#tail)
      this.#tail = reserve(BLOCK_BYTES, 'ids', () => new Uint32Array(BLOCK))
    } else {
      if (this.#file === undefined) {
        this.#file = new SpillFile(this.#folder)
        abandoned.register(this, this.#file, this)
      }
      this.#file.write(number, this.#tail)
      this.spilledBytes += BLOCK_BYTES
    }
    this.#filled = 0
  }
}
