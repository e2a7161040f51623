import { createHash } from 'node:crypto'
import { pino } from 'pino'
import { createPinoTransport, type PinoTransport, type Route } from '../../pino.ts'
import { finishedMessage, type GameRecord, logTo, pinoSettings } from '../../simulator/index.ts'
import { countOf, showCount } from '../output/quantities.ts'

/** The way of the server's records into the backend: a logger with the narrowcast transport. */
export interface Records {
  readonly transport: PinoTransport
  readonly log: (record: GameRecord) => void
  /** Records handed to the logger. */
  readonly written: () => number
}

/** A finished game is never dropped while the disk takes it. All else is worth no disk. */
const routes: readonly Route[] = [
  { when: { log_message: finishedMessage }, channel: 'lib.server.lobby', keep: true },
  ...['lib.server.lobby', 'lib.server.game', 'combat.events'].map((channel) => ({
    when: { channel },
    channel,
  })),
]

/** Every record travels by its field `channel`. Games left by an earlier run go first. */
export function openRecords(url: string): Records {
  // A folder for each backend, so that no game goes to another than it was meant for.
  const place = createHash('sha256').update(url).digest('hex').slice(0, 12)
  const transport = createPinoTransport({
    url,
    key: 'key',
    routes: [...routes],
    patterns: { 'combat.events': 'stream' },
    spool: { dir: `.narrowcast/spool/sim-${place}` },
  })
  const log = logTo(pino(pinoSettings, transport))
  let written = 0
  return {
    transport,
    written: () => written,
    log(record) {
      written++
      log(record)
    },
  }
}

export interface RecordCounts {
  readonly acked: number
  /** Lost. */
  readonly dropped: number
  /** Finished games on disk, for the next start with the same URL in the same folder. */
  readonly kept: number
}

/** Sends what is left, 2 s at most, and says what became of all. */
export async function closeRecords({ transport, written }: Records): Promise<RecordCounts> {
  await transport.close()
  const { acked = 0, accepted = 0, spilled: kept = 0, dropped = {} } = transport.stats ?? {}
  const told = Object.values(dropped).reduce((total, count) => total + count, 0)
  // What never reached the thread, because that had died, is in nobody's count.
  return { acked, kept, dropped: told + Math.max(0, written() - accepted) }
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
