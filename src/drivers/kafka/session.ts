import type { ChannelSpec, ReaderSpec } from '../../core/channel.ts'
import type { Contract } from '../../core/contract.ts'
import type {
  Admin,
  BrokerInfo,
  Publisher,
  Session,
  Source,
  SourceEvents,
} from '../../core/driver.ts'
import { isLive } from '../../core/message.ts'
import { untilAborted } from '../_shared/untilAborted.ts'
import { kafkaAdmin } from './admin/admin.ts'
import { type Cluster, readableOf } from './cluster/cluster.ts'
import { contractOf } from './contract.ts'
import { durabilityOf } from './durability.ts'
import { begin } from './group/begin.ts'
import { orderOfGroup } from './group/ordering.ts'
import { closedError, kafkaError } from './kafkaErrors.ts'
import { groupIdOf, type Home } from './layout.ts'
import { KafkaLive } from './live/live.ts'
import type { Places } from './live/places.ts'
import { checkOffered } from './offered.ts'
import { Producer } from './publishing/producer.ts'
import { KafkaPublisher } from './publishing/publisher.ts'
import { KafkaSource } from './reading/source.ts'
import { Topics } from './topics.ts'

const closeMsMax = 6_000
const quietMsMax = 2_000

/** What all sessions of one driver share. */
export interface Shared {
  readonly places: Places
  readonly nextSerial: () => number
}

/** One process at one cluster of Kafka. */
export class KafkaSession implements Session {
  readonly info: BrokerInfo
  readonly live: KafkaLive
  readonly admin: Admin
  readonly #cluster: Cluster
  readonly #topics: Topics
  readonly #nextSerial: () => number
  /** What is put into a topic for somebody who settles it elsewhere. */
  readonly #copies: Producer
  readonly #publishers = new Set<KafkaPublisher>()
  readonly #sources = new Set<KafkaSource>()
  #isQuiet = false
  #closing: Promise<void> | null = null

  constructor(cluster: Cluster, info: BrokerInfo, { places, nextSerial }: Shared) {
    this.#cluster = cluster
    this.#topics = new Topics(cluster)
    this.#copies = new Producer(cluster)
    this.#nextSerial = nextSerial
    this.info = info
    const own = { cluster, topics: this.#topics, checkOpen: this.#checkOpen }
    this.live = new KafkaLive({ ...own, places })
    this.admin = kafkaAdmin({
      ...{ ...own, producer: this.#copies },
      purged: (channel, ends) => this.live.purged(channel, ends),
      removed: (channel) => this.#removed(channel),
    })
  }

  get isClosing(): boolean {
    return this.#closing !== null
  }

  async contract({ name, pattern }: ChannelSpec): Promise<Contract> {
    this.#checkOpen('contract')
    const offered = checkOffered('contract', name, pattern)
    const topic = (await this.#cluster.topics([name])).get(name)
    const found = topic ? await durabilityOf(this.#cluster, topic) : null
    return contractOf(offered, this.#cluster.target.sessionMs, found)
  }

  async publisher(spec: ChannelSpec, signal: AbortSignal): Promise<Publisher> {
    this.#checkOpen('publisher')
    checkOffered('publisher', spec.name, spec.pattern)
    if (spec.dedupeWindowMs !== null) {
      const text = `"${spec.name}": Kafka knows no ids: it stores a message again that is published again`
      throw kafkaError('UNSUPPORTED', 'publisher', text, { channel: spec.name })
    }
    const topic = await this.#topics.declared(spec, signal)
    const publisher = new KafkaPublisher({
      ...{ spec, client: this.#cluster.client, producer: new Producer(this.#cluster) },
      partitions: (name) => readableOf(this.#cluster, topic.name, name),
      checkOpen: this.#checkOpen,
    })
    this.#publishers.add(publisher)
    return publisher
  }

  async source(
    spec: ChannelSpec,
    reader: ReaderSpec,
    on: SourceEvents,
    signal: AbortSignal,
  ): Promise<Source> {
    this.#checkOpen('source')
    checkKept(spec)
    const home = checkedHome(spec, reader)
    const topic = await this.#topics.declared(spec, signal)
    const helpers = await this.#topics.helpers(home, signal)
    const begins = await begin(this.#cluster, groupIdOf(home), topic.name, reader.from, signal)
    for (const open of this.#sources) if (open.isOf(home, reader)) await open.replaced()
    const order = reader.order ?? (await orderOfGroup(this.#cluster, groupIdOf(home), topic))
    // What it held went to others when its member left.
    if (reader.holding.length > 0) on.lost('all', 'disconnected')
    const source = await KafkaSource.open(
      {
        ...{ spec, home, reader, order, on, cluster: this.#cluster, topic, helpers },
        ...{ begins, producer: new Producer(this.#cluster), nextSerial: this.#nextSerial },
        checkOpen: this.#checkOpen,
        closed: (one) => void this.#sources.delete(one),
      },
      signal,
    )
    this.#sources.add(source)
    if (this.#isQuiet) void source.quiet(true)
    if (this.#closing !== null) await source[Symbol.asyncDispose]()
    this.#checkOpen('source')
    return source
  }

  async quiet(isQuiet: boolean): Promise<void> {
    this.#isQuiet = isQuiet
    const all = Promise.all([...this.#sources].map((source) => source.quiet(isQuiet)))
    const late = () => kafkaError('TIMEOUT', 'quiet', 'the broker does not answer')
    await untilAborted(all, AbortSignal.timeout(quietMsMax), late).catch(() => {})
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #removed(channel: string): Promise<void> {
    this.live.removed(channel)
    const own = [...this.#sources].filter((source) => source.isOf({ channel }))
    await Promise.all(own.map((source) => source.cancelled()))
  }

  async #close(): Promise<void> {
    const closing = (all: Iterable<AsyncDisposable>) =>
      Promise.allSettled([...all].map((one) => one[Symbol.asyncDispose]()))
    const inOrder = async () => {
      await closing(this.#sources)
      await closing(this.#publishers)
      await this.#copies.close()
    }
    const late = () => closedError('close')
    await untilAborted(inOrder(), AbortSignal.timeout(closeMsMax), late).catch(() => {})
    await this.#cluster.close()
  }

  readonly #checkOpen = (operation: string): void => {
    if (this.#cluster.ended.aborted) throw this.#cluster.ended.reason
    if (this.#closing !== null) throw closedError(operation)
  }
}

/** @throws UNSUPPORTED */
function checkKept({ name, pattern }: ChannelSpec): void {
  if (!isLive(checkOffered('source', name, pattern))) return
  const text = `${pattern} "${name}" is subscribed to: sources are for queues and streams`
  throw kafkaError('UNSUPPORTED', 'source', text, { channel: name })
}

/** @throws INVALID_ARGUMENT */
function checkedHome({ name, pattern }: ChannelSpec, { group }: ReaderSpec): Home {
  if ((pattern === 'stream') === (group !== null)) return { channel: name, group }
  const text =
    group === null
      ? `stream "${name}" is read by a group; none was named`
      : `queue "${name}" has no groups; "${group}" was named`
  throw kafkaError('INVALID_ARGUMENT', 'source', text, { channel: name })
}
