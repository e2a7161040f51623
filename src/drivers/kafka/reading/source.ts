import type { ChannelSpec, Ordering, ReaderSpec } from '../../../core/channel.ts'
import type { LostWhy, Room, Source, SourceEvents } from '../../../core/driver.ts'
import type { NarrowcastError } from '../../../core/errors.ts'
import type { Delivery, Settlement, SettleOutcome, Token } from '../../../core/message.ts'
import { orderConflict } from '../../../core/orderConflict.ts'
import { untilAborted } from '../../_shared/untilAborted.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import { Membership } from '../group/membership.ts'
import { Offsets } from '../group/offsets.ts'
import { kafkaError } from '../kafkaErrors.ts'
import { groupIdOf, type Home } from '../layout.ts'
import type { Producer } from '../publishing/producer.ts'
import { Commits } from './commits.ts'
import { deliverable } from './deliverable.ts'
import type { Entry } from './entry.ts'
import { Hands } from './hands.ts'
import type { PartitionLog } from './partitionLog.ts'
import { Settling } from './settling.ts'
import { Stock } from './stock.ts'

export interface KafkaSourceOptions {
  readonly spec: ChannelSpec
  readonly home: Home
  readonly reader: ReaderSpec
  /** What the reader asked for, or what its group has. */
  readonly order: Ordering
  readonly on: SourceEvents
  readonly cluster: Cluster
  readonly topic: Topic
  /** What is read beside it. */
  readonly helpers: readonly Topic[]
  /** Where a group begins that nobody could note it of yet; empty: that is known. */
  readonly begins: readonly number[]
  /** Of this source alone: one that waits holds up nobody else. */
  readonly producer: Producer
  readonly nextSerial: () => number
  readonly checkOpen: (operation: string) => void
  readonly closed: (source: KafkaSource) => void
}

/** What has work to put down gets so long for it. */
const putDownMsMax = 10_000
const closeMsMax = 5_000
/**
 * One reader as a member of a group: it is assigned partitions, reads ahead in each, and tells the group
 * how far all is settled. What is in hand beyond that comes again when it ends without a word.
 */
export class KafkaSource implements Source {
  readonly leaseMs: number
  readonly #of: KafkaSourceOptions
  readonly #membership: Membership
  readonly #offsets: Offsets
  readonly #commits: Commits
  readonly #hands: Hands
  readonly #settling: Settling
  readonly #stock: Stock
  #wake: () => void = () => {}
  /** What happened between a look and the wait for the next is not missed. */
  #wakes = 0
  #ended: NarrowcastError | null = null
  #isReceiving = false
  #isStopped = false
  /** Nothing is handed out. */
  #isQuiet = false
  #isDisposed = false
  #closing: Promise<void> | null = null

  /** @throws CONFLICT, LOGIN_REFUSED, CONNECTION_LOST */
  static async open(options: KafkaSourceOptions, signal: AbortSignal): Promise<KafkaSource> {
    const source = new KafkaSource(options)
    try {
      await source.#membership.join(signal)
      if (options.begins.length > 0) await source.#begun(signal)
      return source
    } catch (error) {
      await source[Symbol.asyncDispose]()
      throw error
    }
  }

