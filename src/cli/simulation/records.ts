import { createHash } from 'node:crypto'
import { pino } from 'pino'
import { createPinoTransport, type PinoTransportOptions, type Route } from '../../pino.ts'
import type { Channel } from '../../runtime/api.ts'
import { finishedMessage, type GameRecord, logTo, pinoSettings } from '../../simulator/index.ts'
import { countOf, showCount } from '../output/quantities.ts'

/** The way of the server's records into the backend: a logger with the narrowcast transport. */
export interface Records {
  /** Of a record that is waited for: resolves when the backend has it. */
  readonly log: (record: GameRecord) => undefined | Promise<void>
  /** Sends what is left, 2 s at most, and says what became of all. */
  close(): Promise<RecordCounts>
}

const channels = ['lib.server.lobby', 'lib.server.game', 'combat.events']
const byChannel: readonly Route[] = channels.map((channel) => ({ when: { channel }, channel }))

/** A finished game is never dropped while the disk takes it. All else is worth no disk. */
const keeping: readonly Route[] = [
  { when: { log_message: finishedMessage }, channel: 'lib.server.lobby', keep: true },
  ...byChannel,
]

/** Every record travels by its field `channel`. Games left by an earlier run go first. */
export function openRecords(url: string): Records {
  // A folder for each backend, so that no game goes to another than it was meant for.
  const place = createHash('sha256').update(url).digest('hex').slice(0, 12)
  return throughLogger(url, keeping, { spool: { dir: `.narrowcast/spool/sim-${place}` } })
}

/**
 * The same for a state that is shared: it keeps a finished game until the backend has its record,
 * so that is published, and waited for.
 */
export function openSharedRecords(url: string, channel: Channel<GameRecord>): Records {
  const logger = throughLogger(url, byChannel, {})
  const games = { written: 0, acked: 0 }
  async function publish(record: GameRecord): Promise<void> {
    games.written++
    await channel.publish(record, { id: record.mid, timeMs: Date.parse(record.timestamp) })
    games.acked++
  }
  return {
    log: (record) =>
      record.log_message === finishedMessage ? publish(record) : logger.log(record),
    async close() {
      const { acked, dropped } = await logger.close()
      return { acked: acked + games.acked, dropped, kept: games.written - games.acked }
    },
  }
}

function throughLogger(
  url: string,
  routes: readonly Route[],
  options: Pick<PinoTransportOptions, 'spool'>,
): Records {
  const patterns = { 'combat.events': 'stream' } as const
  const routing = { key: 'key', routes: [...routes], patterns }
  const transport = createPinoTransport({ url, ...routing, ...options })
  const log = logTo(pino(pinoSettings, transport))
  let written = 0
  return {
    log(record) {
      written++
      log(record)
    },
    async close() {
      await transport.close()
      const { acked = 0, accepted = 0, spilled: kept = 0, dropped = {} } = transport.stats ?? {}
      const told = Object.values(dropped).reduce((total, count) => total + count, 0)
      // What never reached the thread, because that had died, is in nobody's count.
      return { acked, kept, dropped: told + Math.max(0, written - accepted) }
    },
  }
}

export interface RecordCounts {
  readonly acked: number
  /** Lost. */
  readonly dropped: number
  /** Finished games that wait, on disk or in the shared state, for the next start. */
  readonly kept: number
}

export function recordsText({ acked, dropped, kept }: RecordCounts): string {
  const left = kept > 0 ? `, ${countOf(kept, 'finished game')} kept for the next start` : ''
  return `${countOf(acked, 'record')} acked, ${showCount(dropped)} dropped${left}`
}

/** The exit code: 1 something is lost, 3 the backend has not taken all. */
export function recordsCode({ dropped, kept }: RecordCounts): number {
  if (dropped > 0) return 1
  return kept > 0 ? 3 : 0
}
