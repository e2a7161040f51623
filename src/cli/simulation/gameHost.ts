import type { Bus } from '../../runtime/api.ts'
import {
  type GameRecord,
  type GameServer,
  type ServerOptions,
  type ServerStats,
  startServer,
} from '../../simulator/index.ts'
import { openRecords, openSharedRecords, type RecordCounts } from './records.ts'

/** A game server, and the way of its records into the backend. */
export interface GameHost {
  readonly game: GameServer
  /** Ends the games, and sends what is left of the records. */
  close(): Promise<HostEnd>
}

export interface HostEnd {
  readonly stats: ServerStats
  readonly counts: RecordCounts
}

export interface HostOptions {
  readonly bus: Bus
  /** Of the bus, with its password: the records' logger connects by itself. */
  readonly url: string
  readonly server: ServerOptions
}

/** @throws what `startServer` throws */
export async function openGameHost({ bus, url, server }: HostOptions): Promise<GameHost> {
  const isShared = (server.state ?? 'memory') !== 'memory'
  const records = isShared
    ? openSharedRecords(url, bus.queue<GameRecord>('lib.server.lobby'))
    : openRecords(url)
  try {
    const game = await startServer({ ...server, log: records.log })
    return {
      game,
      async close() {
        await game.close()
        return { stats: game.stats(), counts: await records.close() }
      },
    }
  } catch (error) {
    await records.close()
    throw error
  }
}
