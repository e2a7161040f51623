import { pino } from 'pino'
import { createPinoTransport, type PinoTransport, type Route } from '../../pino.ts'
import { finishedMessage, logTo, pinoSettings } from '../../simulator/records.ts'
import { loadHeroes } from '../../simulator/roster.ts'
import type { ServerEvents } from '../../simulator/server/report.ts'
import { type GameServer, startServer } from '../../simulator/server.ts'
import type { PlayedGame } from './ledger.ts'

/** Only the host's record of a finished game travels: one message per game, never dropped. */
export const routes: readonly Route[] = [
  { when: { log_message: finishedMessage }, channel: 'lib.server.lobby', keep: true },
]

export interface ArenaOptions {
  readonly url: string
  readonly spoolDir: string
  readonly seed: number
  readonly port: number
  readonly turnMs: number
  readonly onFinished: (game: PlayedGame) => void
  readonly onHit: () => void
}

/** The game server of the demo, with its log on the way into the queue. */
export interface Arena extends AsyncDisposable {
  readonly server: GameServer
  readonly transport: PinoTransport
}

/** The listeners are called before the record of the game leaves. */
export async function openArena(options: ArenaOptions): Promise<Arena> {
  const { url, spoolDir, seed, port, turnMs } = options
  const transport = createPinoTransport({ url, routes, spool: { dir: spoolDir } })
  const names = new Map(loadHeroes().map(({ id, name }) => [id, name]))
  const server = await startServer({
    ...{ port, seed, turnMs },
    log: logTo(pino(pinoSettings, transport)),
  }).catch(async (error) => {
    await transport.close()
    throw error
  })
  server.on('hit', options.onHit)
  server.on('finished', (finished) => options.onFinished(playedGame(finished, names)))
  return {
    server,
    transport,
    async [Symbol.asyncDispose]() {
      await server.close()
      await transport.close()
    },
  }
}

function playedGame(
  { game_token, host, game, winner }: ServerEvents['finished'],
  names: ReadonlyMap<number, string>,
): PlayedGame {
  const heroes = new Map(
    game.participants.map((player) => [player.user_token, names.get(player.superhero_id) ?? '?']),
  )
  const rounds = game.hits.filter(({ user_token }) => user_token === winner).length
  const beaten = [...heroes].filter(([player]) => player !== winner).map(([, name]) => name)
  return {
    id: `${game_token}+${host}`,
    token: game_token,
    players: game.participants.map(({ user_token }) => user_token),
    hits: game.hits,
    finishedMs: Date.now(),
    story:
      winner === null
        ? `${beaten.join(' and ')} all left`
        : `${heroes.get(winner)} beat ${beaten.join(' and ')} in ${rounds} rounds`,
  }
}
