import { systemClock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { GameSize } from '../plan.ts'
import type { Random } from '../random.ts'
import { type Frame, Line } from './line.ts'

export interface SessionOptions {
  readonly url: string
  readonly user: string
  readonly random: Random
  /** kept: one connection per route, for all games. perRoute: a new one whenever one is needed. */
  readonly connections: 'kept' | 'perRoute'
  readonly answerTimeoutMs: number
  readonly signal: AbortSignal
  readonly onAnswerMs: ((ms: number) => void) | null
}

export interface PlayedGame {
  readonly game: string
  readonly size: GameSize
  /** timedOut: the lobby did not fill. lost: the connection broke while it ran. */
  readonly outcome: 'complete' | 'timedOut' | 'lost'
  readonly hits: number
  readonly isWon: boolean
}

const paths = {
  login: '/api/v1/login',
  find: '/api/v1/game/find',
  lobby: '/api/v1/game/lobby',
  hero: '/api/v1/game/hero',
  action: '/api/v1/game/action',
} as const

type RouteName = keyof typeof paths

/** A lobby is silent while others think; the server ends a game long before this. */
const lobbyQuietMs = 120_000

/** Between two tries of a turn at a server without its state; in all as long as a turn may take. */
const awayMs = 200
const awayTriesMax = 150

/** One player who is logged in, on connections of its own. */
export class Session {
  readonly #options: SessionOptions
  readonly #lines = new Map<RouteName, Line>()
  #userToken = ''

  constructor(options: SessionOptions) {
    this.#options = options
  }

  async login(): Promise<void> {
    const line = await this.#line('login')
    let frame = await line.ask({ USER: this.#options.user })
    if (frame.STATUS === 'USER CREATED') frame = await line.next()
    this.#userToken = textIn(frame, 'USER_TOKEN')
    await this.#hangUp('login')
  }

  /** Finds a game of that size and plays it to its end. */
  async play(size: GameSize): Promise<PlayedGame> {
    const find = await this.#line('find')
    const joined = await find.ask({ USER_TOKEN: this.#userToken, PARTICIPANTS: size })
    const fight = new BotFight(textIn(joined, 'GAME_TOKEN'), size, this.#userToken)
    if (this.#options.connections === 'perRoute') await this.#hangUp('find')
    try {
      const lobby = await this.#line('lobby')
      lobby.send({ GAME_TOKEN: fight.game, USER_TOKEN: this.#userToken })
      return await this.#listen(lobby, fight)
    } catch (error) {
      if (isBroken(error) && fight.hasStarted) return fight.ended('lost', false)
      throw error
    } finally {
      if (this.#options.connections === 'perRoute') await this.close()
    }
  }

  /** Hangs up on every route. In a running game that is a forfeit. */
  async close(): Promise<void> {
    await Promise.all([...this.#lines.keys()].map((name) => this.#hangUp(name)))
  }

  async #listen(lobby: Line, fight: BotFight): Promise<PlayedGame> {
    for (;;) {
      const frame = await lobby.next()
      // A kept connection may still hold the end of an earlier game.
      if (frame.PAYLOAD?.GAME_TOKEN !== undefined && frame.PAYLOAD.GAME_TOKEN !== fight.game)
        continue
      const status = (frame.STATUS as { GAME?: unknown } | undefined)?.GAME
      if (status === 'START') fight.start(frame)
      else if (status === "USER'S TURN") await this.#act(fight)
      else if (status === 'COMPLETE') return fight.ended('complete', await this.#isWinner(fight))
      else if (status === 'TIMED OUT') return fight.ended('timedOut', false)
      else throw unexpected(frame)
    }
  }

  /** The server asked may have lost its state while that of the lobby has it: asked again. */
  async #act(fight: BotFight): Promise<void> {
    for (let tries = 0; tries < awayTriesMax; tries++) {
      if (await this.#hasActed(fight)) return
      await systemClock.sleep(awayMs, this.#options.signal)
    }
  }

  /** False: the server cannot say, and asked again it refuses what was done already. */
  async #hasActed(fight: BotFight): Promise<boolean> {
    const enemy = await this.#unlessAway(this.#chooseEnemy(fight))
    if (enemy === undefined) return false
    const line = await this.#line('action')
    const sentMs = performance.now()
    const frame = await line.ask({
      GAME_TOKEN: fight.game,
      USER_TOKEN: this.#userToken,
      ENEMY_TOKEN: enemy,
      ACTION: 'ATTACK',
    })
    this.#options.onAnswerMs?.(performance.now() - sentMs)
    // Any other answer means that the game has ended meanwhile; the lobby says how.
    const details = (frame.STATUS as { DETAILS?: { ENEMY_HEALTH_POST?: unknown } } | undefined)
      ?.DETAILS
    if (enemy !== null && details !== undefined) fight.hit(enemy, details.ENEMY_HEALTH_POST === 0)
    return frame.STATUS !== stateAway
  }

  /** By chance among the living; null when there is none. */
  async #chooseEnemy(fight: BotFight): Promise<string | null> {
    while (fight.enemies.size > 1) {
      const enemies = [...fight.enemies]
      const enemy = enemies[this.#options.random.below(enemies.length)] as string
      if (await this.#isAlive(fight.game, enemy)) return enemy
      fight.enemies.delete(enemy)
    }
    const [last] = fight.enemies
    return last ?? null
  }

  async #isWinner(fight: BotFight): Promise<boolean> {
    if (fight.hasKilledAll) return true
    return (await this.#unlessAway(this.#isAlive(fight.game, this.#userToken))) ?? false
  }

  /** Undefined where the server cannot say. */
  async #unlessAway<T>(answer: Promise<T>): Promise<T | undefined> {
    try {
      return await answer
    } catch (error) {
      if (error instanceof NarrowcastError && error.code === 'UNAVAILABLE') return undefined
      throw error
    }
  }

  async #isAlive(game: string, userToken: string): Promise<boolean> {
    const line = await this.#line('hero')
    const frame = await line.ask({ GAME_TOKEN: game, USER_TOKEN: userToken })
    if (frame.STATUS === stateAway) throw unexpected(frame)
    const hero = frame.PAYLOAD?.HERO as { health?: unknown } | undefined
    return typeof hero?.health === 'number' && hero.health > 0
  }

  async #line(name: RouteName): Promise<Line> {
    const kept = this.#lines.get(name)
    if (kept?.isOpen) return kept
    const { url, answerTimeoutMs, signal } = this.#options
    const answerMs = name === 'lobby' ? lobbyQuietMs : answerTimeoutMs
    const line = await Line.open(url, paths[name], { connectMs: answerTimeoutMs, answerMs }, signal)
    this.#lines.set(name, line)
    return line
  }

  async #hangUp(name: RouteName): Promise<void> {
    const line = this.#lines.get(name)
    this.#lines.delete(name)
    await line?.close()
  }
}

/** What the bot knows of the game it plays. */
class BotFight {
  readonly game: string
  readonly size: GameSize
  /** User tokens of those not known to be dead. */
  readonly enemies = new Set<string>()
  hasStarted = false
  readonly #userToken: string
  #hits = 0

  constructor(game: string, size: GameSize, userToken: string) {
    this.game = game
    this.size = size
    this.#userToken = userToken
  }

  get hasKilledAll(): boolean {
    return this.hasStarted && this.enemies.size === 0
  }

  start(frame: Frame): void {
    const participants = frame.PAYLOAD?.PARTICIPANTS
    if (!Array.isArray(participants)) throw unexpected(frame)
    this.hasStarted = true
    for (const token of participants) {
      if (token !== this.#userToken) this.enemies.add(String(token))
    }
  }

  hit(enemy: string, isDead: boolean): void {
    this.#hits++
    if (isDead) this.enemies.delete(enemy)
  }

  ended(outcome: PlayedGame['outcome'], isWon: boolean): PlayedGame {
    return { game: this.game, size: this.size, outcome, hits: this.#hits, isWon }
  }
}

const isBroken = (error: unknown) =>
  error instanceof NarrowcastError && ['CONNECTION_LOST', 'TIMEOUT'].includes(error.code)

function textIn(frame: Frame, field: string): string {
  const value = frame.PAYLOAD?.[field]
  if (typeof value === 'string') return value
  throw unexpected(frame)
}

/** The server has lost its state for a while. */
const stateAway = 'STATE UNAVAILABLE'
/** It has lost it for good: another login helps. */
const forgotten = 'UNKNOWN USER TOKEN'

function unexpected(frame: Frame): NarrowcastError {
  if (frame.STATUS === stateAway || frame.STATUS === forgotten) {
    return new NarrowcastError('UNAVAILABLE', `bot: the server answered ${frame.STATUS}`)
  }
  const text = `bot: the server answered ${JSON.stringify(frame).slice(0, 200)}`
  return new NarrowcastError('INTERNAL', text)
}
