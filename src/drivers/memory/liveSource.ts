import type { Lead, LiveEvents, LiveSource, Room } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { IncomingMessage } from '../../core/message.ts'
import type { Inbox, InboxReader } from './inbox.ts'
import type { Granted } from './relays.ts'

export interface LiveSourceOptions {
  readonly channel: string
  readonly on: LiveEvents
  readonly resumed: boolean
  /** Lets time do its work: the lease may be over. */
  readonly refresh: () => void
  /** The subscriber goes, in order. */
  readonly leave: () => void
  /** The source is closed, for whatever reason. */
  readonly closed: (source: MemoryLiveSource) => void
}

/** Reads one inbox, until it is disposed or opened anew on another session. */
export class MemoryLiveSource implements LiveSource, InboxReader {
  readonly leaseMs: number
  readonly resumed: boolean
  readonly #inbox: Inbox
  readonly #options: LiveSourceOptions
  #isClosed = false
  #isReceiving = false

  constructor(inbox: Inbox, options: LiveSourceOptions) {
    this.leaseMs = inbox.spec.leaseMs
    this.resumed = options.resumed
    this.#inbox = inbox
    this.#options = options
    inbox.reader?.replaced()
    inbox.reader = this
    inbox.extend()
  }

  async receive(room: Room, signal: AbortSignal): Promise<IncomingMessage[]> {
    this.#check('receive')
    if (this.#isReceiving) throw this.#error('INVALID_ARGUMENT', 'receive is under way already')
    if (!(room.messages >= 1)) {
      throw this.#error('INVALID_ARGUMENT', `receive: room for ${room.messages} messages`)
    }
    this.#isReceiving = true
    try {
      while (!(signal.aborted || this.#isClosed)) {
        this.#checkLives()
        const messages = this.#inbox.take(room)
        if (messages.length > 0) {
          const missed = this.#inbox.takeMissed()
          if (missed > 0) this.#options.on.gap(missed, 'overflow')
          return messages
        }
        if (this.#inbox.isStopped) return []
        await this.#inbox.wait(signal)
      }
      return []
    } finally {
      this.#isReceiving = false
    }
  }

  async renew(): Promise<void> {
    this.#check('renew')
    this.#checkLives()
  }

  async stop(): Promise<void> {
    this.#check('stop')
    this.#checkLives()
    this.#inbox.isStopped = true
    this.#inbox.stopWaiting()
  }

  /** Ends this source alone: what waits unread goes on waiting, for as long as the lease holds. */
  replaced(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#inbox.stopWaiting()
    this.#options.closed(this)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.replaced()
    this.#options.leave()
  }

  /** @throws NOT_FOUND, FENCED */
  #checkLives(): void {
    this.#options.refresh()
    if (this.#inbox.ended) throw this.#inbox.ended
    this.#inbox.extend()
  }

  #check(operation: string): void {
    if (this.#isClosed) throw this.#error('CLOSED', `${operation}: the source was closed`)
  }

  #error(code: 'CLOSED' | 'INVALID_ARGUMENT', text: string): NarrowcastError {
    const { channel } = this.#options
    return new NarrowcastError(code, `memory: ${text}`, { driver: 'memory', channel })
  }
}

/** Reads the inbox of the relay that leads. */
export class MemoryLead extends MemoryLiveSource implements Lead {
  readonly fence: string

  constructor({ fence, inbox }: Granted, options: LiveSourceOptions) {
    super(inbox, options)
    this.fence = fence
  }
}
