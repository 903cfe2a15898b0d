/** A progress bar for training: one live line of a terminal; now and then a plain line where there is none. */

import type { Progress } from '../index.js'

/** Where progress goes: `process.stderr`, or anything that can be written to. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

export interface ProgressBar {
  /** Shows how far the work is; takes what `train` gives to `onProgress`. */
  update(progress: Progress): void
  /** Ends the line. Call it when the work is over, also when it failed. */
  done(): void
}

const BAR_WIDTH = 24
/** Without a terminal every line stays, in a log for example: one after a second, then one every five. */
const PLAIN_FIRST_MS = 1000
const PLAIN_INTERVAL_MS = 5000

/**
 * Makes a progress bar: percentage, phase, words (or bytes) a second, loss, time left.
 *
 * @example
 * const bar = createProgressBar(process.stderr)
 * try {
 *   await train(text('wiki.txt'), { onProgress: bar.update })
 * } finally {
 *   bar.done()
 * }
 */
export function createProgressBar(stream: ProgressStream): ProgressBar {
  const live = stream.isTTY === true
  let phase: Progress['phase'] | undefined
  let phaseStart = 0
  let nextPlain = performance.now() + PLAIN_FIRST_MS
  let drawn = false
  return {
    update(progress) {
      const now = performance.now()
      if (progress.phase !== phase) {
        phase = progress.phase
        phaseStart = now
      }
      const state = describe(progress, (now - phaseStart) / 1000)
      if (live) {
        // One column is left free: a terminal that wraps would turn every update into a new line.
        const line = `${bar(state.fraction)} ${state.text}`.slice(0, (stream.columns ?? 80) - 1)
        stream.write(`\r${line}\x1b[K`)
        drawn = true
      } else if (now >= nextPlain) {
        nextPlain = now + PLAIN_INTERVAL_MS
        stream.write(`${percentage(state.fraction)} ${state.text}\n`)
      }
    },
    done() {
      if (drawn) stream.write('\n')
      drawn = false
    },
  }
}

interface State {
  /** 0..1, undefined while the total is unknown. */
  readonly fraction: number | undefined
  readonly text: string
}

function describe(progress: Progress, phaseSeconds: number): State {
  if (progress.phase === 'reading') {
    const { bytes, totalBytes } = progress
    const fraction = totalBytes > 0 ? Math.min(1, bytes / totalBytes) : undefined
    const rate = phaseSeconds > 0 ? `, ${size(bytes / phaseSeconds)}/s` : ''
    return { fraction, text: `reading ${size(bytes)}${rate}` }
  }
  if (progress.phase === 'walking') {
    const { walks, totalWalks } = progress
    const rate = phaseSeconds > 0 ? `, ${count(walks / phaseSeconds)}/s` : ''
    return {
      fraction: totalWalks > 0 ? walks / totalWalks : undefined,
      text: `walking ${count(walks)} walks${rate}`,
    }
  }
  const { epoch, epochs, words, totalWords, loss, seconds } = progress
  const fraction = totalWords > 0 ? Math.min(1, words / totalWords) : undefined
  const rate = seconds > 0 ? words / seconds : 0
  const parts = [`epoch ${Math.min(epoch + 1, epochs)}/${epochs}`]
  if (rate > 0) parts.push(`${count(rate)} words/s`)
  if (Number.isFinite(loss)) parts.push(`loss ${loss.toFixed(3)}`)
  if (rate > 0) parts.push(`${clock((totalWords - words) / rate)} left`)
  return { fraction, text: `training ${parts.join(', ')}` }
}

function bar(fraction: number | undefined): string {
  const full = Math.round((fraction ?? 0) * BAR_WIDTH)
  return `${percentage(fraction)} [${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}]`
}

function percentage(fraction: number | undefined): string {
  return fraction === undefined ? '    ' : `${Math.floor(fraction * 100)}%`.padStart(4)
}

/** A number as people say it: `950`, `48.2 k`, `4.81 M`. */
export function count(value: number): string {
  if (value < 1e3) return value.toFixed(0)
  return value < 1e6 ? `${(value / 1e3).toFixed(1)} k` : `${(value / 1e6).toFixed(2)} M`
}

/** Bytes as people say them: `12.3 MB`. */
export function size(bytes: number): string {
  if (bytes < 1e3) return `${bytes.toFixed(0)} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}

/** Seconds as `m:ss` or `h:mm:ss`. */
export function clock(seconds: number): string {
  const total = Math.max(0, Math.ceil(seconds))
  const two = (value: number) => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`
}
