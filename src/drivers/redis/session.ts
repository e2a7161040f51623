import {
  type ChannelRef,
  type ChannelSpec,
  checkName,
  type ReaderSpec,
} from '../../core/channel.ts'
import type { Contract } from '../../core/contract.ts'
import type {
  Admin,
  BrokerInfo,
  Live,
  Marks,
  Publisher,
  Session,
  Source,
  SourceEvents,
} from '../../core/driver.ts'
import type { NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import { redisAdmin } from './admin.ts'
import { Catalog, checkPattern, type Declaration, declarationOf } from './catalog.ts'
import { contractOf } from './contract.ts'
import type { Engine, EngineName } from './engine.ts'
import { keptDeclared, liveKeptDeclared } from './keptDeclared.ts'
import type { KnownServers } from './knownServers.ts'
import { listEngine } from './list/index.ts'
import { RedisLive } from './live/index.ts'
import { type Probed, probe } from './probe.ts'
import { closedError, redisError } from './redisErrors.ts'
import type { Home, Servers } from './servers.ts'
import { streamEngine } from './stream/index.ts'

export interface SessionOptions {
  readonly servers: Servers
  readonly probed: Probed
  /** How a queue is kept that is made here. */
  readonly queues: EngineName
  readonly known: KnownServers
}

/** What the parts of one session share. */
export interface Context {
  readonly servers: Servers
  readonly catalog: Catalog
  /** Everything open, closed with the session. */
  readonly opened: Set<AsyncDisposable>
  readonly home: (channel: string) => Home
  /** @throws CLOSED, or what ended the session */
  readonly checkOpen: (operation: string) => void
}

/** One process at one Redis. */
export class RedisSession implements Session {
  readonly info: BrokerInfo
  readonly admin: Admin
  readonly live: Live
  readonly #context: Context
  /** By the run of the server: the nodes of a cluster may be set up differently. */
  readonly #probed = new Map<string, Promise<Probed>>()
  readonly #known: KnownServers
  readonly #queues: EngineName
  readonly #live: RedisLive
  readonly #engines: Partial<Record<EngineName, Engine>> = {}
  readonly #declared = new Map<string, Promise<Declaration>>()
  #closing: Promise<void> | null = null

  constructor({ servers, probed, queues, known }: SessionOptions) {
    this.#probed.set(probed.runId, Promise.resolve(probed))
    this.#known = known
    this.#queues = queues
    this.info = probed.info
    const ended = servers.home('').ended
    this.#context = {
      servers,
      catalog: new Catalog(servers),
      opened: new Set(),
      home: (channel) => servers.home(channel),
      checkOpen: (operation) => {
        if (ended.aborted) throw ended.reason as NarrowcastError
        if (this.#closing !== null) throw closedError(operation)
      },
    }
    const declare = (operation: string, channel: ChannelSpec) => this.#declare(operation, channel)
    this.#live = new RedisLive({ context: this.#context, declare })
    this.live = liveKeptDeclared(this.#live, this.#context.catalog)
    this.admin = redisAdmin({
      context: this.#context,
      queues,
      engineOf: (declaration) => this.#engine(declaration.engine as EngineName),
      publisher: (channel, signal) => this.publisher(channel, signal),
      live: this.#live,
      forget: (channel) => this.#declared.delete(channel),
    })
  }

  async contract(channel: ChannelSpec): Promise<Contract> {
    this.#context.checkOpen('contract')
    const home = this.#context.home(channel.name)
    const { runId } = await home.facts()
    const probed = this.#probed.get(runId) ?? probe(home)
    this.#probed.set(runId, probed)
    try {
      return contractOf(channel, this.#queues, (await probed).keeping)
    } catch (error) {
      this.#probed.delete(runId)
      throw error
    }
  }

  async publisher(channel: ChannelSpec, signal: AbortSignal): Promise<Publisher> {
    const declared = await this.#declare('publisher', channel)
    const { engine } = declared
    const publisher =
      engine === null
        ? await this.#live.publisher(channel)
        : await this.#engine(engine).publisher(channel, signal)
    return keptDeclared(publisher, this.#context.catalog, channel, declared)
  }

  async source(
    channel: ChannelSpec,
    reader: ReaderSpec,
    on: SourceEvents,
    signal: AbortSignal,
  ): Promise<Source> {
    checkKept('source', channel)
    checkGroup(channel, reader.group)
    const { engine } = await this.#declare('source', channel)
    const { runId } = await this.#context.home(channel.name).facts()
    const isAnother = this.#known.isAnother(reader.worker, runId)
    if (isAnother) on.lost('all', 'disconnected')
    const asked = isAnother ? { ...reader, holding: [] } : reader
    const source = await this.#engine(engine as EngineName).source(channel, asked, on, signal)
    this.#known.note(reader.worker, runId)
    return source
  }

  marks(channel: ChannelSpec, group: string | null): Marks {
    checkKept('marks', channel)
    const { engine } = declarationOf(channel, this.#queues)
    return this.#engine(engine as EngineName).marks(channel, group)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { opened, servers } = this.#context
    const closed = await Promise.allSettled([...opened].map((one) => one[Symbol.asyncDispose]()))
    const isEnded = servers.home('').ended.aborted
    servers.close()
    const failed = closed.find((one) => one.status === 'rejected')
    if (failed && !isEnded) throw failed.reason
  }

  /** Made when the first channel needs it. */
  #engine(name: EngineName): Engine {
    const make = { list: listEngine, stream: streamEngine }[name]
    const engine = this.#engines[name] ?? make(this.#context)
    this.#engines[name] = engine
    return engine
  }

  /** Once per channel and session. */
  async #declare(operation: string, channel: ChannelSpec): Promise<Declaration> {
    this.#context.checkOpen(operation)
    const known = this.#declared.get(channel.name) ?? this.#declareNow(channel)
    this.#declared.set(channel.name, known)
    try {
      const found = await known
      checkPattern(operation, channel, found)
      return found
    } catch (error) {
      if (this.#declared.get(channel.name) === known) this.#declared.delete(channel.name)
      throw error
    }
  }

  async #declareNow(channel: ChannelSpec): Promise<Declaration> {
    const wanted = declarationOf(channel, this.#queues)
    const { catalog } = this.#context
    const [found, how] = await catalog.declare(channel, wanted)
    if (how === 'found') await catalog.checkKey(channel, wanted)
    if (found.pattern !== wanted.pattern || found.engine === wanted.engine) return found
    throw redisError(
      'CONFLICT',
      'open',
      `queue "${channel.name}" is kept as a ${found.engine}, wanted a ${wanted.engine}`,
      { channel: channel.name, hint: `Say so in the URL: ?queue=${found.engine}.` },
    )
  }
}

/** @throws UNSUPPORTED */
function checkKept(operation: string, { name, pattern }: ChannelRef): void {
  if (!isLive(pattern)) return
  throw redisError(
    'UNSUPPORTED',
    operation,
    `${pattern} "${name}" keeps no messages: this is for queues and streams`,
    { channel: name },
  )
}

/** @throws INVALID_ARGUMENT */
function checkGroup({ name, pattern }: ChannelSpec, group: string | null): void {
  if (group !== null) checkName('group', group)
  if ((pattern === 'stream') === (group !== null)) return
  const text =
    pattern === 'queue'
      ? `queue "${name}" has no groups, got "${group}"`
      : `stream "${name}" is read by a group, got none`
  throw redisError('INVALID_ARGUMENT', 'source', text, { channel: name })
}
