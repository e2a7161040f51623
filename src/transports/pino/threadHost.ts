import { writeStderrLine } from '../sender/notices.ts'
import type { SenderStats } from '../sender/accounts.ts'

/** What is used of the stream that leads into a worker thread. */
export interface ThreadStream {
  readonly writable: boolean
  /** Why it broke; its event `error` may come after `close`. */
  readonly writableErrored: Error | null
  write(line: string): boolean
  flush(done: (error?: Error) => void): void
  end(): void
  /** Keeps the process alive until the thread has ended. */
  ref(): void
  on(event: 'ready' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'stats', listener: (stats: TransportStats) => void): unknown
}

export interface TransportStats extends SenderStats {
  /** Records that no route wanted. */
  readonly skipped: number
  /** Lines that even stderr did not take. */
  readonly unreported: number
}

/** The destination of a logger, whose work is done in a worker thread. */
export interface PinoTransport extends AsyncDisposable {
  /** By this `pino(transport)` tells a destination from options. */
  readonly writable: true
  /** Returns at once, never throws. */
  write(line: string): void
  /** Waits until what was logged so far is acked, for 2 s at most. */
  flush(done?: (error?: Error) => void): void
  /** The worker's last report; null before the first. It comes once a second when it changes. */
  readonly stats: TransportStats | null
  onStats(listener: (stats: TransportStats) => void): void
  /** Sends what it can, 2 s at most, then ends the worker. Closing twice is fine. */
  close(): Promise<void>
}

const restartMs = { first: 100, most: 30_000 }

/**
 * Runs a logger's worker thread for its host: attaches the error listener that keeps a broken
 * worker from ending the host, starts it again with growing pauses, and writes the lines of the
 * meantime to stderr.
 */
export function threadHost(
  startThread: () => ThreadStream,
  writeLine: (line: string) => boolean = writeStderrLine,
): PinoTransport {
  const listeners: ((stats: TransportStats) => void)[] = []
  let thread: ThreadStream | null = null
  let stats: TransportStats | null = null
  let pauseMs = restartMs.first
  let isEnding = false
  let closing: Promise<void> | null = null
  let closed = () => {}

  function begin(): void {
    if (isEnding) return
    try {
      const started = startThread()
      thread = started
      started.on('error', (error) => lose(started, error.message))
      started.on('close', () => lose(started, started.writableErrored?.message ?? 'it ended'))
      started.on('stats', (report) => {
        // A worker that reports is a worker that runs: the next restart is quick again.
        pauseMs = restartMs.first
        stats = report
        for (const listener of listeners) listener(report)
      })
    } catch (error) {
      lose(null, error instanceof Error ? error.message : String(error))
    }
  }

  function lose(which: ThreadStream | null, why: string): void {
    if (which !== thread) return
    thread = null
    if (isEnding) {
      closed()
      return
    }
    writeLine(
      `narrowcast: the log worker thread is gone (${why}); log lines go to stderr, next start in ${pauseMs} ms`,
    )
    setTimeout(begin, pauseMs).unref()
    pauseMs = Math.min(pauseMs * 2, restartMs.most)
  }

  function close(): Promise<void> {
    return new Promise((resolve) => {
      const running = thread
      isEnding = true
      closed = resolve
      if (!running) return resolve()
      // Flushed first: ending a thread stream blocks this thread until the worker is done.
      running.flush(() => {
        if (thread !== running) return resolve()
        running.ref()
        running.end()
      })
    })
  }

  begin()
  return {
    writable: true,
    write(line) {
      if (thread?.writable && !isEnding) thread.write(line)
      else writeLine(line)
    },
    flush(done = () => {}) {
      if (thread && !isEnding) thread.flush(done)
      else done()
    },
    get stats() {
      return stats
    },
    onStats(listener) {
      listeners.push(listener)
    },
    close() {
      closing ??= close()
      return closing
    },
    [Symbol.asyncDispose]() {
      closing ??= close()
      return closing
    },
  }
}
