import type { Clock } from '../../../core/clock.ts'
import type { NarrowcastError } from '../../../core/errors.ts'
import { randomName } from '../../../core/ids.ts'
import type { Hero } from '../../roster.ts'
import type { Happening } from '../state.ts'
import { happeningOf } from './hearing.ts'
import { Link } from './link.ts'
import type { Reply } from './replies.ts'
import type { Script } from './script.ts'
import { sharedScripts } from './sharedScripts.ts'

export interface WireOptions {
  readonly url: string
  readonly heroes: readonly Hero[]
  readonly expiryMs: number
  readonly leaseMs: number
  readonly clock: Clock
  readonly hear: (happening: Happening) => void
}

/** One server's way to the state. */
export interface Wire {
  /** By which the other servers know this one. */
  readonly name: string
  readonly isUp: boolean
  /** Monotonic time of the last connect. */
  readonly upSinceMs: number
  /** @throws UNAVAILABLE, CLOSED */
  run(script: Script, game: string, nowMs: number, ...rest: readonly string[]): Promise<Reply>
  send(args: readonly string[]): Promise<Reply>
  /** Redis does not answer: it is connected to anew. */
  lose(error: NarrowcastError): void
  close(): void
}

/** Connects, and is among the servers when it resolves. */
export async function openWire(options: WireOptions): Promise<Wire> {
  const { url, heroes, expiryMs, leaseMs, clock, hear } = options
  const name = `${process.pid}-${randomName()}`
  const roster = heroes.flatMap((hero) => [String(hero.id), JSON.stringify(hero)])
  const words = (game: string, nowMs: number, rest: readonly string[]) => [
    ...[name, leaseMs, expiryMs, nowMs, game].map(String),
    ...rest,
  ]
  let upSinceMs = 0
  const link = await Link.open({
    ...{ url, clock },
    channel: `games:server:${name}`,
    onMessage: (text) => hear(happeningOf(text)),
    async prepare(client) {
      await client.send(['HSET', 'superheros', ...roster])
      await client.run(sharedScripts.beat, words('', 0, ['0']))
      upSinceMs = clock.monotonicMs()
    },
    onDown: (error) => hear({ type: 'down', error }),
    onUp: () => hear({ type: 'up' }),
  })
  return {
    name,
    get isUp() {
      return link.isUp
    },
    get upSinceMs() {
      return upSinceMs
    },
    run: (script, game, nowMs, ...rest) => link.run(script, words(game, nowMs, rest)),
    send: (args) => link.send(args),
    lose: (error) => link.lose(error),
    close: () => link.close(),
  }
}
