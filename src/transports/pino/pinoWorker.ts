import { Writable } from 'node:stream'
import { parentPort } from 'node:worker_threads'
import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import type { Bus, Channel } from '../../runtime/api.ts'
import { BoundedSender } from '../sender/boundedSender.ts'
import { lineDestination, type RecordOptions } from '../lineDestination.ts'
import { writeStderrLine } from '../sender/notices.ts'
import type { RecordMessage } from '../record.ts'
import type { DropReason } from '../sender/accounts.ts'
import { openSpool, type Spool, type SpoolOptions } from '../sender/spool.ts'
import type { TransportStats } from './threadHost.ts'

/** Everything is plain data: it travels into the worker thread. */
export interface PinoWorkerOptions extends RecordOptions {
  /** Channels that are streams; all others are queues. */
  patterns?: Record<string, 'queue' | 'stream'>
  /** For routes with `keep`. */
  spool: Omit<SpoolOptions, 'onSyncFailed'>
  /** @default 50_000 */
  recordsMax?: number
  /** @default 8 MiB */
  bytesMax?: number
  /** Who goes when the memory is full. @default 'dropOldest' */
  whenFull?: 'dropOldest' | 'dropNewest'
}

/** Pino gives a transport 10 s to end; what is not acked after these is spilled or dropped. */
const budgetMs = 2_000
const lastTryMs = 200
const channelsMax = 1_000
const statsEveryMs = 1_000
/** Never full: its work is done in the turn of the write. */
const streamBytesMax = 1_073_741_824

/**
 * The body of the worker thread: a stream that takes JSON lines at once, whatever the broker does,
 * and closes when all is acked or 2 s have passed.
 */
export function pinoWorker(options: PinoWorkerOptions, connect: () => Promise<Bus>): Writable {
  let unreported = 0
  const notice = (line: string) => {
    if (!writeStderrLine(line)) unreported++
  }
  const onDropped = (record: RecordMessage, reason: DropReason) => {
    if (reason === 'full' || reason === 'deadline') return
    notice(typeof record.data === 'string' ? record.data : JSON.stringify(record.data))
  }
  const { patterns = {}, recordsMax = 50_000, bytesMax = 8_388_608 } = options
  const link = connection(connect, patterns)
  const sender = new BoundedSender({
    channelFor: link.channelFor,
    recordsMax,
    bytesMax,
    whenFull: options.whenFull ?? 'dropOldest',
    spool: spoolFor(options, notice),
    notice,
    onDropped,
    reportTo: options.channel ?? null,
  })
  const lines = lineDestination(sender, options)
  // A host that closes flushes first: what was not acked in that time gets only a last try.
  let closeMs = budgetMs
  const reporting = reporter(() => ({ ...sender.stats, skipped: lines.skipped, unreported }))
  const stream = new Writable({
    decodeStrings: false,
    highWaterMark: streamBytesMax,
    write(chunk: string | Buffer, _encoding, done) {
      lines.write(String(chunk))
      done()
    },
    final(done) {
      lines.end()
      const end = async () => {
        await sender.close({ timeoutMs: closeMs })
        // Now, because a connection that hangs may not let the thread end in time.
        reporting.now()
        await link.close()
      }
      void end()
        .catch((error) => notice(`narrowcast: closing the log transport: ${String(error)}`))
        .finally(() => {
          reporting.stop()
          done()
        })
    },
  })
  // Called by the thread stream when the host flushes. Late is not an error of the stream.
  return Object.assign(stream, {
    flush(done: () => void) {
      void sender.flush(budgetMs).then((isDone) => {
        closeMs = isDone ? budgetMs : lastTryMs
        reporting.now()
        done()
      })
    },
  })
}

function spoolFor(options: PinoWorkerOptions, notice: (line: string) => void): Spool | null {
  if (!options.routes?.some((route) => route.keep)) return null
  const { dir } = options.spool
  const onSyncFailed = (error: unknown) =>
    notice(`narrowcast: the spool ${dir} cannot be synced: ${String(error)}`)
  try {
    return openSpool({ ...options.spool, onSyncFailed })
  } catch (cause) {
    const error = asNarrowcastError(cause)
    notice(
      `narrowcast: no spool, so records marked keep can be lost: ${error.code}: ${error.message} (${error.hint})`,
    )
    return null
  }
}

function connection(connect: () => Promise<Bus>, patterns: Record<string, 'queue' | 'stream'>) {
  let bus: Promise<Bus> | null = null
  const channels = new Map<string, Channel>()
  return {
    async channelFor(name: string): Promise<Channel> {
      const known = channels.get(name)
      if (known) return known
      if (channels.size >= channelsMax) {
        throw new NarrowcastError(
          'INVALID_ARGUMENT',
          `the log transport has opened ${channelsMax} channels already; ${name} is one too many`,
          { channel: name },
        )
      }
      bus ??= connect()
      let opened: Bus
      try {
        opened = await bus
      } catch (error) {
        bus = null
        throw error
      }
      const channel = patterns[name] === 'stream' ? opened.stream(name) : opened.queue(name)
      channels.set(name, channel)
      return channel
    },
    async close(): Promise<void> {
      if (bus === null) return
      const opened = await bus.catch(() => null)
      await opened?.close({ timeoutMs: 500 })
    },
  }
}

/** Sends the counters to the host once a second, when they have changed. */
function reporter(stats: () => TransportStats) {
  let last = ''
  const now = () => {
    const report = stats()
    const text = JSON.stringify(report)
    if (text === last) return
    last = text
    parentPort?.postMessage({ code: 'EVENT', name: 'stats', args: [report] })
  }
  const timer = setInterval(now, statsEveryMs)
  timer.unref()
  return {
    now,
    stop() {
      clearInterval(timer)
      now()
    },
  }
}
