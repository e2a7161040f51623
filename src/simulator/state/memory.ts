import { randomUUID } from 'node:crypto'
import type { GameSize } from '../plan.ts'
import type { FinishedGame, GameHit } from '../records.ts'
import type { Hero } from '../roster.ts'
import { type Fight, type Fighter, forfeit, hit, isOver, startFight, winnerOf } from '../rules.ts'
import { type OpenGame, OpenGames, seatedFighters } from './openGames.ts'
import type {
  After,
  Blow,
  Ended,
  Entry,
  Left,
  Presence,
  Refusal,
  Round,
  Seat,
  State,
  Turn,
} from './state.ts'

export interface MemoryStateOptions {
  readonly heroes: readonly Hero[]
  /** Chooses the heroes of the n-th game that is opened. */
  readonly seed: string | number
  /** Names that may log in. */
  readonly usersMax: number
  /** Games at once, open and running. */
  readonly gamesMax: number
}

/** Ended games are remembered for late questions: this long, and this many at most. */
const endedKeptMs = 30_000
const endedMax = 10_000

interface RunningGame {
  readonly token: string
  readonly host: string
  /** As they started, in the order of the seats. */
  readonly seats: readonly Fighter[]
  readonly startedMs: number
  readonly hits: GameHit[]
  fight: Fight
}

interface EndedGame {
  readonly status: 'complete' | 'timedOut'
  readonly fighters: readonly Fighter[]
  readonly endedMs: number
}

const unknown: Refusal = { refused: 'UNKNOWN GAME TOKEN' }
const notIn: Refusal = { refused: 'USER NOT IN GAME' }

/** Games of one server process. Nothing in it waits: each call is done before it returns. */
export class MemoryState implements State {
  readonly #usersMax: number
  readonly #gamesMax: number
  readonly #tokensByName = new Map<string, string>()
  readonly #users = new Set<string>()
  readonly #open: OpenGames
  readonly #running = new Map<string, RunningGame>()
  /** Oldest first. */
  readonly #ended = new Map<string, EndedGame>()

  constructor({ heroes, seed, usersMax, gamesMax }: MemoryStateOptions) {
    this.#usersMax = usersMax
    this.#gamesMax = gamesMax
    this.#open = new OpenGames(heroes, seed)
  }

  /** Nobody shares it. */
  watch(): void {}

