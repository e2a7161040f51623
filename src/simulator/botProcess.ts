import { asNarrowcastError } from '../core/errors.ts'
import { type BotSummary, type PlayedGame, playBot } from './bot.ts'
import type { GameSize } from './plan.ts'

/** The one argument of the process, as JSON. */
export interface BotProcessSettings {
  readonly url: string
  readonly seed: string | number
  readonly connections: 'kept' | 'perRoute'
  readonly players: readonly { readonly user: string; readonly sizes: readonly GameSize[] }[]
  /** Each player waits for `go` before each of its games. */
  readonly isGated: boolean
}

/** What the process tells its parent over IPC. */
export type BotMessage =
  | { readonly type: 'waiting'; readonly user: string; readonly round: number }
  | { readonly type: 'game'; readonly user: string; readonly played: PlayedGame }
  | { readonly type: 'done'; readonly user: string; readonly summary: BotSummary }
  | {
      readonly type: 'failed'
      readonly user: string
      readonly code: string
      readonly message: string
    }

/** What the parent tells the process: every player may begin this round. */
export interface GoMessage {
  readonly type: 'go'
  readonly round: number
}

const stopping = new AbortController()
const { signal } = stopping

/** Rounds that may begin, and who waits for one. */
let roundsOpen = 0
let wake: (() => void)[] = []

function open(rounds: number): void {
  roundsOpen = Math.max(roundsOpen, rounds)
  const waiting = wake
  wake = []
  for (const done of waiting) done()
}

async function gate(user: string, round: number): Promise<void> {
  tell({ type: 'waiting', user, round })
  while (round >= roundsOpen && !signal.aborted) {
    await new Promise<void>((done) => wake.push(done))
  }
}

function tell(message: BotMessage): void {
  // Where the parent is gone there is nobody to tell; 'disconnect' then ends the games. The
  // callback takes the error of a pipe that broke between the check and the write.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

function stop(): void {
  stopping.abort()
  open(0)
}

async function play(
  { url, seed, connections, isGated }: BotProcessSettings,
  { user, sizes }: BotProcessSettings['players'][number],
): Promise<boolean> {
  try {
    const summary = await playBot({
      ...{ url, user, sizes, seed, connections, signal },
      onGame: (played) => tell({ type: 'game', user, played }),
      beforeGame: (round) => (isGated ? gate(user, round) : Promise.resolve()),
    })
    tell({ type: 'done', user, summary })
    if (!process.connected) process.stdout.write(`${JSON.stringify({ user, ...summary })}\n`)
    return true
  } catch (error) {
    const { code, message } = asNarrowcastError(error)
    tell({ type: 'failed', user, code, message })
    if (!process.connected && !signal.aborted) process.stderr.write(`${user}: ${message}\n`)
    return false
  }
}

/** 0: all players are through. 1: one has failed. 143: told to leave by SIGTERM or the parent. */
async function main(): Promise<number> {
  const settings = JSON.parse(process.argv[2] ?? '') as BotProcessSettings
  process.on('SIGTERM', stop)
  // Ctrl-C reaches the whole group; where there is a parent, it decides.
  process.on('SIGINT', () => {
    if (!process.connected) stop()
  })
  process.on('disconnect', stop)
  process.on('message', (message: GoMessage) => open(message.round + 1))
  const ended = await Promise.all(settings.players.map((player) => play(settings, player)))
  if (signal.aborted) return 143
  return ended.every(Boolean) ? 0 : 1
}

process.exitCode = await main()
if (process.connected) process.disconnect()
