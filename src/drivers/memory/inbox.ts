import type { SubscriberSpec, WorkerRef } from '../../core/channel.ts'
import type { Clock } from '../../core/clock.ts'
import type { Room } from '../../core/driver.ts'
import type { NarrowcastError } from '../../core/errors.ts'
import type { IncomingMessage } from '../../core/message.ts'
import { handedOut } from './message.ts'
import { Slots } from './slots.ts'

/** Who reads an inbox: the source that was opened for it last. */
export interface InboxReader {
  /** Another source was opened for the same inbox. */
  replaced(): void
}

/** What waits unread for one live subscriber, and until when it counts as live. */
export class Inbox {
  spec: SubscriberSpec
  reader: InboxReader | null = null
  /** Why it was ended; null while it is not. */
  ended: NarrowcastError | null = null
  /** Nothing more comes in; what is there may be read. */
  isStopped = false
  /** Monotonic; while a receive waits the lease does not end. */
  deadlineMs = 0
  readonly #clock: Clock
  readonly #extended: () => void
  readonly #messages = new Slots<IncomingMessage>()
  #first = 0
  #next = 0
  #bytes = 0
  #missed = 0
  #endWait: (() => void) | null = null

  /** `extended` is called whenever `deadlineMs` has moved. */
  constructor(spec: SubscriberSpec, clock: Clock, extended: () => void) {
    this.spec = spec
    this.#clock = clock
    this.#extended = extended
    this.extend()
  }

  get worker(): WorkerRef {
    return this.spec.worker
  }

  get unread(): number {
    return this.#messages.size
  }

  /** How many went, since this was asked last: too many waited, or it was ended. */
  takeMissed(): number {
    const missed = this.#missed
    this.#missed = 0
    return missed
  }

  get isWaiting(): boolean {
    return this.#endWait !== null
  }

  isOver(nowMs: number): boolean {
    return !this.isWaiting && nowMs >= this.deadlineMs
  }

  /** The subscriber has shown that it lives. */
  extend(): void {
    this.deadlineMs = this.#clock.monotonicMs() + this.spec.leaseMs
    this.#extended()
  }

  /** Beyond `hold` the oldest goes; the newest always stays, and may exceed the bytes alone. */
  put(message: IncomingMessage): void {
    const { messages, bytes } = this.spec.hold
    this.#messages.add(this.#next++, message)
    this.#bytes += message.bytes
    while (this.unread > 1 && (this.unread > messages || this.#bytes > bytes)) {
      this.#shift()
      this.#missed++
    }
    this.#endWait?.()
  }

  /** What is there and fits; possibly nothing. */
  take(room: Room): IncomingMessage[] {
    const taken: IncomingMessage[] = []
    let bytes = 0
    while (this.unread > 0 && taken.length < room.messages) {
      bytes += (this.#messages.get(this.#first) as IncomingMessage).bytes
      if (taken.length > 0 && bytes > room.bytes) break
      taken.push(handedOut(this.#shift()))
    }
    return taken
  }

  /** Resolves when something came, the signal fired, or `stopWaiting` was called. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        signal.removeEventListener('abort', over)
        this.#endWait = null
        this.extend()
        resolve()
      }
      signal.addEventListener('abort', over)
      this.#endWait = over
    })
  }

  stopWaiting(): void {
    this.#endWait?.()
  }

  /** Nothing more comes, and what waits is gone. */
  end(why: NarrowcastError): void {
    this.ended = why
    this.#missed += this.clear()
    this.stopWaiting()
  }

  /** Drops what waits; returns how much it was. */
  clear(): number {
    const dropped = this.unread
    this.#messages.clear()
    this.#first = this.#next
    this.#bytes = 0
    return dropped
  }

  #shift(): IncomingMessage {
    const message = this.#messages.get(this.#first) as IncomingMessage
    this.#messages.delete(this.#first++)
    this.#bytes -= message.bytes
    return message
  }
}
