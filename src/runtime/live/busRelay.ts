import type { ChannelSpec, WorkerRef } from '../../core/channel.ts'
import type { Lead, LiveEvents, Session } from '../../core/driver.ts'
import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import type { IncomingMessage, OutgoingMessage } from '../../core/message.ts'
import type { SubscriptionEvents } from '../api.ts'
import { backoffMs } from '../backoff.ts'
import { withDeadline } from '../deadline.ts'
import { Events } from '../events.ts'
import type { Pick } from '../strategies/pick.ts'
import type { RelayFrame } from '../telemetry/frame.ts'
import { abortedError } from '../thrown.ts'
import { untilAborted } from '../untilAborted.ts'
import { KeptLive, type LiveHost } from './keptLive.ts'
import type { Relay, RelayCounts, RelayDecision } from './relayApi.ts'
import { RelayBooks } from './relayBooks.ts'
import { RelayHold, type Waiting } from './relayHold.ts'
import type { RelayPlan } from './relayPlan.ts'
import { type Choice, type Routed, Router } from './router.ts'

/** Taken at once; the rest waits at the broker, up to the second bound. */
const room = { messages: 500, bytes: 1_048_576 }
const unread = { messages: 10_000, bytes: 67_108_864 }
/** While something waits for a worker, somebody looks for one so often. */
const lookMs = 250
const closeMsMax = 5_000
const againBackoff = { delayMsMin: 20, delayMsMax: 1_000 }

export interface RelayHost extends LiveHost {
  readonly spec: ChannelSpec
  readonly plan: RelayPlan
  readonly pick: Pick
  readonly worker: WorkerRef
  /** It is closed. */
  ended(): void
}

/** One candidate for the lead, and the loop of the one that has it. */
export class BusRelay implements Relay {
  readonly worker: WorkerRef
  readonly #host: RelayHost
  readonly #events = new Events()
  readonly #books: RelayBooks
  readonly #hold: RelayHold
  readonly #kept: KeptLive<Lead>
  readonly #stopping = new AbortController()
  readonly #ending = new AbortController()
  readonly #loop: Promise<void>
  #router: Router | null = null
  #closing: Promise<void> | null = null

