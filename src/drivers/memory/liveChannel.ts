import type { SubscriberSpec, WorkerRef } from '../../core/channel.ts'
import type { Clock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { LivePattern, OutgoingMessage, PublishOutcome } from '../../core/message.ts'
import { Inbox } from './inbox.ts'
import { bodyBytes, incoming } from './message.ts'
import { type Grants, Relays } from './relays.ts'

interface Refusal {
  readonly code: 'PAYLOAD_TOO_LARGE' | 'UNSUPPORTED'
  readonly message: string
  readonly hint: string
}

/** One broadcast or narrowcast: who is there now, and what each has not read yet. */
export class LiveChannel {
  readonly name: string
  readonly pattern: LivePattern
  readonly relays: Relays
  readonly #clock: Clock
  /** By worker id: a restart is never two receivers. */
  readonly #inboxes = new Map<string, Inbox>()

  constructor(name: string, pattern: LivePattern, clock: Clock, grants: Grants) {
    this.name = name
    this.pattern = pattern
    this.#clock = clock
    this.relays = new Relays(name, clock, grants)
  }

  /** Broadcast: to all who are there. Narrowcast: to the relay that leads. */
  publish(batch: readonly OutgoingMessage[], payloadBytesMax: number): PublishOutcome[] {
    const lead = this.relays.leading()
    const there = this.pattern === 'broadcast' ? this.#live() : lead ? [lead.inbox] : []
    const to = there.filter(({ isStopped }) => !isStopped)
    return batch.map((message): PublishOutcome => {
      const refused = this.refusal(message, payloadBytesMax)
      if (refused) return { state: 'refused', ...refused }
      const stored = incoming(message, bodyBytes(message.body))
      for (const inbox of to) inbox.put(stored)
      return { state: 'stored', duplicate: false, receivers: to.length }
    })
  }

  /** False when that worker is not there: exactly this id, exactly this start of it. */
  send(to: WorkerRef, message: OutgoingMessage): boolean {
    const inbox = this.find(to)
    if (!inbox || inbox.isStopped) return false
    inbox.put(incoming(message, bodyBytes(message.body)))
    return true
  }

  workers(): WorkerRef[] {
    return this.#live().flatMap(({ worker, isStopped }) => (isStopped ? [] : worker))
  }

  /** The inbox of a worker that is there. */
  find({ id, incarnation }: WorkerRef): Inbox | undefined {
    const inbox = this.#inboxes.get(id)
    if (inbox?.worker.incarnation !== incarnation) return undefined
    return this.#isLive(inbox) ? inbox : undefined
  }

  /** An inbox for a worker that has none; an earlier incarnation ends by that. */
  add(spec: SubscriberSpec): Inbox {
    this.#live()
    const { id, incarnation } = spec.worker
    this.#inboxes.get(id)?.end(this.#ended(id, `it started anew, as incarnation "${incarnation}"`))
    const inbox = new Inbox(spec, this.#clock, () => {})
    this.#inboxes.set(id, inbox)
    return inbox
  }

  leave(inbox: Inbox): void {
    const { id } = inbox.worker
    if (this.#inboxes.get(id) !== inbox) return
    this.#inboxes.delete(id)
    inbox.end(this.#ended(id, 'it has left'))
  }

  /** Drops all that waits unread; returns how many messages went to nobody by that. */
  purge(): number {
    const lead = this.relays.leading()
    const inboxes = lead ? [...this.#live(), lead.inbox] : this.#live()
    return inboxes.reduce((dropped, inbox) => dropped + inbox.clear(), 0)
  }

  /** The channel is gone, and with it all who were there. */
  close(): void {
    for (const [id, inbox] of this.#inboxes) inbox.end(this.#ended(id, 'the channel was removed'))
    this.#inboxes.clear()
    this.relays.close()
  }

  /** Why a message can never be handed over; null when it can. */
  refusal(message: OutgoingMessage, payloadBytesMax: number): Refusal | null {
    const where = `memory: ${this.pattern} "${this.name}"`
    const bytes = bodyBytes(message.body)
    if (bytes > payloadBytesMax) {
      const text = `${where}: a body of ${bytes} bytes exceeds the ${payloadBytesMax} of the channel`
      return { code: 'PAYLOAD_TOO_LARGE', message: text, hint: 'Send a smaller body.' }
    }
    if (message.delayMs === 0) return null
    const text = `${where} keeps nothing, so it cannot delay a message by ${message.delayMs} ms`
    return { code: 'UNSUPPORTED', message: text, hint: 'Delay on a queue or a stream.' }
  }

  #live(): Inbox[] {
    return [...this.#inboxes.values()].filter((inbox) => this.#isLive(inbox))
  }

  /** Ends the one whose lease is over. */
  #isLive(inbox: Inbox): boolean {
    if (!inbox.isOver(this.#clock.monotonicMs())) return true
    const { id } = inbox.worker
    const lost = inbox.unread === 0 ? '' : `, and ${inbox.unread} unread messages were dropped`
    const text = `its lease of ${inbox.spec.leaseMs} ms ended without a sign of life${lost}`
    this.#inboxes.delete(id)
    inbox.end(this.#ended(id, text))
    return false
  }

  #ended(id: string, why: string): NarrowcastError {
    const text = `memory: the subscription of "${id}" to ${this.pattern} "${this.name}" has ended: ${why}`
    const details = { driver: 'memory', channel: this.name, hint: 'Subscribe again.' }
    return new NarrowcastError('NOT_FOUND', text, details)
  }
}
