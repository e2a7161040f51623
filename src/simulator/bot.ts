import { type Clock, systemClock } from '../core/clock.ts'
import { NarrowcastError } from '../core/errors.ts'
import { whole } from '../runtime/checks.ts'
import { type PlayedGame, Session, type SessionOptions } from './bot/session.ts'
import type { GameSize } from './plan.ts'
import { type Random, randomFrom } from './random.ts'

export type { PlayedGame } from './bot/session.ts'

export interface BotOptions {
  /** `ws://127.0.0.1:5678` */
  readonly url: string
  readonly user: string
  /** The size of each game to play, one after the other. */
  readonly sizes: readonly GameSize[]
  /** Chooses its enemies. @default 1 */
  readonly seed?: string | number
  /** kept: one connection per route, for all games. perRoute: a new one each time. @default 'kept' */
  readonly connections?: 'kept' | 'perRoute'
  /** @default 10,000 */
  readonly answerTimeoutMs?: number
  /** Lobbies that may time out before the bot gives up a game. @default 3 */
  readonly lobbyTries?: number
  /** Connections that may fail, break or lead nowhere in a row. @default 10 */
  readonly connectTries?: number
  /** Awaited before each game; the number counts from 0. */
  readonly beforeGame?: (number: number) => Promise<void>
  readonly onGame?: (played: PlayedGame) => void
  /** Time from an attack to its answer. */
  readonly onAnswerMs?: (ms: number) => void
  /** Leaves at once; in a running game that is a forfeit. */
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

export interface BotSummary {
  /** Games that started, lost connections included. */
  readonly games: number
  readonly hits: number
  readonly won: number
  /** Games given up because no lobby filled. */
  readonly skipped: number
}

/**
 * Plays one player: logs in, and for each size finds a game, waits in its lobby and fights.
 * @throws CONNECT_FAILED, CONNECTION_LOST or UNAVAILABLE after `connectTries` in a row; ABORTED.
 */
export async function playBot(options: BotOptions): Promise<BotSummary> {
  const { user, sizes, seed = 1, signal = new AbortController().signal } = options
  const player = new Player(options, {
    url: options.url,
    user,
    random: randomFrom(`bot/${seed}/${user}`),
    connections: options.connections ?? 'kept',
    answerTimeoutMs: whole('answerTimeoutMs', options.answerTimeoutMs, 10_000, 1),
    onAnswerMs: options.onAnswerMs ?? null,
    signal,
  })
  const summary = { games: 0, hits: 0, won: 0, skipped: 0 }
  const leave = () => void player.leave()
  signal.addEventListener('abort', leave, { once: true })
  try {
    for (const [number, size] of sizes.entries()) {
      await options.beforeGame?.(number)
      const played = await player.play(size)
      if (played.outcome === 'timedOut') summary.skipped++
      else summary.games++
      summary.hits += played.hits
      if (played.isWon) summary.won++
      options.onGame?.(played)
    }
    return summary
  } finally {
    signal.removeEventListener('abort', leave)
    await player.leave()
  }
}

class Player {
  readonly #session: SessionOptions
  readonly #random: Random
  readonly #clock: Clock
  readonly #lobbyTries: number
  readonly #connectTries: number
  #current: Session | null = null

  constructor(options: BotOptions, session: SessionOptions) {
    this.#session = session
    this.#random = session.random
    this.#clock = options.clock ?? systemClock
    this.#lobbyTries = whole('lobbyTries', options.lobbyTries, 3, 1)
    this.#connectTries = whole('connectTries', options.connectTries, 10, 1)
  }

  /** Plays until a game has ended, or no lobby has filled. */
  async play(size: GameSize): Promise<PlayedGame> {
    let timeouts = 0
    let failures = 0
    for (;;) {
      try {
        const session = await this.#open()
        const played = await session.play(size)
        failures = 0
        if (played.outcome === 'lost') await this.leave()
        if (played.outcome !== 'timedOut' || ++timeouts >= this.#lobbyTries) return played
      } catch (error) {
        await this.leave()
        if (!mayTryAgain(error) || ++failures >= this.#connectTries) throw error
        await this.#clock.sleep(this.#backoffMs(failures), this.#session.signal)
      }
    }
  }

  async leave(): Promise<void> {
    const session = this.#current
    this.#current = null
    await session?.close()
  }

  async #open(): Promise<Session> {
    if (this.#session.signal.aborted) throw new NarrowcastError('ABORTED', 'bot: told to leave')
    if (this.#current) return this.#current
    const session = new Session(this.#session)
    this.#current = session
    await session.login()
    return session
  }

  /** 50 ms, doubled per failure up to 2 s, with full jitter. */
  #backoffMs(failures: number): number {
    return this.#random.below(Math.min(2_000, 50 * 2 ** failures)) + 1
  }
}

function mayTryAgain(error: unknown): boolean {
  if (!(error instanceof NarrowcastError)) return false
  return ['CONNECT_FAILED', 'CONNECTION_LOST', 'TIMEOUT', 'UNAVAILABLE'].includes(error.code)
}
