import type { WorkerRef } from '../core/channel.ts'
import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import type { Settlement, SettleOutcome } from '../core/message.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Deliveries, DeliveryVerdict, OpenDelivery, SubscriptionEvents } from './api.ts'
import { wrongOption } from './checks.ts'
import { withDeadline } from './deadline.ts'
import { Events } from './events.ts'
import type { Held } from './held.ts'
import { type Ending, type PolicyHost, settlementOf } from './policy.ts'
import { Reader } from './reader.ts'
import type { ReaderHost } from './readerHost.ts'
import { ReceivedMessage, read } from './receivedMessage.ts'
import type { DeliveriesPlan } from './subscribeOptions.ts'
import type { SubscriptionState } from './subscriptionState.ts'
import { abortedError } from './thrown.ts'
import { endingOf, isDelay } from './unit.ts'
import { untilAborted } from './untilAborted.ts'

const closeMsMax = 5_000

class Open<T> extends ReceivedMessage<T> implements OpenDelivery<T> {
  readonly held: Held
  readonly #settle: (held: Held, verdict: DeliveryVerdict) => Promise<SettleOutcome>
  #outcome: Promise<SettleOutcome> | null = null
  #verdict: DeliveryVerdict | null = null

  constructor(
    held: Held,
    data: T,
    settle: (held: Held, verdict: DeliveryVerdict) => Promise<SettleOutcome>,
  ) {
    super(held, data)
    this.held = held
    this.#settle = settle
  }

  settle(verdict: DeliveryVerdict): Promise<SettleOutcome> {
    if (this.#outcome !== null) return this.#again(this.#outcome, verdict)
    this.#verdict = verdict
    this.#outcome = this.#settle(this.held, verdict).catch((error: unknown) => {
      this.#outcome = null // refused: the caller may say it again
      throw error
    })
    return this.#outcome
  }

  /** The first answer, unless it would be taken for something that was not done. */
  async #again(first: Promise<SettleOutcome>, verdict: DeliveryVerdict): Promise<SettleOutcome> {
    const outcome = await first
    const said = this.#verdict?.kind
    if (outcome === 'late' || said === verdict?.kind) return outcome
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `settle: message ${this.held.id} was settled with ${said} before; ${verdict?.kind} changed nothing`,
      { operation: 'settle', hint: 'Settle each delivery once.' },
    )
  }
}

/** The loop in the caller's hands: holds up to `holdMax`, renews all of it, settles as told. */
export class OpenDeliveries<T> implements Deliveries<T> {
  readonly worker: WorkerRef
  readonly #host: ReaderHost
  readonly #plan: DeliveriesPlan
  readonly #policy: PolicyHost
  readonly #events = new Events()
  readonly #reader: Reader
  readonly #stopping = new AbortController()
  #changed: PromiseWithResolvers<void> = Promise.withResolvers()
  #closing: Promise<void> | null = null
  #isIterated = false

