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
import { NarrowcastError } from '../../core/errors.ts'
import { isLive, type OutgoingMessage, type PublishOutcome } from '../../core/message.ts'
import { memoryAdmin } from './admin.ts'
import type { Channel } from './channel.ts'
import { contractOf } from './contract.ts'
import { MemoryLive } from './live.ts'
import type { LiveChannel } from './liveChannel.ts'
import { MemorySource } from './source.ts'
import type { Store } from './store.ts'

export class MemorySession implements Session {
  readonly info: BrokerInfo = {
    product: 'memory',
    version: process.version,
    settings: {},
    warnings: [],
    unknown: [],
  }
  readonly admin: Admin
  readonly live: MemoryLive
  readonly #store: Store
  readonly #opened = new Set<AsyncDisposable>()
  #isClosed = false

  constructor(store: Store) {
    this.#store = store
    this.admin = memoryAdmin(store)
    this.live = new MemoryLive(store, () => this.#check())
  }

  async contract(channel: ChannelSpec): Promise<Contract> {
    this.#check()
    return contractOf(channel)
  }

  async publisher(channel: ChannelSpec): Promise<Publisher> {
    this.#check()
    publishedTo(this.#store, channel)
    const publisher = new MemoryPublisher(this.#store, channel, (closed) =>
      this.#opened.delete(closed),
    )
    this.#opened.add(publisher)
    return publisher
  }

  async source(channel: ChannelSpec, reader: ReaderSpec, on: SourceEvents): Promise<Source> {
    this.#check()
    const source = new MemorySource(this.#store, channel, reader, on, (closed) =>
      this.#opened.delete(closed),
    )
    this.#opened.add(source)
    return source
  }

  marks(channel: ChannelSpec, group: string | null): Marks {
    this.#check()
    return this.#store.channel(channel).marks(group)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const opened of [...this.#opened]) await opened[Symbol.asyncDispose]()
    await this.live.close(sessionClosed())
  }

  #check(): void {
    if (this.#isClosed) throw sessionClosed()
  }
}

function sessionClosed(): NarrowcastError {
  return new NarrowcastError('CLOSED', 'memory: the session was closed', { driver: 'memory' })
}

/** The channel that takes what is published. @throws CONFLICT, UNSUPPORTED */
function publishedTo(store: Store, spec: ChannelSpec): Channel | LiveChannel {
  if (!isLive(spec.pattern)) return store.channel(spec)
  if (spec.pattern === 'broadcast' || spec.via === 'relay') return store.live(spec)
  throw new NarrowcastError(
    'UNSUPPORTED',
    `memory: narrowcast "${spec.name}" is sent to a worker that its publisher picks; nothing is published`,
    {
      driver: 'memory',
      channel: spec.name,
      operation: 'publisher',
      hint: 'Use live.send, or via: relay.',
    },
  )
}

class MemoryPublisher implements Publisher {
  readonly #store: Store
  readonly #channel: ChannelSpec
  readonly #closed: (publisher: MemoryPublisher) => void
  #isClosed = false

  constructor(store: Store, channel: ChannelSpec, closed: (publisher: MemoryPublisher) => void) {
    this.#store = store
    this.#channel = channel
    this.#closed = closed
  }

  async publish(batch: readonly OutgoingMessage[]): Promise<PublishOutcome[]> {
    if (this.#isClosed) {
      const text = `memory: publish to "${this.#channel.name}": the publisher was closed`
      throw new NarrowcastError('CLOSED', text, { driver: 'memory', channel: this.#channel.name })
    }
    const channel = publishedTo(this.#store, this.#channel)
    return channel.publish(batch, this.#channel.payloadBytesMax)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#closed(this)
  }
}
