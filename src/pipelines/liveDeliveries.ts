import { NarrowcastError } from '../core/errors.ts'
import type { SettleOutcome } from '../core/message.ts'
import type { Verdict } from '../core/verdict.ts'
import type {
  Channel,
  Deliveries,
  DeliveryVerdict,
  OpenDelivery,
  Received,
  Subscription,
  SubscriptionEvents,
} from '../runtime/api.ts'

type Body = string | Uint8Array

export interface LiveOptions {
  readonly holdMax: number
  readonly holdBytesMax: number
  readonly name?: string
}

/** A commit may be a while in coming. */
const runMsMax = 86_400_000

/**
 * What comes on a broadcast or narrowcast, held as a run holds deliveries. Nobody else is ever
 * given it: what is not landed is lost, and told as an `error` with its id.
 */
export class LiveDeliveries implements Deliveries<Body> {
  readonly #subscription: Subscription
  readonly #waiting: LiveDelivery[] = []
  readonly #open = new Set<LiveDelivery>()
  #wake = Promise.withResolvers<void>()
  #isClosed = false

  constructor(channel: Channel<Body>, { holdMax, holdBytesMax, name }: LiveOptions) {
    const hold = { holdMax, holdBytesMax, concurrency: Math.min(holdMax, 100_000), runMsMax }
    const options = { ...hold, ...(name !== undefined && { name }) }
    this.#subscription = channel.subscribe((_, received) => this.#take(received), options)
  }

  get worker(): Subscription['worker'] {
    return this.#subscription.worker
  }

  get isReady(): boolean {
    return this.#subscription.isReady
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#subscription.ready(signal)
  }

  on<E extends keyof SubscriptionEvents>(
    event: E,
    listener: (what: SubscriptionEvents[E]) => void,
  ): () => void {
    return this.#subscription.on(event, listener)
  }

  /** It was charged to nobody before, and is not now. */
  async begin(): Promise<void> {}

  /** Nothing more comes in; resolves when all that had come is settled. */
  async leave(): Promise<void> {
    await this.#subscription.drain({ timeoutMs: runMsMax })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#wake.resolve()
    const left = new NarrowcastError('CLOSED', 'the run ended before it had landed')
    for (const one of this.#open) one.fail(left)
    await this.#subscription.drain()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OpenDelivery<Body>> {
    for (;;) {
      while (this.#waiting.length > 0) yield this.#waiting.shift() as LiveDelivery
      if (this.#isClosed) return
      await this.#wake.promise
      this.#wake = Promise.withResolvers()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The handler ends when the message is settled. */
  async #take(received: Received<Body>): Promise<Verdict> {
    if (this.#isClosed) throw new NarrowcastError('CLOSED', 'the run has ended')
    const delivery = new LiveDelivery(received)
    this.#open.add(delivery)
    this.#waiting.push(delivery)
    this.#wake.resolve()
    try {
      return await delivery.ended
    } finally {
      this.#open.delete(delivery)
    }
  }
}

class LiveDelivery implements OpenDelivery<Body> {
  readonly data: Body
  readonly message: Received<Body>['message']
  readonly attempt = 1
  readonly failures = 0
  readonly crashes = 0
  readonly redrives = 0
  readonly signal: AbortSignal
  readonly #ended = Promise.withResolvers<Verdict>()

  constructor({ data, message, signal }: Received<Body>) {
    this.data = data
    this.message = message
    this.signal = signal
  }

  get ended(): Promise<Verdict> {
    return this.#ended.promise
  }

  async settle(verdict: DeliveryVerdict): Promise<SettleOutcome> {
    if (verdict.kind === 'release') this.fail(new NarrowcastError('CLOSED', 'it was given back'))
    else this.#ended.resolve(verdict)
    return 'settled'
  }

  fail(error: NarrowcastError): void {
    this.#ended.reject(error)
  }
}