  constructor(host: ReaderHost, plan: DeliveriesPlan, worker: WorkerRef) {
    this.#host = host
    this.#plan = plan
    this.worker = worker
    this.#policy = {
      plan: host.plan,
      attempts: Number.POSITIVE_INFINITY, // the caller decides when it is enough
      group: plan.group,
      worker: worker.id,
      wallMs: () => host.clock.wallMs(),
      random: host.random,
    }
    const { group, from, hold, charge, deafAfterMs } = plan
    const wish = { worker, group, from, hold, charge, deafAfterMs }
    this.#reader = new Reader(host, wish, this.#events)
    this.#events.on('lost', () => this.#wake())
    this.#reader.start()
  }

  get isReady(): boolean {
    return this.#reader.isReady
  }

  get state(): SubscriptionState {
    return {
      group: this.#plan.group,
      concurrency: this.#plan.hold.messages,
      slotsLeft: null,
      why: this.#reader.why,
      counts: () => this.#reader.counts,
    }
  }

  ready(signal?: AbortSignal): Promise<void> {
    return untilAborted(this.#reader.ready, signal, () =>
      abortedError('ready', signal as AbortSignal, { operation: 'ready', definite: true }),
    )
  }

  on<E extends keyof SubscriptionEvents>(
    event: E,
    listener: (what: SubscriptionEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, listener)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OpenDelivery<T>, void, undefined> {
    if (this.#isIterated) {
      throw new NarrowcastError(
        'INVALID_ARGUMENT',
        `deliveries of "${this.#host.plan.spec.name}" are iterated already; call deliveries() again for a second reader`,
      )
    }
    this.#isIterated = true
    const stop = this.#stopping.signal
    while (!stop.aborted) {
      const room = this.#room()
      if (!room) {
        await this.#changed.promise
        continue
      }
      const batch = await this.#reader.receive(room, stop)
      const opened = batch.map((held) => this.#open(held))
      let next = 0
      try {
        while (next < opened.length) {
          const delivery = await opened[next]
          if (stop.aborted) return // close() gives back whatever is still held
          next++
          if (delivery) yield delivery
        }
      } finally {
        await this.#giveBack(batch.slice(next))
      }
    }
  }

  async begin(upTo: OpenDelivery<T>): Promise<void> {
    await this.#reader.begin((upTo as Open<T>).held)
  }

  /** `outer`: the deadline of the bus. */
  close(outer: AbortSignal | null = null): Promise<void> {
    this.#closing ??= this.#close(outer)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #room(): { messages: number; bytes: number } | null {
    const { hold } = this.#plan
    const messages = hold.messages - this.#reader.held.size
    const bytes = hold.bytes - this.#reader.heldBytes
    return messages > 0 && bytes > 0 ? { messages, bytes } : null
  }

  #open(held: Held): Open<T> | null | Promise<Open<T> | null> {
    const one = read<T>(held, this.#host.plan.codec, this.#host.plan.schema)
    const conclude = (said: Awaited<typeof one>): Open<T> | null => {
      if (said instanceof ReceivedMessage) {
        return new Open(held, said.data, (owner, verdict) => this.#settle(owner, verdict))
      }
      void this.#bury(held, said.fault)
      return null
    }
    return one instanceof Promise ? one.then(conclude) : conclude(one)
  }

  /** Never acked away, never handed out: it cannot be read. */
  async #bury(held: Held, fault: string): Promise<void> {
    try {
      await this.#conclude(held, { kind: 'invalid', reason: fault })
    } catch (error) {
      this.#events.emit('error', { id: held.id, error: asNarrowcastError(error) })
    }
  }

  /** What the caller left in the loop unseen. */
  async #giveBack(batch: readonly Held[]): Promise<void> {
    if (this.#stopping.signal.aborted) return
    await Promise.all(batch.map((held) => this.#conclude(held, { kind: 'release', delayMs: 0 })))
  }

  async #settle(held: Held, verdict: DeliveryVerdict): Promise<SettleOutcome> {
    if (verdict?.kind !== 'release') return this.#conclude(held, this.#endingOf(verdict))
    const { delayMs = 0 } = verdict
    if (isDelay(delayMs)) return this.#conclude(held, { kind: 'release', delayMs })
    throw wrongOption('release.delayMs', 'a whole number of at least 0', delayMs)
  }

  /** Here nobody else would hear of a wrong verdict: it is refused, and the message stays in hand. */
  #endingOf(verdict: Verdict): Ending {
    const ending = endingOf(verdict)
    if (ending.kind === 'failed' && ending.error instanceof TypeError) {
      throw new NarrowcastError('INVALID_ARGUMENT', `settle: ${ending.error.message}`)
    }
    return ending
  }

  async #conclude(held: Held, ending: Ending): Promise<SettleOutcome> {
    const settlement = settlementOf(held, ending, this.#policy)
    const outcome = await this.#answerOf(held, settlement)
    this.#wake()
    if (settlement.kind === 'dead' && outcome !== 'late') {
      this.#events.emit('dead', { ...held.of, letter: settlement.letter })
    }
    return outcome
  }

  #answerOf(held: Held, settlement: Settlement): Promise<SettleOutcome> {
    return new Promise((resolve, reject) => {
      this.#reader.settle([held], [settlement], (_, outcome) => {
        if (outcome instanceof NarrowcastError) reject(outcome)
        else resolve(outcome)
      })
    })
  }

  #wake(): void {
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers()
    resolve()
  }

  async #close(outer: AbortSignal | null): Promise<void> {
    this.#stopping.abort()
    this.#wake()
    await withDeadline(this.#host.clock, closeMsMax, outer, null, (deadline) =>
      this.#reader.close(deadline),
    )
    this.#host.ended()
  }
}
