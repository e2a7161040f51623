import type { GapWhy } from '../../../core/driver.ts'
import type { ErrorCode, NarrowcastError } from '../../../core/errors.ts'
import type { IncomingMessage } from '../../../core/message.ts'
import { type LocalLiveOptions, LocalLiveSource } from '../../_shared/live/localLiveSource.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import { kafkaError } from '../kafkaErrors.ts'
import { offsetsAt } from '../reading/begins.ts'
import { type FetchedLog, Fetching } from '../reading/fetching.ts'
import { read, type StoredRecord } from '../wire/message.ts'
import type { Place } from './places.ts'

export interface SubscriberOptions extends LocalLiveOptions {
  readonly cluster: Cluster
  readonly topic: Topic
  /** Where it goes on, or is to begin. */
  readonly place: Place
  /** Nobody goes on there. */
  readonly over: (subscriber: KafkaSubscriber) => void
}

interface LiveLog extends FetchedLog {
  /** Why what is not there any more was missed. */
  why: GapWhy
}

const end = -1n
/** Partitions can be added; what is published there before we look waits for us. */
const lookEveryMs = 5_000
/** No more is fetched than the subscriber may hold. */
const unbounded = {
  messages: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
} as const

/**
 * One subscriber of a broadcast: it reads all partitions by itself, from where they ended when it
 * came. What it has no room for stays in the topic.
 */
export class KafkaSubscriber extends LocalLiveSource<StoredRecord, SubscriberOptions> {
  override readonly resumed: boolean
  readonly #fetching: Fetching<LiveLog>
  readonly #logs: LiveLog[] = []
  /** Where each partition ended when it was stopped; null: it was not. */
  #ends: readonly number[] | null = null
  #lookedMs = performance.now()

