import type { Room, Source, SourceEvents } from '../core/driver.ts'
import type { Delivery, ErrorInfo, Settlement, SettleOutcome, Token } from '../core/message.ts'

/** Lies for which the sources of all readers have to know of one another. */
export const sharedLies = [
  'accepts a late settle',
  'lets two owners settle',
  'puts behind what comes again',
  'starves a worker',
  'prefers a worker',
  'tries once more than it may',
  'forgets who died of it',
  'goes deaf',
] as const
export type SharedLie = (typeof sharedLies)[number]

/** How many it takes of every one that another takes. */
const shares: Partial<Record<SharedLie, number>> = {
  'starves a worker': 0.1,
  'prefers a worker': 0.7,
}
const deafAfter = 100
const behindMs = 300
const forgotten = 2

/** One lie of all sources of a broker. */
export class SharedLying {
  readonly #lie: SharedLie
  readonly #idOf = new WeakMap<Token, string>()
  /** Who was handed each message last. */
  readonly #holderOf = new Map<string, { readonly source: Source; readonly token: Token }>()
  /** Settled by somebody who held it before. */
  readonly #taken = new WeakSet<Token>()
  /** Messages that were lied about: once is enough. */
  readonly #done = new Set<string>()
  readonly #workers = new Set<string>()
  /** Opening another source does not help them. */
  readonly #deaf = new Set<string>()
  /** Handed to the first worker, and to all others. */
  #first = 0
  #others = 0
  #firstWorker: string | undefined
  #changed = Promise.withResolvers<void>()

  constructor(lie: SharedLie) {
    this.#lie = lie
  }

  /** Who has lost what it held is not told, and may settle it. */
  get #isForLate(): boolean {
    return this.#lie === 'accepts a late settle' || this.#lie === 'lets two owners settle'
  }

  /** What a source may say of what is lost. */
  events(on: SourceEvents): SourceEvents {
    return this.#isForLate ? { lost: () => {} } : on
  }

  source(source: Source, worker: string): Source {
    this.#workers.add(worker)
    this.#firstWorker ??= worker
    const isFirst = worker === this.#firstWorker
    return {
      leaseMs: source.leaseMs,
      receive: async (room, signal) => {
        await this.#turn(worker, isFirst, signal)
        const all = signal.aborted ? [] : await source.receive(this.#roomOf(room, isFirst), signal)
        return await this.#shown(source, all, isFirst, signal)
      },
      settle: (batch, signal) => this.#settle(source, batch, signal),
      renew: async (begun, signal) => {
        const lost = await source.renew(begun, signal)
        return this.#isForLate ? [] : lost
      },
      stop: async (signal) => this.#shown(source, await source.stop(signal), isFirst, signal),
      ...(source.deliverable && { deliverable: source.deliverable.bind(source) }),
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    }
  }

  /** Waits for as long as this source is handed nothing. */
  async #turn(worker: string, isFirst: boolean, signal: AbortSignal): Promise<void> {
    const share = isFirst ? shares[this.#lie] : undefined
    const mayNot = () =>
      this.#deaf.has(worker) || (share !== undefined && this.#first >= share * this.#others)
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    while (mayNot() && !signal.aborted) await Promise.race([this.#changed.promise, aborted])
  }

  #roomOf(room: Room, isFirst: boolean): Room {
    return isFirst && shares[this.#lie] !== undefined ? { ...room, messages: 1 } : room
  }

  async #shown(
    source: Source,
    all: readonly Delivery[],
    isFirst: boolean,
    signal: AbortSignal,
  ): Promise<Delivery[]> {
    for (const { token, message } of all) {
      this.#idOf.set(token, message.id)
      this.#holderOf.set(message.id, { source, token })
    }
    if (isFirst) this.#first += all.length
    else this.#others += all.length
    const isTime = this.#first + this.#others >= deafAfter && this.#deaf.size === 0
    if (this.#lie === 'goes deaf' && isTime) for (const one of this.#workers) this.#deaf.add(one)
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
    if (this.#lie === 'forgets who died of it') {
      return all.map((one) => ({ ...one, crashes: Math.max(0, Number(one.crashes) - forgotten) }))
    }
    if (this.#isForLate) {
      return all.map((delivery) => ({ ...delivery, ownedUntilMs: Number.POSITIVE_INFINITY }))
    }
    return this.#lie === 'puts behind what comes again'
      ? this.#firstTries(source, all, signal)
      : [...all]
  }

  /** What has ended with its owner waits, and frees its key meanwhile. */
  async #firstTries(
    source: Source,
    all: readonly Delivery[],
    signal: AbortSignal,
  ): Promise<Delivery[]> {
    const again = all.filter(({ crashes, message }) => crashes !== 0 && !this.#done.has(message.id))
    for (const { message } of again) this.#done.add(message.id)
    const back = again.map(
      ({ token, failures }): Settlement => ({
        ...{ token, kind: 'retry', delayMs: behindMs, failures, error: noError },
      }),
    )
    if (back.length > 0) await source.settle(back, signal)
    return all.filter((delivery) => !again.includes(delivery))
  }

  async #settle(
    source: Source,
    batch: readonly Settlement[],
    signal: AbortSignal,
  ): Promise<SettleOutcome[]> {
    const said = await source.settle(
      batch.map((one) => this.#asked(one)),
      signal,
    )
    return await Promise.all(
      batch.map(async ({ token, kind }, at) => {
        if (this.#taken.has(token)) return 'late'
        const honest = said[at] as SettleOutcome
        if (honest !== 'late' || kind !== 'ack' || !this.#isForLate) return honest
        return await this.#take(token, signal)
      }),
    )
  }

  /** From whoever holds it by now, or beside them. */
  async #take(late: Token, signal: AbortSignal): Promise<SettleOutcome> {
    const holder = this.#holderOf.get(this.#idOf.get(late) ?? '')
    if (!holder || holder.token === late || this.#taken.has(holder.token)) return 'late'
    if (this.#lie === 'lets two owners settle') return 'settled'
    const [outcome] = await holder.source.settle([{ token: holder.token, kind: 'ack' }], signal)
    if (outcome === 'settled') this.#taken.add(holder.token)
    return outcome ?? 'late'
  }

  /** A death as one more try. */
  #asked(settlement: Settlement): Settlement {
    if (this.#lie !== 'tries once more than it may' || settlement.kind !== 'dead') return settlement
    const { token, letter } = settlement
    const id = this.#idOf.get(token) ?? ''
    if (this.#done.has(id)) return settlement
    this.#done.add(id)
    const { failures, error } = letter
    return { token, kind: 'retry', delayMs: 0, failures, error: error ?? noError }
  }
}

const noError: ErrorInfo = { name: 'Error', message: 'none', atMs: 0, worker: 'nobody' }