  async login(user: string): Promise<{ token: string; isNew: boolean } | null> {
    const known = this.#tokensByName.get(user)
    if (known) return { token: known, isNew: false }
    if (this.#tokensByName.size >= this.#usersMax) return null
    const token = randomUUID()
    this.#tokensByName.set(user, token)
    this.#users.add(token)
    return { token, isNew: true }
  }

  async isUser(userToken: string): Promise<boolean> {
    return this.#users.has(userToken)
  }

  async join(userToken: string, size: GameSize): Promise<Seat | null> {
    const isFull = this.#open.count + this.#running.size >= this.#gamesMax
    return this.#open.join(userToken, size, !isFull)
  }

  async enter(token: string, userToken: string, nowMs: number): Promise<Entry | Refusal> {
    const open = this.#open.get(token)
    if (open) return this.#enterOpen(open, userToken, nowMs)
    const running = this.#running.get(token)
    if (running && !has(running.seats, userToken)) return notIn
    return await this.look(token)
  }

  async look(token: string): Promise<Entry | Refusal> {
    if (this.#open.get(token)) return { status: 'waiting' }
    const running = this.#running.get(token)
    if (running) return { status: 'running', isStarting: false, round: roundOf(running) }
    const ended = this.#ended.get(token)
    return ended ? { status: ended.status } : unknown
  }

  async leave(token: string, leaving: readonly string[], nowMs: number): Promise<Left> {
    const open = this.#open.get(token)
    if (open) return { status: 'open', isEmpty: this.#open.leave(open, leaving) }
    const game = this.#running.get(token)
    if (!game) return { status: 'gone' }
    const earlier = game.fight.deaths.length
    game.fight = forfeit(game.fight, leaving)
    const fallen = game.fight.deaths.slice(earlier)
    return { status: 'running', fallen, after: this.#after(game, nowMs) }
  }

  async timeOutTurn(token: string, step: number, nowMs: number): Promise<Left> {
    const game = this.#running.get(token)
    const isStill = game !== undefined && standOf(game).step === step
    return await this.leave(token, isStill ? [turnOf(game.fight)] : [], nowMs)
  }

  async expire(token: string, nowMs: number): Promise<boolean> {
    const game = this.#open.get(token)
    if (!game) return false
    this.#open.close(game)
    this.#remember(token, { status: 'timedOut', fighters: seatedFighters(game), endedMs: nowMs })
    return true
  }

  async fighter(token: string, userToken: string): Promise<Fighter | Refusal> {
    const fighters = this.#fightersOf(token)
    if (!fighters) return unknown
    return fighters.find((one) => one.token === userToken) ?? notIn
  }

  async hit(
    token: string,
    userToken: string,
    enemy: string | null,
    nowMs: number,
  ): Promise<Blow | Refusal> {
    const game = this.#running.get(token)
    const fighters = game?.seats ?? this.#fightersOf(token)
    if (!fighters) return unknown
    if (!has(fighters, userToken)) return notIn
    if (enemy === null) return { made: null }
    if (!game) return { refused: this.#open.get(token) ? 'GAME NOT STARTED' : 'GAME IS OVER' }
    const made = hit(game.fight, userToken, enemy)
    if (typeof made === 'string') return { refused: made }
    const { fight, damage, healthPrior, healthPost } = made
    game.fight = fight
    game.hits.push({ user_token: userToken, enemy_token: enemy, enemy_damage: damage })
    return { made: { enemy, damage, healthPrior, healthPost, after: this.#after(game, nowMs) } }
  }

  /** Nobody else could report it. */
  async reported(): Promise<void> {}

  async present(): Promise<readonly Presence[]> {
    return []
  }

  async endAll(nowMs: number): Promise<readonly Ended[]> {
    const ended: Ended[] = []
    for (const game of this.#open.tokens) {
      await this.expire(game, nowMs)
      ended.push({ game, left: null })
    }
    for (const { token: game, seats } of [...this.#running.values()]) {
      const all = seats.map((seat) => seat.token)
      ended.push({ game, left: await this.leave(game, all, nowMs) })
    }
    return ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endAll(0)
    for (const kept of [this.#tokensByName, this.#users, this.#ended]) kept.clear()
  }

  #enterOpen(game: OpenGame, userToken: string, nowMs: number): Entry | Refusal {
    if (!game.seats.includes(userToken)) return notIn
    game.entered.add(userToken)
    if (game.entered.size < game.size) return { status: 'waiting' }
    this.#open.close(game)
    const { token, host } = game
    const seats = seatedFighters(game)
    const started = { token, host, seats, startedMs: nowMs, hits: [], fight: startFight(seats) }
    this.#running.set(token, started)
    return { status: 'running', isStarting: true, round: roundOf(started) }
  }

  #fightersOf(token: string): readonly Fighter[] | undefined {
    const open = this.#open.get(token)
    if (open) return seatedFighters(open)
    return this.#running.get(token)?.fight.fighters ?? this.#ended.get(token)?.fighters
  }

  #after(game: RunningGame, nowMs: number): After {
    const { fight } = game
    if (!isOver(fight)) return { ...standOf(game), finished: null }
    return { turn: null, finished: this.#finish(game, nowMs), winner: winnerOf(fight) }
  }

  #finish(game: RunningGame, nowMs: number): FinishedGame {
    const { token, host, seats, hits, fight, startedMs } = game
    this.#running.delete(token)
    this.#remember(token, { status: 'complete', fighters: fight.fighters, endedMs: nowMs })
    return {
      game_token: token,
      host,
      outcome: winnerOf(fight) === null ? 'abandoned' : 'complete',
      game: {
        participants: seats.map((seat) => ({ user_token: seat.token, superhero_id: seat.id })),
        hits,
        deaths: fight.deaths,
        started_at: new Date(startedMs).toISOString(),
        ended_at: new Date(nowMs).toISOString(),
      },
    }
  }

  #remember(token: string, game: EndedGame): void {
    this.#ended.set(token, game)
    for (const [oldest, { endedMs }] of this.#ended) {
      if (this.#ended.size <= endedMax && endedMs + endedKeptMs > game.endedMs) break
      this.#ended.delete(oldest)
    }
  }
}

const has = (fighters: readonly Fighter[], token: string) =>
  fighters.some((one) => one.token === token)

const turnOf = (fight: Fight): string => (fight.fighters[fight.turn] as Fighter).token

function standOf({ hits, fight }: RunningGame): Turn {
  return {
    turn: turnOf(fight),
    hits: hits.length,
    step: hits.length + fight.deaths.length,
  }
}

function roundOf(game: RunningGame): Round {
  return {
    participants: game.seats.map(({ token }) => token),
    fighters: game.fight.fighters,
    ...standOf(game),
  }
}
