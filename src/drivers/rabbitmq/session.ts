import type { ChannelSpec, ReaderSpec } from '../../core/channel.ts'
import type { Contract } from '../../core/contract.ts'
import type {
  Admin,
  BrokerInfo,
  Marks,
  Publisher,
  Session,
  Source,
  SourceEvents,
} from '../../core/driver.ts'
import type { NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import { rabbitmqAdmin } from './admin.ts'
import { Confirming } from './confirming.ts'
import type { Connection } from './connection.ts'
import { contractOf } from './contract.ts'
import { Declarations } from './declarations.ts'
import { type Home, homeOf } from './layout.ts'
import { RabbitmqLive } from './live/index.ts'
import { Locks } from './lock.ts'
import { membersOf } from './management/members.ts'
import type { OpenedManagement } from './management/open.ts'
import { DeadLetters } from './queue/dead.ts'
import { QueuePublisher } from './queue/publisher.ts'
import { QueueSource } from './queue/source.ts'
import { checkKept, closedError, rabbitmqError } from './rabbitmqErrors.ts'
import { Seen } from './seen/seen.ts'
import { Groups } from './stream/groups.ts'
import { Notes } from './stream/notes.ts'
import { Topology } from './topology.ts'
import { untilAborted } from './untilAborted.ts'

export interface SessionOptions {
  readonly consuming: Connection
  readonly publishing: Connection
  readonly heartbeatS: number
  /** Null: the URL names no management plugin. */
  readonly managed: OpenedManagement | null
  /** Of all sessions of the driver: none is given twice. */
  readonly nextSerial: () => number
}

/** What a broker gets to answer, to all that is asked of it at the end. */
const closeMsMax = 2_000
/** And to take back what nobody has begun. */
const quietMsMax = 2_000

/** One process at one RabbitMQ. */
export class RabbitmqSession implements Session {
  readonly info: BrokerInfo
  readonly admin: Admin
  readonly live: RabbitmqLive
  readonly #of: SessionOptions
  readonly #ended: AbortSignal
  readonly #declarations: Declarations
  readonly #groups: Groups
  readonly #topology: Topology
  readonly #locks: Locks
  /** By the queue whose ids it remembers. */
  readonly #seenBy = new Map<string, Seen>()
  /** What is put into a queue for somebody who settles it elsewhere. */
  readonly #copies: Confirming
  readonly #publishers = new Set<QueuePublisher>()
  readonly #sources = new Set<QueueSource>()
  #isQuiet = false
  #closing: Promise<void> | null = null

  constructor(options: SessionOptions) {
    const { consuming, publishing, managed } = options
    const fault = managed?.fault ?? null
    this.#of = options
    this.#ended = AbortSignal.any([consuming.ended, publishing.ended])
    const locks = new Locks(consuming)
    const topology = new Topology(consuming)
    this.#topology = topology
    this.#locks = locks
    this.#copies = new Confirming(publishing)
    const notes = new Notes(consuming, this.#copies)
    this.#declarations = new Declarations(topology, locks, notes)
    this.#groups = new Groups({
      ...{ connection: consuming, confirming: this.#copies, topology, locks, notes },
    })
    this.live = new RabbitmqLive({
      ...{ consuming, publishing, declarations: this.#declarations },
      ...{ sessionEnded: this.#ended, checkOpen: this.#checkOpen },
    })
    const { product, version, cluster } = consuming.facts
    this.info = {
      ...{ product, version, settings: { cluster_name: cluster } },
      warnings: fault === null ? [] : [`rabbitmq: without the management plugin: ${fault}`],
      unknown: managed !== null && fault === null ? [] : [{ fact: copiesFact, why: copiesWhy }],
    }
    this.admin = rabbitmqAdmin({
      ...{ connection: consuming, declarations: this.#declarations, locks, notes },
      management: managed?.management ?? null,
      ...{ checkOpen: this.#checkOpen, removed: (channel) => this.#removed(channel) },
      dead: new DeadLetters({ connection: consuming, locks, confirming: this.#copies }),
    })
  }

  get isClosing(): boolean {
    return this.#closing !== null
  }

  async contract({ name, pattern }: ChannelSpec, signal: AbortSignal): Promise<Contract> {
    this.#checkOpen('contract')
    const { heartbeatS, managed } = this.#of
    const members = pattern === 'queue' ? await membersOf(managed, name, signal) : null
    return contractOf(pattern, { heartbeatS, isManaged: managed !== null, members })
  }

  async publisher(spec: ChannelSpec, signal: AbortSignal): Promise<Publisher> {
    this.#checkOpen('publisher')
    if (spec.dedupeWindowMs !== null) throw noDedupe(spec.name)
    if (isLive(spec.pattern)) return await this.live.publisher(spec, signal)
    await this.#declarations.declared(spec, signal)
    const { publishing } = this.#of
    const publisher = new QueuePublisher({
      ...{ spec, declarations: this.#declarations, checkOpen: this.#checkOpen },
      confirming: new Confirming(publishing),
      blocked: () => publishing.blocked,
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
    checkKept('source', spec)
    const home = checkedHome(spec, reader)
    await this.#declarations.declared(spec, signal)
    if (home.group !== null) await this.#groups.opened(home, reader.from, signal)
    for (const open of this.#sources) if (open.isOf(home, reader)) await open.replaced()
    // The connection that had them owned them.
    if (reader.holding.length > 0) on.lost('all', 'disconnected')
    return await QueueSource.open({
      ...{ spec, home, reader, on, connection: this.#of.consuming, confirming: this.#copies },
      ...{ declarations: this.#declarations, nextSerial: this.#of.nextSerial },
      seen: (windowMs) => this.#seen(home, windowMs),
      checkOpen: this.#checkOpen,
      opening: (one) => {
        this.#sources.add(one)
        if (this.#isQuiet) void one.quiet(true, AbortSignal.timeout(quietMsMax))
      },
      closed: (one) => void this.#sources.delete(one),
    })
  }

  async quiet(isQuiet: boolean): Promise<void> {
    this.#isQuiet = isQuiet
    const late = AbortSignal.timeout(quietMsMax)
    await Promise.all([...this.#sources].map((source) => source.quiet(isQuiet, late)))
  }

  marks(channel: ChannelSpec, group: string | null, windowMs: number): Marks {
    this.#checkOpen('marks')
    checkKept('marks', channel)
    return this.#seen(homeOf(channel.name, group), windowMs)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** The broker says so too, but who asked next would find it as it was. */
  #removed(channel: string): void {
    this.#declarations.forget(channel)
    for (const open of this.#sources) if (open.isOf(homeOf(channel, null))) open.cancelled()
  }

  async #close(): Promise<void> {
    const closing = (all: Iterable<AsyncDisposable>) =>
      Promise.allSettled([...all].map((one) => one[Symbol.asyncDispose]()))
    const inOrder = async () => {
      await closing(this.#sources) // they give back by the connection that publishes
      await closing([...this.#publishers, this.live])
      for (const seen of this.#seenBy.values()) seen.close(closedError('marks'))
      await this.#copies.close()
    }
    const late = AbortSignal.timeout(closeMsMax)
    await untilAborted(inOrder(), late, 'close').catch(() => {}) // a broker that stands still
    // Of one that is lost the other is closed: who asks it meanwhile is told of the loss.
    const why = this.#ended.aborted ? this.#lost : closedError('connection')
    await Promise.all([this.#of.consuming.close(why, late), this.#of.publishing.close(why, late)])
  }

  #seen(home: Home, windowMs: number): Seen {
    const { consuming } = this.#of
    const known = this.#seenBy.get(home.queue)
    if (known !== undefined && !known.hasEnded) return known
    const made = { topology: this.#topology, locks: this.#locks }
    const seen = new Seen({
      ...made,
      connection: consuming,
      confirming: this.#copies,
      home,
      windowMs,
    })
    this.#seenBy.set(home.queue, seen)
    return seen
  }

  readonly #checkOpen = (operation: string): void => {
    if (this.#ended.aborted) throw this.#lost
    if (this.#closing !== null) throw closedError(operation)
  }

  get #lost(): NarrowcastError {
    return this.#ended.reason as NarrowcastError
  }
}

/** @throws INVALID_ARGUMENT */
function checkedHome({ name, pattern }: ChannelSpec, { group }: ReaderSpec): Home {
  if ((group === null) === (pattern === 'queue')) return homeOf(name, group)
  const text =
    group === null
      ? `stream "${name}" is read by a group, and none is named`
      : `queue "${name}" has no groups, got "${group}"`
  throw rabbitmqError('INVALID_ARGUMENT', 'source', text, { channel: name })
}

const copiesFact = 'the number of nodes that store a message'
const copiesWhy = 'AMQP does not tell it; with ?management=URL the management plugin is asked'

function noDedupe(channel: string) {
  const text = `"${channel}": RabbitMQ remembers no ids of what is published`
  return rabbitmqError('UNSUPPORTED', 'publisher', text, { channel })
}
