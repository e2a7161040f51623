import { randomUUID } from 'node:crypto'
import type { Clock } from '../../../core/clock.ts'
import { NarrowcastError } from '../../../core/errors.ts'
import { uuidMaker } from '../../../core/ids.ts'
import type { GameSize } from '../../plan.ts'
import type { Hero } from '../../roster.ts'
import { attackOf, type Fighter, healthOf } from '../../rules.ts'
import { dealtHeroes } from '../deal.ts'
import type {
  After,
  Blow,
  Ended,
  Entry,
  Happening,
  Left,
  Presence,
  Refusal,
  Seat,
  State,
} from '../state.ts'
import { Beats } from './beats.ts'
import { gameScripts } from './gameScripts.ts'
import { Hearing } from './hearing.ts'
import { blowOf, entryOf, fighterWith, leftOf, listOf, textsOf } from './replies.ts'
import { sharedScripts } from './sharedScripts.ts'
import { openWire, type Wire } from './wire.ts'

export interface RedisStateOptions {
  /** `redis://user:password@host:port/database`, `rediss:` for TLS. */
  readonly url: string
  readonly heroes: readonly Hero[]
  /** Chooses the heroes of the n-th game that is opened. */
  readonly seed: string | number
  readonly usersMax: number
  readonly gamesMax: number
  /** How long a game is kept when it has ended and is reported. */
  readonly expiryMs: number
  /** After this silence a server counts as dead. */
  readonly leaseMs: number
  readonly clock: Clock
}

const heroText = (hero: Hero) => `${hero.id} ${attackOf(hero)} ${healthOf(hero)}`

/** Servers disagree about the number of the next game only for a moment. */
const triesMax = 1_000

/** Games of all servers on one Redis. */
export class RedisState implements State {
  readonly #options: RedisStateOptions
  readonly #wire: Wire
  readonly #hearing: Hearing
  readonly #beats: Beats
  readonly #newToken = uuidMaker()
  /** User tokens that were found on this connection. */
  readonly #users = new Set<string>()
  #usersSinceMs = 0
  /** The number that the next game is thought to have. */
  #next = 1

  private constructor(options: RedisStateOptions, wire: Wire, hearing: Hearing) {
    this.#options = options
    this.#wire = wire
    this.#hearing = hearing
    this.#beats = new Beats({ ...options, wire, hear: hearing.hear })
  }

  /** @throws CLIENT_MISSING, INVALID_CONFIG, CONNECT_FAILED, LOGIN_REFUSED, UNSUPPORTED */
  static async open(options: RedisStateOptions): Promise<RedisState> {
    const hearing = new Hearing()
    const wire = await openWire({ ...options, hear: hearing.hear })
    return new RedisState(options, wire, hearing)
  }

  watch(listener: (happening: Happening) => void): void {
    this.#hearing.watch(listener)
  }

