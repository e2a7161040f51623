import { pino } from 'pino'
import { createPinoTransport, type PinoTransport } from '../../pino.ts'
import { type GameRecord, logTo, pinoSettings } from '../../simulator/index.ts'

/** The way of the server's records into the backend: a logger with the narrowcast transport. */
export interface Records {
  readonly transport: PinoTransport
  readonly log: (record: GameRecord) => void
}

/** Every record travels by its field `channel`. */
export function openRecords(url: string): Records {
  const transport = createPinoTransport({
    url,
    key: 'key',
    patterns: { 'combat.events': 'stream' },
  })
  return { transport, log: logTo(pino(pinoSettings, transport)) }
}

export interface RecordCounts {
  readonly acked: number
  readonly dropped: number
}

/** Sends what is left, 2 s at most, and says what became of all. */
export async function closeRecords({ transport }: Records): Promise<RecordCounts> {
  await transport.close()
  const { acked = 0, dropped = {} } = transport.stats ?? {}
  return { acked, dropped: Object.values(dropped).reduce((total, count) => total + count, 0) }
}
