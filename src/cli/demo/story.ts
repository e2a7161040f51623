import type { Feed } from '../output/feed.ts'
import type { Ledger, LedgerGame } from './ledger.ts'

/** `0:12` */
export function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

export interface StorySettings {
  readonly feed: Feed
  readonly ledger: Ledger
  /** Sentences for people, else words and numbers for pipes. */
  readonly isFancy: boolean
  readonly elapsedMs: () => number
  readonly leaseMs: number
}

/** Tells what happens, one line each, in the order of its meaning. */
export class Story {
  readonly #settings: StorySettings
  /** What the killed worker held and what of it has not come back. */
  #held: readonly LedgerGame[] = []
  #killed = ''
  #isReturnTold = false
  #skipped: LedgerGame[] = []
  #isSettledTold = false

  constructor(settings: StorySettings) {
    this.#settings = settings
  }

  /** null: nothing for these readers. */
  tell(fancy: string | null, plain: string | null): void {
    const { feed, isFancy, elapsedMs } = this.#settings
    const clock = clockText(elapsedMs())
    if (isFancy && fancy !== null) feed.say(` ${clock.padStart(4)}  ${fancy}`)
    if (!isFancy && plain !== null) feed.say(`${clock} ${plain}`)
  }

  started(workers: readonly { readonly name: string; readonly pid: number }[]): void {
    this.tell(
      `started  ${workers.map(({ name, pid }) => `${name} pid ${pid}`).join('   ')}`,
      `started ${workers.map(({ name, pid }) => `${name}=${pid}`).join(' ')}`,
    )
  }

  killed(name: string, pid: number, held: readonly LedgerGame[]): void {
    this.#held = held
    this.#killed = name
    this.tell(
      `KILLED   ${name} pid ${pid} with SIGKILL while it held ${messages(held.length)}`,
      `killed ${name}=${pid} holding ${held.length}`,
    )
  }

  /** Something was delivered, recognised or acked: tells of what the dead worker left. */
  changed(): void {
    if (this.#held.length === 0) return
    const back = this.#held.map((game) => ({ game, to: heir(game, this.#killed) }))
    if (!this.#isReturnTold && back.every(({ to }) => to !== null)) {
      this.#isReturnTold = true
      const where = back.map(({ game, to }) => `${game.label} to ${to}`).join(', ')
      const lease = this.#settings.leaseMs / 1_000
      this.tell(`redelivered ${back.length} after the ${lease} s lease: ${where}`, null)
    }
    if (!this.#isReturnTold) return
    this.#tellSkipped()
    if (this.#isSettledTold || !this.#held.every(isSettled)) return
    this.#isSettledTold = true
    const skipped = this.#held.filter((game) => game.recognisedBy !== null).length
    this.tell(null, `redelivered ${back.length} skipped ${skipped}`)
  }

  #tellSkipped(): void {
    for (const game of this.#held) {
      if (game.recognisedBy === null || this.#skipped.includes(game)) continue
      this.#skipped.push(game)
      this.tell(
        `${game.recognisedBy} found ${game.label} already written by ${this.#killed}, skipped it`,
        null,
      )
    }
  }
}

const isSettled = (game: LedgerGame) => game.ackedBy !== null || game.deadReason !== null

function heir(game: LedgerGame, killed: string): string | null {
  const after = game.deliveredTo.slice(game.deliveredTo.lastIndexOf(killed) + 1)
  return after[0] ?? null
}

function messages(count: number): string {
  return `${count} ${count === 1 ? 'message' : 'messages'}`
}