  async login(user: string): Promise<{ token: string; isNew: boolean } | null> {
    const { usersMax } = this.#options
    const args = [user, randomUUID(), String(usersMax)]
    const [token, isNew] = listOf(await this.#wire.run(gameScripts.login, '', 0, ...args))
    if (typeof token !== 'string') return null
    this.#know(token)
    return { token, isNew: isNew === 1 }
  }

  async isUser(userToken: string): Promise<boolean> {
    const isFresh = this.#usersSinceMs === this.#wire.upSinceMs
    if (isFresh && this.#users.has(userToken)) return true
    const isKnown = (await this.#wire.send(['SISMEMBER', 'users:tokens', userToken])) === 1
    if (isKnown) this.#know(userToken)
    return isKnown
  }

  async join(userToken: string, size: GameSize): Promise<Seat | null> {
    const { heroes, seed, gamesMax } = this.#options
    const token = this.#newToken()
    for (let tries = 0; tries < triesMax; tries++) {
      const number = this.#next
      const dealt = dealtHeroes(heroes, seed, number, size).map(heroText)
      const args = [userToken, String(size), String(gamesMax), String(number), ...dealt]
      const reply = await this.#wire.run(gameScripts.join, token, 0, ...args)
      const [game, id, isNew, isRepeated] = listOf(reply)
      if (game === undefined) return null
      if (game === 'again') {
        this.#next = Number(id)
        continue
      }
      if (isNew === 1) this.#next = Math.max(this.#next, number + 1)
      return {
        game: String(game),
        user_token: userToken,
        superhero_id: Number(id),
        isNew: isNew === 1,
        isRepeated: isRepeated === 1,
      }
    }
    const text = `sim server: the number of the next game was another one ${triesMax} times`
    throw new NarrowcastError('INTERNAL', text)
  }

  async enter(game: string, userToken: string, nowMs: number): Promise<Entry | Refusal> {
    return entryOf(await this.#wire.run(gameScripts.enter, game, nowMs, userToken))
  }

  async look(game: string): Promise<Entry | Refusal> {
    return entryOf(await this.#wire.run(gameScripts.look, game, 0))
  }

  async leave(game: string, userTokens: readonly string[], nowMs: number): Promise<Left> {
    if (userTokens.length === 0) return { status: 'gone' }
    return this.#ends(
      leftOf(await this.#wire.run(gameScripts.leave, game, nowMs, ...userTokens)).left,
    )
  }

  async timeOutTurn(game: string, step: number, nowMs: number): Promise<Left> {
    const reply = await this.#wire.run(gameScripts.timeOutTurn, game, nowMs, String(step))
    return this.#ends(leftOf(reply).left)
  }

  async expire(game: string, nowMs: number): Promise<boolean> {
    return (await this.#wire.run(gameScripts.expire, game, nowMs)) === 1
  }

  async fighter(game: string, userToken: string): Promise<Fighter | Refusal> {
    const key = `games:${game}:superheros:${userToken}`
    const reply = await this.#wire.send(['HMGET', key, 'id', 'attack', 'health'])
    const values = listOf(reply)
    if (values[0] !== null) return fighterWith(userToken, ...values.map(Number))
    const isThere = (await this.#wire.send(['EXISTS', `games:${game}:status`])) === 1
    return { refused: isThere ? 'USER NOT IN GAME' : 'UNKNOWN GAME TOKEN' }
  }

  async hit(
    game: string,
    userToken: string,
    enemy: string | null,
    nowMs: number,
  ): Promise<Blow | Refusal> {
    const time = `${new Date(nowMs).toISOString().slice(0, 19)}Z`
    const reply = await this.#wire.run(gameScripts.hit, game, nowMs, userToken, enemy ?? '', time)
    const blow = blowOf(reply, enemy)
    if ('made' in blow && blow.made) this.#reports(blow.made.after)
    return blow
  }

  async reported(game: string, isTaken: boolean): Promise<void> {
    // What was not taken falls due, here or elsewhere.
    this.#beats.reporting.delete(game)
    if (isTaken) await this.#wire.run(sharedScripts.reported, game, 0)
  }

  async present(): Promise<readonly Presence[]> {
    return listOf(await this.#wire.run(sharedScripts.present, '', 0)).map((one) => {
      const [game, users] = listOf(one)
      return { game: String(game), users: textsOf(users) }
    })
  }

  async endAll(nowMs: number): Promise<readonly Ended[]> {
    const ended: Ended[] = []
    for (const { game, users } of await this.present()) {
      if (users.length > 0) ended.push({ game, left: await this.leave(game, users, nowMs) })
    }
    return ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#beats.stop()
    // What stays behind is the others' to find, also where this cannot be said any more.
    await this.#wire.run(sharedScripts.bury, '', 0, this.#wire.name).catch(() => null)
    this.#wire.close()
  }

  /** Redis may have come back without its users. */
  #know(userToken: string): void {
    const { upSinceMs } = this.#wire
    if (upSinceMs !== this.#usersSinceMs) this.#users.clear()
    this.#usersSinceMs = upSinceMs
    this.#users.add(userToken)
  }

  #ends(left: Left): Left {
    if (left.status === 'running') this.#reports(left.after)
    return left
  }

  #reports({ finished }: After): void {
    if (finished) this.#beats.reporting.add(finished.game_token)
  }
}