  private constructor(options: KafkaSourceOptions) {
    const { spec, home, reader, order, cluster, producer, nextSerial, topic, helpers } = options
    this.#of = options
    this.leaseMs = reader.leaseMs
    const group = groupIdOf(home)
    this.#offsets = new Offsets(cluster, group)
    this.#membership = new Membership({
      ...{ cluster, group, order },
      otherOrder: (found) => orderConflict('kafka', spec, home.group, order, found),
      reads: { channel: topic.name, helpers: helpers.map(({ name }) => name) },
      on: {
        assigned: (partitions) => this.#stock.assigned(partitions),
        revoke: (partitions) => this.#revoke(partitions),
        lost: (why) => void this.#lose('all', why),
        back: () => this.#woke(),
        failed: (error) => this.#end(error),
      },
    })
    this.#commits = new Commits({
      offsets: this.#offsets,
      signature: () => this.#membership.signature,
      tenure: () => this.#membership.tenure,
      isCurrent: (signature) => this.#membership.isCurrent(signature),
      disowned: () => this.#membership.disowned(),
      freed: () => this.#woke(),
      order,
    })
    this.#stock = new Stock({
      ...{ name: spec.name, cluster, topic, helpers, order, hold: reader.hold },
      ...{ begins: options.begins, offsets: this.#offsets, commits: this.#commits },
      isCopied: (entry) => this.#settling.isCopied(entry),
      changed: () => this.#woke(),
      gone: (error) => this.#gone(error),
    })
    this.#hands = new Hands(reader.reader, nextSerial)
    this.#settling = new Settling({
      ...{ spec, home, cluster, producer, hands: this.#hands },
      settled: (entry) => this.#stock.settled(entry),
      released: (entry, delayMs) => this.#stock.released(entry, delayMs),
      isInPlace: ({ read }) => order === 'block' && read.message.key !== null,
      retried: (entry, retry) => this.#stock.retried(entry, retry),
    })
  }

  /** Of the same worker, be it under another reader name; without one of any. */
  isOf({ channel, group }: Partial<Home>, reader?: ReaderSpec): boolean {
    const { home, reader: own } = this.#of
    if (home.channel !== channel) return false
    return reader === undefined || (home.group === group && own.worker.id === reader.worker.id)
  }

  async receive(room: Room, signal: AbortSignal): Promise<Delivery[]> {
    this.#checkReceive(room)
    if (signal.aborted) return []
    this.#isReceiving = true
    try {
      for (;;) {
        const seen = this.#wakes
        const entries = await this.#take(room, signal)
        if (entries.length > 0) return entries.map((entry) => this.#delivery(entry, room))
        if (this.#ended !== null) throw this.#ended
        if (signal.aborted || this.#isStopped) return []
        if (seen === this.#wakes) await this.#woken(signal)
      }
    } finally {
      this.#isReceiving = false
    }
  }

  async settle(batch: readonly Settlement[], signal: AbortSignal): Promise<SettleOutcome[]> {
    this.#checkOpen('settle')
    signal.throwIfAborted()
    // Who stood still may have lost it without knowing: others have it then.
    if (this.#membership.isSilent) await this.#membership.certain(signal)
    return await this.#settling.settle(batch, signal)
  }

  /** Signs of life renew it; what is lost is told at once. */
  async renew(begun: Token | null, signal: AbortSignal): Promise<Token[]> {
    this.#checkOpen('renew')
    if (begun !== null && this.#of.reader.charge === 'marked') {
      for (const entry of this.#hands.upTo(begun.serial)) {
        await this.#charged(entry, signal, () => true)
      }
    }
    return []
  }

  async deliverable(): Promise<{ messages: number; oldestMs: number }> {
    this.#checkOpen('deliverable')
    const { cluster, topic } = this.#of
    return await deliverable(cluster, topic, this.#stock.logs)
  }

  /** What has arrived and was handed to nobody is given back by its being forgotten. */
  async stop(): Promise<Delivery[]> {
    this.#checkOpen('stop')
    this.#isStopped = true
    this.#stock.stop()
    this.#woke()
    return []
  }

  /** See `Session.quiet`. What was handed out and given back is charged with nothing. */
  async quiet(isQuiet: boolean): Promise<void> {
    this.#isQuiet = isQuiet
    if (isQuiet) await this.#commits.known()
    else this.#woke()
  }

  /** Another source is opened for this worker. */
  async replaced(): Promise<void> {
    const text = 'another source was opened for this worker'
    this.#tell(() => true, 'disconnected')
    this.#end(this.#error('CLOSED', text))
    await this.#leave()
  }

  /** The channel is being removed. Resolves when nothing of it is read here any more. */
  async cancelled(): Promise<void> {
    this.#tell(() => true, 'cancelled')
    this.#end(this.#error('NOT_FOUND', 'the channel was removed'))
    await this.#leave()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    await this.#leave()
  }

  /** Resolves when the group knows where it begins in what is ours: what comes from now on is owed to it. */
  async #begun(signal: AbortSignal): Promise<void> {
    const noted = this.#stock.found.then(() => this.#commits.noted())
    await untilAborted(noted, signal, () => this.#error('TIMEOUT', 'it did not answer'))
  }

  #leave(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #revoke(partitions: readonly number[]): Promise<void> {
    await this.#stock.idle(partitions, putDownMsMax)
    const logs = this.#lose(partitions, 'revoked')
    await this.#commits.putDown(logs).catch(() => {}) // what is not known to be settled comes again
  }

  /** Ours no more: what a handler has of it is told. */
  #lose(partitions: readonly number[] | 'all', why: LostWhy): readonly PartitionLog[] {
    const logs = this.#stock.giveUp(partitions)
    const gone = new Set(logs)
    this.#tell(({ log }) => gone.has(log), why)
    return logs
  }

  #tell(isLost: (entry: Entry) => boolean, why: LostWhy): void {
    const tokens = this.#hands.lose(isLost)
    if (tokens.length > 0 && !this.#isDisposed) this.#of.on.lost(tokens, why)
  }

  #woke(): void {
    this.#wakes++
    this.#wake()
  }

  /** The topic is not there any more: what of it was settled says nothing of another one of its name. */
  #gone(error: NarrowcastError): void {
    this.#stock.giveUp('all')
    this.#end(error)
  }

  #end(error: NarrowcastError): void {
    if (this.#ended !== null) return
    this.#ended = error
    this.#tell(() => true, 'disconnected')
    this.#woke()
    void this.#leave()
  }

  async #take(room: Room, signal: AbortSignal): Promise<Entry[]> {
    if (!this.#isHandingOut) return []
    const taken = this.#stock.take(room)
    const isWanted = () => this.#isHandingOut
    if (this.#of.reader.charge === 'taken' || room.begins === true) {
      const firsts = taken.filter((entry) => entry.log.isFirst(entry))
      for (const entry of firsts) await this.#charged(entry, signal, isWanted)
    }
    const isGoing = isWanted() && !signal.aborted
    return taken.filter((entry) => {
      if (entry.log.isGone) return false
      if (isGoing && !entry.log.isLeaving) return true
      this.#stock.released(entry, 0)
      return false
    })
  }

  /** See `Commits.charge`. An abort resolves at once. */
  async #charged(entry: Entry, signal: AbortSignal, isWanted: () => boolean): Promise<void> {
    const charging = this.#commits.charge(entry, () => isWanted() && !signal.aborted)
    await untilAborted(charging, signal, () => this.#error('TIMEOUT', 'aborted')).catch(() => {})
  }

  /** Who stood still learns first whether it is still its own. */
  get #isHandingOut(): boolean {
    return !this.#isStopped && !this.#isQuiet && !this.#membership.isSilent
  }

  #delivery(entry: Entry, room: Room): Delivery {
    const { message, past, position } = entry.read
    const { redrives, history } = past
    const isBegun = this.#of.reader.charge === 'taken' || room.begins === true
    return {
      token: this.#hands.take(entry),
      message,
      failures: entry.log.failuresOf(entry),
      crashes: entry.log.crashesOf(entry),
      redrives,
      past: history,
      ownedUntilMs: Number.POSITIVE_INFINITY,
      position,
      ...(isBegun && { isBegun }),
    }
  }

  async #woken(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    signal.addEventListener('abort', this.#wake)
    await promise
    signal.removeEventListener('abort', this.#wake)
  }

  async #close(): Promise<void> {
    this.#isStopped = true
    this.#woke()
    const over = AbortSignal.timeout(closeMsMax) // a broker that stands still holds up nobody
    this.#stock.close()
    const putDown = async () => {
      await this.#settling.copied()
      const logs = this.#stock.giveUp('all')
      this.#hands.lose(() => true)
      await this.#commits.putDown(logs).catch(() => {})
      await this.#membership.leave()
    }
    const late = () => this.#error('TIMEOUT', 'it did not answer')
    await untilAborted(putDown(), over, late).catch(() => {})
    void this.#membership.leave() // a member that reads nothing would hold up others
    this.#ended ??= this.#error('CLOSED', 'this source was closed')
    this.#commits.close()
    this.#offsets.close()
    void this.#of.producer.close()
    this.#of.closed(this)
  }

  #checkReceive({ messages, bytes }: Room): void {
    this.#checkOpen('receive')
    if (this.#isReceiving) throw this.#error('INVALID_ARGUMENT', 'one is under way already')
    if (this.#ended !== null) throw this.#ended
    if (this.#isStopped) throw this.#error('CLOSED', 'this source was stopped')
    if (messages >= 1 && bytes >= 0) return
    const text = `room for ${messages} messages and ${bytes} bytes; expected at least one`
    throw this.#error('INVALID_ARGUMENT', text)
  }

  #checkOpen(operation: string): void {
    this.#of.checkOpen(operation)
    if (this.#isDisposed) throw this.#error('CLOSED', `${operation}: this source was closed`)
  }

  #error(code: 'CLOSED' | 'INVALID_ARGUMENT' | 'NOT_FOUND' | 'TIMEOUT', text: string) {
    const { name } = this.#of.spec
    return kafkaError(code, 'receive', `source of "${name}": ${text}`, { channel: name })
  }
}
