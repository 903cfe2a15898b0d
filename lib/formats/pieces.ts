/** Large arrays in pieces: no single call of the system or of zlib takes gigabytes, and no piece holds up the event loop. */

/** Bytes in a piece. */
export const PIECE_BYTES = 2 ** 24

/** What a reader does between pieces. */
export interface ReadHooks {
  /** Lets the event loop breathe; throws the reason of an abort. */
  readonly pause: () => Promise<void>
  /** Is told how many bytes of the file are done. */
  readonly advance?: ((bytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** The bytes of an array, piece by piece: views, not copies. */
export function* pieces(array: Uint8Array | Float32Array): Generator<Uint8Array> {
  for (let from = 0; from < array.byteLength; from += PIECE_BYTES) {
    yield new Uint8Array(
      array.buffer,
      array.byteOffset + from,
      Math.min(PIECE_BYTES, array.byteLength - from),
    )
  }
}

/** Hooks for a reader that a signal may stop. */
export function readHooks(signal: AbortSignal | undefined): ReadHooks {
  return {
    signal,
    pause: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
    },
  }
}
