import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { whole } from '../runtime/checks.ts'
import type { BotSummary, PlayedGame } from './bot.ts'
import type { BotMessage, BotProcessSettings, GoMessage } from './botProcess.ts'
import type { Plan } from './plan.ts'

export interface BotsOptions {
  /** `ws://127.0.0.1:5678` */
  readonly url: string
  /** The games of each player; see `demoPlan` and `mixedPlan`. */
  readonly plan: Plan
  /** Chooses the bots' enemies. @default 1 */
  readonly seed?: string | number
  /** Names of the players. @default bot-01, bot-02 … */
  readonly names?: readonly string[]
  /** Over how many processes the players are spread. @default one each */
  readonly processes?: number
  /** @default 'kept' */
  readonly connections?: 'kept' | 'perRoute'
  /**
   * A round begins when all players have ended the one before. Without it a player may wait in
   * vain for the last seats. @default true
   */
  readonly isInRounds?: boolean
  readonly onEvent?: (event: BotEvent) => void
}

export type BotEvent =
  | { readonly type: 'round'; readonly round: number }
  | { readonly type: 'game'; readonly user: string; readonly played: PlayedGame }
  | { readonly type: 'exit'; readonly pid: number; readonly users: readonly string[] }

export interface BotsSummary extends BotSummary {
  /** Players that did not come to their end: killed, told to leave, or failed. */
  readonly missing: readonly { readonly user: string; readonly why: string }[]
}

export interface BotsRun extends AsyncDisposable {
  readonly processes: readonly { readonly pid: number; readonly users: readonly string[] }[]
  /** Resolves when all processes are gone; never rejects. `games` counts a game once per player. */
  readonly done: Promise<BotsSummary>
  /** SIGTERM, so that they leave; after 3 s SIGKILL. Resolves when all are gone. */
  stop(): Promise<void>
}

const killAfterMs = 3_000

/** Starts bots as processes of their own. @throws INVALID_ARGUMENT for an empty plan. */
export function runBots(options: BotsOptions): BotsRun {
  const { plan } = options
  whole('plan', plan.length, 0, 1)
  const count = Math.min(plan.length, whole('processes', options.processes, plan.length, 1))
  const players = plan.map((sizes, at) => ({ user: nameOf(options, at), sizes }))
  const common = {
    url: options.url,
    seed: options.seed ?? 1,
    connections: options.connections ?? 'kept',
    isGated: options.isInRounds ?? true,
  }
  const round = new RoundOfBots(options.onEvent ?? (() => {}))
  const children = Array.from({ length: count }, (_, process) =>
    round.start({ ...common, players: players.filter((_, at) => at % count === process) }),
  )
  const gone = Promise.all(children.map(({ exited }) => exited))
  async function stop(): Promise<void> {
    for (const { child } of children) child.kill('SIGTERM')
    const timer = setTimeout(() => {
      for (const { child } of children) child.kill('SIGKILL')
    }, killAfterMs)
    await gone
    clearTimeout(timer)
  }
  return {
    processes: children.map(({ child, users }) => ({ pid: child.pid ?? 0, users })),
    done: gone.then(() => round.summary()),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function nameOf({ names }: BotsOptions, at: number): string {
  return names?.[at] ?? `bot-${String(at + 1).padStart(2, '0')}`
}

interface Started {
  readonly child: ChildProcess
  readonly users: readonly string[]
  readonly exited: Promise<void>
}

/** Where each player stands; lets all begin the next round together. */
class RoundOfBots {
  readonly #onEvent: (event: BotEvent) => void
  readonly #children = new Set<ChildProcess>()
  /** Players that still play → the round they wait for, or null. */
  readonly #playing = new Map<string, number | null>()
  readonly #missing = new Map<string, string>()
  readonly #total = { games: 0, hits: 0, won: 0, skipped: 0 }

  constructor(onEvent: (event: BotEvent) => void) {
    this.#onEvent = onEvent
  }

  start(settings: BotProcessSettings): Started {
    const users = settings.players.map(({ user }) => user)
    for (const user of users) this.#playing.set(user, null)
    const child = fork(bodyPath(), [JSON.stringify(settings)], {
      execArgv: [],
      env: plainEnvironment(),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#children.add(child)
    child.on('message', (message: BotMessage) => this.#heard(message))
    const exited = new Promise<void>((resolve) => {
      const ended = (why: string) => {
        this.#gone(child, users, why)
        resolve()
      }
      child.once('error', (error) => ended(error.message))
      child.once('exit', (code, signal) => ended(signal ?? `exit ${code}`))
    })
    return { child, users, exited }
  }

  summary(): BotsSummary {
    return { ...this.#total, missing: [...this.#missing].map(([user, why]) => ({ user, why })) }
  }

  #heard(message: BotMessage): void {
    const { user } = message
    if (message.type === 'waiting') {
      this.#playing.set(user, message.round)
      this.#letBegin()
    } else if (message.type === 'game') {
      this.#count(message.played)
      this.#onEvent({ type: 'game', user, played: message.played })
    } else {
      if (message.type === 'failed') this.#missing.set(user, message.message)
      this.#playing.delete(user)
      this.#letBegin()
    }
  }

  #count({ outcome, hits, isWon }: PlayedGame): void {
    this.#total.hits += hits
    if (outcome === 'timedOut') this.#total.skipped++
    else this.#total.games++
    if (isWon) this.#total.won++
  }

  #gone(child: ChildProcess, users: readonly string[], why: string): void {
    if (!this.#children.delete(child)) return
    for (const user of users) {
      if (this.#playing.delete(user)) this.#missing.set(user, why)
    }
    this.#onEvent({ type: 'exit', pid: child.pid ?? 0, users })
    this.#letBegin()
  }

  /** The players left may be too few for their games: those they give up after some lobbies. */
  #letBegin(): void {
    const rounds = [...this.#playing.values()]
    if (rounds.length === 0 || rounds.includes(null)) return
    const round = Math.max(...rounds.map((waiting) => waiting ?? 0))
    for (const user of this.#playing.keys()) this.#playing.set(user, null)
    const go: GoMessage = { type: 'go', round }
    // One that has died, which is not known here yet, is told of by its exit.
    for (const child of this.#children) if (child.connected) child.send(go, () => {})
    this.#onEvent({ type: 'round', round })
  }
}

/** Beside this file, in the sources as in the build. */
function bodyPath(): string {
  const extension = extname(fileURLToPath(import.meta.url))
  return fileURLToPath(new URL(`./botProcess${extension}`, import.meta.url))
}

/** Node warns where both of these are set. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...environment } = process.env
  return environment
}
