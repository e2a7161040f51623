import type { ChannelSpec } from '../../../core/channel.ts'
import type { PublishOutcome, Settlement, SettleOutcome, Token } from '../../../core/message.ts'
import { newRef } from '../admin/deadLog.ts'
import { type Cluster, readableOf } from '../cluster/cluster.ts'
import { kafkaError } from '../kafkaErrors.ts'
import { deadTopicOf, type Home, retryTopicFor } from '../layout.ts'
import type { Addressed } from '../publishing/parts.ts'
import type { Producer } from '../publishing/producer.ts'
import { copyOf, failed } from '../wire/copies.ts'
import { headerKeys as keys } from '../wire/headerNames.ts'
import { headerList, type OutgoingRecord } from '../wire/record.ts'
import type { Entry } from './entry.ts'
import type { Hands } from './hands.ts'

export interface SettlingOptions {
  readonly spec: ChannelSpec
  readonly home: Home
  readonly cluster: Cluster
  readonly hands: Hands
  readonly producer: Producer
  /** All before it may be settled now. */
  readonly settled: (entry: Entry) => void
  /** It may be handed out again, after so many ms. */
  readonly released: (entry: Entry, delayMs: number) => void
  /** What failed holds up the rest of its key: it is retried where it is. */
  readonly isInPlace: (entry: Entry) => boolean
  /** It has failed, and may be handed out again after so many ms. Resolves when its group has noted it. */
  readonly retried: (entry: Entry, retry: Retry) => Promise<void>
}

export type Retry = Extract<Settlement, { kind: 'retry' }>

/** What holds up a copy holds up whoever settles beside it: it is tried again later. */
const copyMsMax = 10_000

type Copied = Extract<Settlement, { kind: 'retry' | 'dead' }>

/**
 * A log has no place for what became of one message: it knows how far all is settled. What failed is
 * copied to where it waits, or lies dead; its place in the log is settled when the copy is stored, so
 * that a crash in between repeats the message and never loses it.
 */
export class Settling {
  readonly #of: SettlingOptions
  /** On its way: asked again it has the same answer. */
  readonly #copying = new Map<number, Promise<SettleOutcome>>()

  constructor(options: SettlingOptions) {
    this.#of = options
  }

  /** @throws UNAVAILABLE, CONNECTION_LOST where a copy was not stored: its original stays in hand. */
  async settle(batch: readonly Settlement[], signal: AbortSignal): Promise<SettleOutcome[]> {
    const copied: { settlement: Copied; entry: Entry }[] = []
    const outcomes = batch.map((settlement): SettleOutcome | Promise<SettleOutcome> | Token => {
      const { token } = settlement
      const found = this.#of.hands.find(token)
      if (typeof found === 'string') return found
      if (this.#copying.has(token.serial)) return token
      if (settlement.kind === 'ack' || settlement.kind === 'release') {
        this.#of.hands.settled(token)
        if (settlement.kind === 'ack') this.#of.settled(found)
        else this.#of.released(found, settlement.delayMs)
        return 'sent'
      }
      if (settlement.kind === 'retry' && this.#of.isInPlace(found)) {
        this.#of.hands.settled(token)
        return this.#noted(this.#of.retried(found, settlement))
      }
      copied.push({ settlement, entry: found })
      this.#copying.set(token.serial, Promise.resolve('late')) // until it is on its way, below
      return token
    })
    this.#copy(copied, signal)
    return await Promise.all(
      outcomes.map((one) =>
        typeof one === 'object' && 'serial' in one
          ? (this.#copying.get(one.serial) as Promise<SettleOutcome>)
          : one,
      ),
    )
  }

  /** Where nobody notes it in time, it is noted later: it is in its place, whoever has it then. */
  async #noted(noting: Promise<void>): Promise<SettleOutcome> {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, copyMsMax)
    await Promise.race([noting, late.promise])
    clearTimeout(timer)
    return 'sent'
  }

  /** To the end of where it waits; false where that is not possible now. */
  async isCopied(entry: Entry): Promise<boolean> {
    const { log, record, read } = entry
    const again = { ...read.past, crashes: log.crashesOf(entry) }
    const copy = { topic: log.topic, partition: log.partition, record: copyOf(record, read, again) }
    const [outcome] = await this.#of.producer.send([copy], AbortSignal.timeout(copyMsMax))
    return outcome?.state === 'stored'
  }

  /** Resolves when what is on its way has its answer. */
  async copied(): Promise<void> {
    await Promise.allSettled(this.#copying.values())
  }

  #copy(all: readonly { settlement: Copied; entry: Entry }[], signal: AbortSignal): void {
    if (all.length === 0) return
    const nowMs = Date.now()
    const addressed = all.map(({ settlement, entry }) => this.#addressed(settlement, entry, nowMs))
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(copyMsMax)])
    const storing = this.#of.producer.send(addressed, inTime)
    for (const [at, { settlement, entry }] of all.entries()) {
      const { token } = settlement
      const one = storing.then((outcomes): SettleOutcome => {
        const outcome = outcomes[at] as PublishOutcome
        if (outcome.state !== 'stored') throw this.#notStored(settlement, entry, outcome)
        if (this.#of.hands.find(token) !== entry) return 'late' // it went to others meanwhile
        this.#of.hands.settled(token)
        this.#of.settled(entry)
        return 'sent'
      })
      this.#copying.set(token.serial, one)
      const ended = () => void this.#copying.delete(token.serial)
      one.then(ended, ended)
    }
  }

  #addressed(settlement: Copied, entry: Entry, nowMs: number): Addressed {
    const { home, cluster } = this.#of
    const { log, record, read } = entry
    const counts = { failures: log.failuresOf(entry), crashes: log.crashesOf(entry) }
    const past = { ...read.past, ...counts, dueMs: null }
    if (settlement.kind === 'dead') {
      return deadRecord(home.channel, copyOf(record, read, past, settlement.letter))
    }
    const { delayMs, failures, error } = settlement
    const topic = retryTopicFor(home, delayMs)
    const count = readableOf(cluster, home.channel, topic)
    const copy = copyOf(record, read, failed(past, failures, error, nowMs + delayMs))
    return { topic, partition: log.partition % count, record: copy }
  }

  #notStored({ kind }: Copied, { read }: Entry, outcome: PublishOutcome) {
    const { name } = this.#of.spec
    const why = outcome.state === 'stored' ? '' : outcome.message
    const text = `${kind} of message ${read.message.id} of "${name}" was not stored (${why}); it stays in hand`
    return kafkaError('UNAVAILABLE', 'settle', text, { channel: name })
  }
}

/** Under a key of its own, by which it can be taken away. */
function deadRecord(channel: string, copy: OutgoingRecord): Addressed {
  const headers = [...copy.headers]
  if (copy.key !== null) headers.push([keys.key, copy.key])
  const record = { ...copy, key: Buffer.from(newRef()), headers: headerList(headers) }
  return {
    topic: deadTopicOf(channel),
    partition: 0,
    record: { ...record, value: copy.value ?? empty },
  }
}

/** A record without a value is the sign that one was taken away. */
const empty = Buffer.alloc(0)