  constructor(host: RelayHost) {
    this.#host = host
    this.worker = host.worker
    this.#books = new RelayBooks(host.spec.name, host.plan, this.#events)
    this.#hold = new RelayHold(host.plan.hold)
    this.#kept = new KeptLive<Lead>(host, this.#events, {
      open: (session, signal) => this.#lead(session, signal),
      says: { opening: 'it stands by', open: 'it leads' },
    })
    this.#loop = this.#run()
  }

  get isReady(): boolean {
    return this.#kept.isReady
  }

  get counts(): RelayCounts {
    return { ...this.#books.counts, held: this.#hold.size }
  }

  get routedTo(): ReadonlyMap<string, number> {
    return this.#books.routedTo
  }

  get frame(): RelayFrame {
    const { noWorker, ...counts } = this.counts
    const where = { channel: this.#host.spec.name, worker: this.worker.id, leads: this.isReady }
    return { ...where, ...counts, no_worker: noWorker }
  }

  ready(signal?: AbortSignal): Promise<void> {
    return untilAborted(this.#kept.ready, signal, () =>
      abortedError('ready', signal as AbortSignal),
    )
  }

  on<E extends keyof SubscriptionEvents>(
    event: E,
    listener: (what: SubscriptionEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #lead(session: Session, signal: AbortSignal): Promise<Lead> {
    const { spec, plan, pick, clock } = this.#host
    const { live, info } = session
    if (!live?.lead) {
      throw new NarrowcastError('INTERNAL', `${info.product} claims relays and has no lead`)
    }
    const candidate = { worker: this.worker, leaseMs: plan.leaseMs, hold: unread }
    const on: LiveEvents = { gap: (missed, why) => this.#events.emit('gap', { missed, why }) }
    const chosen = (choices: readonly Choice[]) => this.#books.decided(choices.map(decisionOf))
    this.#router = new Router({ session, spec, clock, pick, chosen })
    return live.lead(spec, candidate, on, signal)
  }

  async #run(): Promise<void> {
    const stop = this.#stopping.signal
    try {
      while (!stop.aborted) {
        const lead = await this.#kept.open(stop)
        await this.#take(lead, await this.#receive(lead))
      }
      await this.#readOut()
    } catch (error) {
      // Only a relay that can never lead ends here; `ready` rejects with the same.
      if (!stop.aborted) this.#events.emit('error', { id: null, error: asNarrowcastError(error) })
    }
  }

  async #take(lead: Lead, messages: readonly IncomingMessage[]): Promise<void> {
    if (messages.length > 0) await this.#books.taken(messages)
    const takenMs = this.#host.clock.monotonicMs()
    const taken = messages.map((message) => ({ message, takenMs }))
    const all = [...this.#hold.takeAll(), ...taken]
    for (let from = 0; from < all.length; from += room.messages) {
      await this.#route(lead, all.slice(from, from + room.messages))
      // Nobody is there: what came later must not go first to one who comes now.
      if (this.#hold.size > 0) return this.#wait(lead, all.slice(from + room.messages))
    }
  }

  /** Nobody publishes to it any more; what it was given goes out while it leads. */
  async #readOut(): Promise<void> {
    const lead = this.#kept.present
    const end = this.#ending.signal
    if (!lead || !(await this.#kept.stop(lead, end))) return
    for (;;) {
      const messages = await this.#kept.receive(lead, room, end)
      if (messages.length === 0) return
      await this.#take(lead, messages)
    }
  }

  #receive(lead: Lead): Promise<IncomingMessage[]> {
    const stop = this.#stopping.signal
    if (this.#hold.size === 0) return this.#kept.receive(lead, room, stop)
    return withDeadline(this.#host.clock, lookMs, stop, null, (signal) =>
      this.#kept.receive(lead, room, signal),
    )
  }

  /** What could not be sent for certain is tried again, for as long as the lead is ours. */
  async #route(lead: Lead, batch: readonly Waiting[]): Promise<void> {
    const { clock, random } = this.#host
    let left = batch
    for (let failures = 0; left.length > 0; failures++) {
      if (clock.monotonicMs() >= this.#kept.ownedUntilMs) this.#kept.failed(lead, this.#overdue())
      if (!this.#kept.has(lead)) return this.#drop(left, this.#kept.why)
      if (this.#ending.signal.aborted) return this.#drop(left, 'the relay is closed')
      left = await this.#routeOnce(lead, left)
      if (left.length === 0) return
      await clock.sleep(backoffMs(failures, againBackoff, random), this.#ending.signal)
    }
  }

  /** @returns what is to be tried again. */
  async #routeOnce(lead: Lead, batch: readonly Waiting[]): Promise<Waiting[]> {
    const router = this.#router as Router
    const messages = batch.map(({ message }) => outgoing(message))
    const routes = await router.route(messages, lead, this.#ending.signal)
    const ended = Map.groupBy(batch.keys(), (n) => (routes[n] as Routed).kind)
    const of = (kind: Routed['kind']) => (ended.get(kind) ?? []).map((n) => batch[n] as Waiting)
    for (const one of routes) if (one.kind === 'handed') this.#books.handed(one.to, one.isReroute)
    this.#books.lost('unknown', messagesOf(of('unknown')), this.#unknown())
    if (of('fenced').length > 0) this.#kept.failed(lead, this.#fenced())
    this.#drop(of('fenced'), 'another relay leads')
    await this.#wait(lead, of('no-worker'))
    return this.#again(lead, batch, routes)
  }

  /** What the broker refuses for good is given up, or it would be in the way for ever. */
  #again(lead: Lead, batch: readonly Waiting[], routes: readonly Routed[]): Waiting[] {
    return batch.filter((one, n) => {
      const routed = routes[n] as Routed
      if (routed.kind !== 'failed') return false
      const { error } = routed
      this.#kept.failed(lead, error)
      if (error.retryable || !this.#kept.has(lead)) return true
      this.#books.lost('dropped', [one.message], error)
      return false
    })
  }

  async #wait(lead: Lead, batch: readonly Waiting[]): Promise<void> {
    if (!this.#kept.has(lead)) return this.#drop(batch, this.#kept.why)
    const over = this.#hold.put(batch, this.#host.clock.monotonicMs())
    await this.#books.noWorker(messagesOf(over), this.#noWorker())
  }

  #drop(batch: readonly Waiting[], why: string): void {
    const { name } = this.#host.spec
    const text = `relay of "${name}": a message was given up, for the lead is lost: ${why}`
    const error = new NarrowcastError('FENCED', text, { channel: name })
    this.#books.lost('dropped', messagesOf(batch), error)
  }

  async #close(): Promise<void> {
    this.#stopping.abort()
    await withDeadline(this.#host.clock, closeMsMax, null, null, async (deadline) => {
      deadline.addEventListener('abort', () => this.#ending.abort(null))
      // In both `onDecision` may hang.
      await untilAborted(this.#loop, deadline).catch(() => undefined)
      const told = this.#books.noWorker(messagesOf(this.#hold.takeAll()), this.#noWorker())
      await untilAborted(told, deadline).catch(() => undefined)
    })
    await this.#kept.close()
    this.#host.ended()
  }

  #noWorker(): NarrowcastError {
    const { name } = this.#host.spec
    const text = `relay of "${name}": no live worker was there to be given a message`
    return new NarrowcastError('NO_WORKER', text, {
      channel: name,
      hint: 'Subscribe a worker, or let the newest wait for one: hold: { messages, ms }.',
    })
  }

  #unknown(): NarrowcastError {
    const { name } = this.#host.spec
    const text = `relay of "${name}": one worker may have been given a message; no other is`
    return new NarrowcastError('CONNECTION_LOST', text, { channel: name })
  }

  #fenced(): NarrowcastError {
    const { name } = this.#host.spec
    const text = `relay of "${name}": another relay leads; nothing was sent`
    return new NarrowcastError('FENCED', text, { channel: name })
  }

  #overdue(): NarrowcastError {
    const { name } = this.#host.spec
    const text = `relay of "${name}": the lease of ${this.#host.plan.leaseMs} ms was not renewed in time`
    return new NarrowcastError('FENCED', text, { channel: name })
  }
}

function decisionOf({ message, to, isReroute }: Choice): RelayDecision {
  return { id: message.id, kind: isReroute ? 'rerouted' : 'routed', to }
}

function messagesOf(batch: readonly Waiting[]): IncomingMessage[] {
  return batch.map(({ message }) => message)
}

/** As it was published; whoever has the relay behind them may see an id again, so none is deduped. */
function outgoing({ bytes, ...message }: IncomingMessage): OutgoingMessage {
  return { ...message, delayMs: 0, redrives: 0, dedupeId: null }
}
