import type { ChannelSpec, WorkerRef } from '../../core/channel.ts'
import type { Lead, LiveEvents, Session } from '../../core/driver.ts'
import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import type { IncomingMessage, OutgoingMessage } from '../../core/message.ts'
import type { SubscriptionEvents } from '../api.ts'
import { backoffMs } from '../backoff.ts'
import { withDeadline } from '../deadline.ts'
import { graceMsMax } from '../drain.ts'
import { Events } from '../events.ts'
import type { Pick } from '../strategies/pick.ts'
import type { RelayFrame } from '../telemetry/frame.ts'
import { abortedError } from '../thrown.ts'
import { untilAborted } from '../untilAborted.ts'
import { KeptLive, type LiveHost } from './keptLive.ts'
import type { Relay, RelayCounts, RelayDecision } from './relayApi.ts'
import { RelayBooks } from './relayBooks.ts'
import { RelayErrors } from './relayErrors.ts'
import { messagesOf, RelayHold, type Waiting } from './relayHold.ts'
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
  readonly #errors: RelayErrors
  readonly #hold: RelayHold
  readonly #kept: KeptLive<Lead>
  readonly #stopping = new AbortController()
  /** What has not been sent by then is given up. */
  readonly #ending = new AbortController()
  readonly #closed = new AbortController()
  readonly #loop: Promise<void>
  #router: Router | null = null
  #closing: Promise<void> | null = null

  constructor(host: RelayHost) {
    this.#host = host
    this.worker = host.worker
    const { name } = host.spec
    this.#errors = new RelayErrors(name)
    this.#books = new RelayBooks(name, host.plan, this.#events, this.#ending.signal)
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

  /** The earliest deadline holds when it is called more than once. */
  close(deadline?: AbortSignal): Promise<void> {
    const end = () => this.#ending.abort(null)
    if (deadline?.aborted) end()
    else deadline?.addEventListener('abort', end)
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
    this.#router = new Router({ session, spec, clock, pick, chosen: (to) => this.#chosen(to) })
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
    await this.#noWorker(() => this.#hold.take(room.messages))
  }

  /** A send that its book may not know of is none: who closes waits for no book. */
  async #chosen(choices: readonly Choice[]): Promise<void> {
    await this.#books.decided(choices.map(decisionOf))
    if (this.#ending.signal.aborted) throw this.#errors.closed()
  }

  async #take(lead: Lead, messages: readonly IncomingMessage[]): Promise<void> {
    if (messages.length > 0) await this.#books.taken(messages)
    const takenMs = this.#host.clock.monotonicMs()
    const taken = messages.map((message) => ({ message, takenMs }))
    await this.#expire()
    // What came later must not go first to one who comes now.
    if (await this.#routeHeld(lead)) await this.#route(lead, taken)
    else this.#hold.put(taken)
    await this.#expire()
  }

  /** So many at once, with a turn between: much may wait. @returns false when some waits on. */
  async #routeHeld(lead: Lead): Promise<boolean> {
    if (this.#hold.size === 0) return true
    if (!(await this.#hasWorkers(lead)) && this.#kept.has(lead)) return false
    while (this.#hold.size > 0) {
      const batch = this.#hold.take(room.messages)
      const rest = this.#hold.size
      await this.#route(lead, batch)
      if (this.#hold.size > rest) return false
      if (rest > 0) await turn()
    }
    return true
  }

  async #hasWorkers(lead: Lead): Promise<boolean> {
    const signal = this.#ending.signal
    if (!this.#kept.has(lead)) return false
    try {
      return await (this.#router as Router).hasWorkers(signal)
    } catch (cause) {
      if (!signal.aborted) this.#kept.failed(lead, asNarrowcastError(cause))
      return false
    }
  }

  async #expire(): Promise<void> {
    const nowMs = this.#host.clock.monotonicMs()
    await this.#noWorker(() => this.#hold.takeOver(nowMs, room.messages))
  }

  async #noWorker(next: () => readonly Waiting[]): Promise<void> {
    for (let batch = next(); batch.length > 0; batch = next()) {
      await this.#books.noWorker(messagesOf(batch), this.#errors.noWorker())
      if (this.#hold.size > 0) await turn()
    }
  }

  /** Nobody publishes to it any more; what it was given goes out while it leads, or is told. */
  async #readOut(): Promise<void> {
    const lead = this.#kept.present
    const end = this.#ending.signal
    if (!lead || !(await this.#kept.stop(lead, this.#closed.signal))) return
    while (!end.aborted) {
      const messages = await this.#kept.receive(lead, room, end)
      if (messages.length === 0) break
      await this.#take(lead, messages)
    }
    while (this.#kept.has(lead)) {
      const late = await this.#kept.receive(lead, unread, this.#closed.signal)
      if (late.length === 0) return
      await this.#books.taken(late)
      this.#books.lost('dropped', late, this.#errors.closed())
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
    const { clock, random, plan } = this.#host
    const overdue = () => this.#errors.overdue(plan.leaseMs)
    let left = batch
    for (let failures = 0; left.length > 0; failures++) {
      if (clock.monotonicMs() >= this.#kept.ownedUntilMs) this.#kept.failed(lead, overdue())
      if (!this.#kept.has(lead)) return this.#drop(left, this.#errors.leadLost(this.#kept.why))
      if (this.#ending.signal.aborted) return this.#drop(left, this.#errors.closed())
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
    this.#books.lost('unknown', messagesOf(of('unknown')), this.#errors.unknown())
    if (of('fenced').length > 0) this.#kept.failed(lead, this.#errors.fenced())
    this.#drop(of('fenced'), this.#errors.leadLost('another relay leads'))
    if (this.#kept.has(lead)) this.#hold.putBack(of('no-worker'))
    else this.#drop(of('no-worker'), this.#errors.leadLost(this.#kept.why))
    return this.#again(lead, batch, routes)
  }

  /** What the broker refuses for good is given up, or it would be in the way for ever. */
  #again(lead: Lead, batch: readonly Waiting[], routes: readonly Routed[]): Waiting[] {
    return batch.filter((one, n) => {
      const routed = routes[n] as Routed
      if (routed.kind !== 'failed') return false
      if (this.#ending.signal.aborted) return true
      const { error } = routed
      this.#kept.failed(lead, error)
      if (error.retryable || !this.#kept.has(lead)) return true
      this.#books.lost('dropped', [one.message], error)
      return false
    })
  }

  #drop(batch: readonly Waiting[], error: NarrowcastError): void {
    this.#books.lost('dropped', messagesOf(batch), error)
  }

  async #close(): Promise<void> {
    const { clock } = this.#host
    const ended = (end: AbortSignal) =>
      untilAborted(this.#loop, end).then(
        () => true,
        () => false,
      )
    this.#stopping.abort()
    await withDeadline(clock, closeMsMax, this.#ending.signal, null, ended)
    this.#ending.abort(null)
    const isOver = await withDeadline(clock, graceMsMax, null, null, ended)
    if (!isOver) this.#kept.trouble(this.#errors.unread()) // the broker does not answer
    this.#closed.abort(null)
    await this.#kept.close()
    this.#host.ended()
  }
}

function decisionOf({ message, to, isReroute }: Choice): RelayDecision {
  return { id: message.id, kind: isReroute ? 'rerouted' : 'routed', to }
}

/** Leases are renewed, and others get to work. */
function turn(): Promise<void> {
  return new Promise(setImmediate)
}

/** As it was published; whoever has the relay behind them may see an id again, so none is deduped. */
function outgoing({ bytes, ...message }: IncomingMessage): OutgoingMessage {
  return { ...message, delayMs: 0, redrives: 0, dedupeId: null }
}