  constructor(options: SubscriberOptions) {
    super(options, (record) => this.#handed(record), unbounded)
    const { cluster, place, spec } = options
    this.resumed = place.offsets.length > 0
    this.#fetching = new Fetching({
      cluster,
      logs: () => this.#wanted(),
      room: () => ({
        messages: spec.hold.messages - this.held.messages,
        bytes: spec.hold.bytes - this.held.bytes,
      }),
      // A quarter is free, or all.
      isWorthAsking: () => this.held.messages * 4 <= spec.hold.messages * 3,
      isFull: () => false,
      came: (log, records) => this.#came(log, records),
      skipped: (log, from) => this.#skipped(log, from),
      failed: ({ message }) => this.end(this.error('NOT_FOUND', 'receive', message)),
    })
  }

  /** Its session was lost, and it may go on in another. */
  get isAway(): boolean {
    return this.options.sessionEnded.aborted
  }

  isOn(cluster: Cluster): boolean {
    return !this.isOver && this.options.cluster === cluster
  }

  /** @throws where the cluster does not say where its partitions end */
  async begin(): Promise<void> {
    await this.open()
    if (this.ended) throw this.ended
    this.lease.waits(false)
  }

  /** Another subscription has its place. */
  replace(incarnation: string): void {
    const { id, incarnation: own } = this.options.spec.worker
    const isSame = incarnation === own
    const text = isSame
      ? `another source was opened for worker ${id}`
      : `another start of ${id} has its place`
    this.end(this.error(isSame ? 'CLOSED' : 'NOT_FOUND', 'receive', text))
  }

  removed(): void {
    this.end(this.error('NOT_FOUND', 'receive', 'the channel was removed'))
  }

  /** What lay there up to these offsets is nobody's any more. */
  purged(ends: readonly number[]): void {
    const { offsets } = this.options.place
    const endOf = (partition: number) => ends[partition] ?? 0
    for (const log of this.#logs) {
      const { partition } = log
      log.nextOffset = Math.max(log.nextOffset, endOf(partition))
      offsets[partition] = Math.max(offsets[partition] ?? 0, endOf(partition))
    }
    this.drop(({ partition, offset }) => offset < endOf(partition))
    this.#fetching.look()
    this.wake() // one that was stopped may have had all it waits for
  }

  override async receive(
    room: Parameters<LocalLiveSource<StoredRecord, SubscriberOptions>['receive']>[0],
    signal: AbortSignal,
  ): Promise<IncomingMessage[]> {
    const messages = await super.receive(room, signal)
    if (messages.length > 0) this.#fetching.look() // there is room again
    return messages
  }

  override async renew(signal: AbortSignal): Promise<void> {
    await super.renew(signal)
    const nowMs = performance.now()
    if (this.#ends !== null || nowMs - this.#lookedMs < lookEveryMs) return
    this.#lookedMs = nowMs
    void this.#lookForMore()
  }

  override leave(): Promise<void> {
    this.#fetching.close()
    if (!this.isAway) this.options.over(this)
    return super.leave()
  }

  override [Symbol.asyncDispose](): Promise<void> {
    this.options.over(this)
    return super[Symbol.asyncDispose]()
  }

  protected override async listen(): Promise<void> {
    const { cluster, topic, place } = this.options
    if (!this.resumed) place.offsets.push(...(await offsetsAt(cluster, topic, end)))
    this.#read(Math.max(place.offsets.length, topic.partitions.length))
  }

  protected override async unlisten(): Promise<void> {
    if (this.isOver) return
    const { cluster, topic } = this.options
    this.#ends = await offsetsAt(cluster, topic, end)
    this.#fetching.look()
  }

  /** What had come when it was stopped may still lie in the topic. */
  protected override get hasAll(): boolean {
    return this.#wanted().length === 0
  }

  /** Nobody but this process knows that it was there. */
  protected override stays(): void {}

  protected override error(code: ErrorCode, operation: string, text: string): NarrowcastError {
    const { name } = this.options.channel
    const whole = `subscriber of broadcast "${name}": ${text}`
    return kafkaError(code, operation, whole, { channel: name })
  }

  #wanted(): LiveLog[] {
    const ends = this.#ends
    if (ends === null) return this.#logs
    return this.#logs.filter(({ partition, nextOffset }) => nextOffset < (ends[partition] ?? 0))
  }

  /** So many partitions; of one that is new all is for who was there before it. */
  #read(partitions: number): void {
    const { channel, topic, place } = this.options
    const isOver = () => this.isOver
    const why = this.resumed ? 'reconnect' : 'overflow'
    for (let partition = this.#logs.length; partition < partitions; partition++) {
      const nextOffset = place.offsets[partition] ?? 0
      place.offsets[partition] = nextOffset
      this.#logs.push({
        ...{ topic: channel.name, topicId: topic.id, partition, nextOffset, why },
        get isGone() {
          return isOver()
        },
      })
    }
    this.#fetching.look()
  }

  async #lookForMore(): Promise<void> {
    const { cluster, channel, topic } = this.options
    const found = await cluster.topics([channel.name]).catch(() => null) // it is looked again
    const now = found?.get(channel.name)
    if (now?.id === topic.id && !this.isOver && this.#ends === null) {
      this.#read(now.partitions.length)
    }
  }

  #came(log: LiveLog, records: readonly StoredRecord[]): void {
    const last = this.#ends?.[log.partition] ?? Number.POSITIVE_INFINITY
    for (const record of records) {
      if (record.offset < last) this.put(record, record.value?.length ?? 0)
    }
    log.why = 'overflow'
    this.wake()
  }

  #skipped(log: LiveLog, from: number): void {
    const { on, place } = this.options
    if (this.isOver) return
    const missed = log.nextOffset - from
    if (place.offsets[log.partition] === from) place.offsets[log.partition] = log.nextOffset
    // A log that ends before it has lost its tail, and who knows what has come there since.
    on.gap(missed > 0 ? missed : 'unknown', log.why)
    this.wake()
  }

  /** What is handed out is done. */
  #handed(record: StoredRecord): IncomingMessage {
    this.options.place.offsets[record.partition] = record.offset + 1
    return read(record, this.options.channel.name).message
  }
}
