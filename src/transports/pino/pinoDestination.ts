import { type Clock, systemClock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { BoundedSender } from '../sender/boundedSender.ts'
import { lineDestination } from '../lineDestination.ts'
import { writeStderrLine } from '../sender/notices.ts'
import type { Sendable } from '../sender/sendBatch.ts'
import type { SenderStats } from '../sender/accounts.ts'
import { openSpool, type SpoolOptions } from '../sender/spool.ts'

export interface PinoDestinationOptions {
  /** Where a record has the message key, for example `task.game_token`. @default no key */
  key?: string
  /**
   * Never drop: spill to this folder what cannot be sent now; with `first`, each record before it is
   * sent, so that kill -9 loses none whose call has returned. @default drop the oldest
   */
  spool?: SpoolOptions
  /** @default 50_000 */
  recordsMax?: number
  /** @default 8 MiB */
  bytesMax?: number
}

/** A destination for `pino(…)` or `pino.multistream`, in this process. */
export interface PinoDestination extends AsyncDisposable {
  /** By this `pino(destination)` tells a destination from options. */
  readonly writable: true
  write(line: string): void
  /** Waits until what was logged so far is acked; `done` is called then, or after 2 s with an error. */
  flush(done?: (error?: Error) => void): void
  readonly stats: SenderStats
  /** Sends what it can, 2 s at most. Closing twice is fine; the channel stays open. */
  close(options?: { timeoutMs?: number }): Promise<void>
}

/** Waiting for a broker that is away must not keep a program alive that has ended. */
const pauseClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      timer.unref()
      signal.addEventListener('abort', done)
    }),
}

const unflushed = () =>
  new NarrowcastError('TIMEOUT', 'log records are not acked yet; they are tried on', {
    operation: 'flush',
  })

/**
 * Logs into one channel of a bus that the program has anyway, without a worker thread. Logging
 * never blocks on the broker and never throws; losses are counted in `stats` and told on stderr.
 * Await `close` before the bus is closed.
 * @throws NarrowcastError when the spool cannot be opened.
 */
export function pinoDestination(
  channel: Sendable & { readonly name: string },
  options: PinoDestinationOptions = {},
): PinoDestination {
  const { key, spool, recordsMax = 50_000, bytesMax = 8_388_608 } = options
  const sender = new BoundedSender({
    channelFor: () => channel,
    pauseClock,
    recordsMax,
    bytesMax,
    spool: spool ? openSpool(spool) : null,
    notice: writeStderrLine,
  })
  const routes = [{ channel: channel.name, keep: spool !== undefined }]
  const lines = lineDestination(sender, key === undefined ? { routes } : { routes, key })
  return {
    writable: true,
    write: (line) => lines.write(line),
    flush(done) {
      void sender.flush().then((isDone) => done?.(isDone ? undefined : unflushed()))
    },
    get stats() {
      return sender.stats
    },
    close: (closing) => sender.close(closing),
    [Symbol.asyncDispose]: () => sender.close(),
  }
}
