/**
 * How long work shares the event loop: it runs for about 15 ms, then lets timers, input and other promises have their turn.
 */

import { setImmediate } from 'node:timers/promises'
import type { Hooks } from '../engine.js'

/** Milliseconds between two turns of the event loop. */
const TURN = 15
/** Milliseconds between two reports of progress. */
const REPORT = 50

export class Pace<Progress> {
  readonly #hooks: Hooks<Progress>
  readonly #alive: () => void
  #turn: number
  #report: number

  /**
   * Rejects at once where the signal is already aborted. `alive` is called after every turn and throws when the work has
   * lost its ground (its corpus was disposed of).
   */
  constructor(hooks: Hooks<Progress> = {}, alive: () => void = () => {}) {
    this.#hooks = hooks
    this.#alive = alive
    hooks.signal?.throwIfAborted()
    this.#turn = this.#report = performance.now()
  }

  /** Whether it is time for `rest`. Cheap, but not free: ask about once a millisecond. */
  due(): boolean {
    return performance.now() - this.#turn >= TURN
  }

  /** Reports progress where 50 ms have passed, gives the event loop a turn, and throws where the work was aborted. */
  async rest(progress?: () => Progress): Promise<void> {
    const { onProgress, signal } = this.#hooks
    const now = performance.now()
    if (onProgress !== undefined && progress !== undefined && now - this.#report >= REPORT) {
      this.#report = now
      onProgress(progress())
    }
    await setImmediate()
    signal?.throwIfAborted()
    this.#alive()
    this.#turn = performance.now()
  }

  /** The last report, made once whatever the time. */
  end(progress: () => Progress): void {
    this.#hooks.onProgress?.(progress())
  }
}
