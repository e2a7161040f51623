import { writeSync } from 'node:fs'
import type { Clock } from '../../core/clock.ts'

/** Trouble told at once, and then at most once in `everyMs`, with what happened in between. */
export interface Notices {
  /** Says `text()` now, or when the pause of this subject is over and it is told again. */
  tell(subject: string, text: () => string): void
  /** Says what the pauses have held back. */
  close(): void
}

/** @param everyMs pause between two notices about one subject. */
export function limitedNotices(
  write: (line: string) => void,
  clock: Clock,
  everyMs = 30_000,
): Notices {
  const subjects = new Map<string, { saidMs: number; heldBack: (() => string) | null }>()
  return {
    tell(subject, text) {
      const nowMs = clock.monotonicMs()
      const known = subjects.get(subject)
      if (known && nowMs - known.saidMs < everyMs) {
        known.heldBack = text
        return
      }
      subjects.set(subject, { saidMs: nowMs, heldBack: null })
      write(text())
    },
    close() {
      for (const subject of subjects.values()) {
        if (subject.heldBack) write(subject.heldBack())
        subject.heldBack = null
      }
    },
  }
}

/**
 * Writes a line to stderr at once. Not through process.stderr: in a worker thread that goes by way
 * of the main thread, which may be blocked, or about to end. Returns false where it cannot.
 */
export function writeStderrLine(line: string): boolean {
  try {
    writeSync(2, line.endsWith('\n') ? line : `${line}\n`)
    return true
  } catch {
    // Nobody listens, or the pipe is full. A logger must not end its host for that, and there is
    // no other place to say it: the caller counts it.
    return false
  }
}
