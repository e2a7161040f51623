import type { Room } from '../../core/driver.ts'
import type { IncomingMessage } from '../../core/message.ts'
import { takeOut } from './liveInbox.ts'
import { dropSilent, type SubscriberState } from './liveSubscribers.ts'
import { Sleeper } from './sleeper.ts'
import { readStore, type Store } from './store.ts'
import { lookMs } from './waiting.ts'

/** What a live source and its receiver have in common. */
export interface LiveSubscription {
  readonly store: Store
  readonly channel: string
  /** The row of the subscriber. */
  readonly no: number
  readonly leaseMs: number
  /** Inside a transaction; undefined when it is gone. @throws CLOSED */
  readonly state: () => SubscriberState | undefined
}

interface LiveTaken {
  readonly messages: IncomingMessage[]
  readonly missed: number
  /** Nothing more comes. */
  readonly isLast: boolean
}

/** Inside a transaction: undefined when its lease has ended; then the subscriber is gone. */
export function aliveState({ store, no, state }: LiveSubscription): SubscriberState | undefined {
  const found = state()
  const nowMs = store.time.nowMs()
  if (!found || found.deadline_ms > nowMs) return found
  dropSilent(store.db, no, nowMs)
  return undefined
}

/** Takes messages for one subscriber, and waits for them without polling. */
export class LiveReceiver {
  readonly #of: LiveSubscription
  readonly #sleeper: Sleeper
  #isRung = false
  #isStopped = false
  #stopListening: (() => void) | null = null

  constructor(of: LiveSubscription) {
    this.#of = of
    this.#sleeper = new Sleeper(of.store.time.clock)
  }

  /** Takes at least one, or nothing when aborted or stopped; null: the subscription has ended. */
  async next(
    room: Room,
    missed: (count: number) => void,
    signal: AbortSignal,
  ): Promise<IncomingMessage[] | null> {
    const wake = () => this.#sleeper.wake()
    signal.addEventListener('abort', wake)
    try {
      for (;;) {
        this.#isRung = false
        const taken = await this.#take(room, signal)
        if (taken === 'aborted') return []
        if (!taken) return null
        if (taken.missed > 0) missed(taken.missed)
        if (taken.messages.length > 0 || taken.isLast) return taken.messages
        await this.#wait(signal)
        if (signal.aborted || this.#isStopped) return []
      }
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  /** Makes a wait look again. */
  wake(): void {
    this.#isRung = true
    this.#sleeper.wake()
  }

  /** Ends a wait, and every later one at once. */
  stop(): void {
    this.#isStopped = true
    this.#sleeper.wake()
    this.#stopListening?.()
  }

  async #take(room: Room, signal: AbortSignal): Promise<LiveTaken | null | 'aborted'> {
    const { writer } = this.#of.store
    try {
      return await writer.run('receive', () => this.#takeOnce(room), { signal, durable: false })
    } catch (error) {
      if (signal.aborted && (error as Error).cause === signal.reason) return 'aborted'
      throw error
    }
  }

  #takeOnce(room: Room): LiveTaken | null {
    const { store, channel, no, leaseMs } = this.#of
    const { db, time } = store
    const state = aliveState(this.#of)
    if (!state) return null
    const messages = takeOut(db, state, channel, room)
    db.run(
      'UPDATE subscriber SET deadline_ms = ?2, waiting = ?3, missed = 0 WHERE no = ?1',
      no,
      Math.ceil(time.nowMs() + leaseMs),
      messages.length > 0 ? 0 : 1,
    )
    return { messages, missed: state.missed, isLast: state.until !== null }
  }

  /** Until something rings, or a look finds something; the lease is renewed in time. */
  async #wait(signal: AbortSignal): Promise<void> {
    const { store, leaseMs, state: read } = this.#of
    this.#stopListening ??= store.bells.listen(() => this.wake())
    const isOver = () => this.#isRung || signal.aborted || this.#isStopped
    while (!isOver()) {
      await this.#sleeper.sleep(Math.max(1, Math.min(lookMs, leaseMs / 3)))
      if (isOver()) return
      const state = await readStore(store, 'receive', read)
      if (!state || state.cursor < state.next_seq) return
      if (state.deadline_ms - store.time.nowMs() <= (leaseMs * 2) / 3) return
    }
  }
}
