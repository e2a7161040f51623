import { statSync } from 'node:fs'
import { type ChannelSpec, checkName, type ReaderSpec } from '../../core/channel.ts'
import type {
  Admin,
  BrokerInfo,
  Live,
  Marks,
  Publisher,
  Session,
  SessionEvents,
  Source,
  SourceEvents,
} from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import { fileAdmin } from './admin.ts'
import { Bells } from './bells.ts'
import { ensureChannel, keepsNothing, queueGroup } from './channels.ts'
import { contractOf, type SyncMode } from './contract.ts'
import type { Database } from './database.ts'
import { DiskRoom } from './diskRoom.ts'
import { ensureGroup, resolvePlace } from './groups.ts'
import { Keeper } from './keeper.ts'
import { FileLive } from './live.ts'
import { LivePublisher } from './livePublisher.ts'
import { LogPace } from './logPace.ts'
import { fileMarks } from './marks.ts'
import { FilePublisher } from './publisher.ts'
import { openReader } from './readers.ts'
import { copyLog, makeRoom } from './reserve.ts'
import { schemaVersion } from './schema.ts'
import { FileSource } from './source.ts'
import type { Store } from './store.ts'
import type { StoreClock } from './storeClock.ts'
import { closedError, storeError } from './storeErrors.ts'
import { Syncer } from './syncer.ts'
import { Writer } from './writer.ts'

export interface SessionOptions {
  readonly db: Database
  readonly dir: string
  readonly sync: SyncMode
  readonly time: StoreClock
  readonly on: SessionEvents
}

/** How often at most the presence of the file is looked at. */
const presenceMs = 100

/** One process at one store. */
export class FileSession implements Session {
  readonly info: BrokerInfo
  readonly admin: Admin
  readonly live: Live
  readonly #store: Store
  readonly #sync: SyncMode
  readonly #on: SessionEvents
  readonly #opened = new Set<AsyncDisposable>()
  readonly #inode: number
  readonly #keeper: Keeper
  #checkedMs = Number.NEGATIVE_INFINITY
  #ended: NarrowcastError | null = null
  #closing: Promise<void> | null = null

  constructor({ db, dir, sync, time, on }: SessionOptions) {
    this.#sync = sync
    this.#on = on
    this.#inode = statSync(db.path).ino
    const syncer = new Syncer(db.path)
    const room = new DiskRoom(db)
    const failed = (error: NarrowcastError) => this.#fail(error)
    const writer = new Writer({
      db,
      syncer: sync === 'full' ? syncer : null,
      check: () => this.#checkPresence(db.path),
      makeRoom: (attempt) => makeRoom(db, dir, attempt),
      keepRoom: () => (room.isTight() ? copyLog(db) : null),
      failed,
    })
    this.#store = {
      db,
      writer,
      syncer,
      bells: new Bells(dir),
      time,
      pace: new LogPace(db.path),
      room,
      failed,
      checkOpen: (operation) => this.#checkOpen(operation),
    }
    this.#keeper = new Keeper(this.#store, dir, () => this.#checkPresence(db.path))
    this.admin = fileAdmin(this.#store)
    this.live = new FileLive(this.#store, this.#opened)
    this.info = {
      product: 'file',
      version: String(schemaVersion),
      settings: { path: db.path, sync, sqlite: process.versions.sqlite ?? 'unknown' },
      warnings: [],
      unknown: [],
    }
  }

  async contract(channel: ChannelSpec) {
    this.#checkOpen('contract')
    return contractOf(channel, this.#sync)
  }

  async publisher(channel: ChannelSpec, signal: AbortSignal): Promise<Publisher> {
    this.#checkOpen('publisher')
    const { db, writer } = this.#store
    if (channel.pattern === 'narrowcast' && channel.via === 'direct') throw directly(channel)
    const row = await writer.run('publisher', () => ensureChannel(db, channel, 'publisher'), {
      signal,
    })
    const Publishing = isLive(channel.pattern) ? LivePublisher : FilePublisher
    return new Publishing(this.#store, channel, row)
  }

  async source(
    channel: ChannelSpec,
    reader: ReaderSpec,
    on: SourceEvents,
    signal: AbortSignal,
  ): Promise<Source> {
    this.#checkOpen('source')
    if (isLive(channel.pattern)) throw keepsNothing('source', channel)
    checkGroup(channel, reader.group)
    const { db, writer, time, bells } = this.#store
    const row = await writer.run('source', () => ensureChannel(db, channel, 'source'), { signal })
    const name = reader.group ?? queueGroup
    const start = await resolvePlace(this.#store, row, name, reader.from)
    const { group, opened } = await writer.run(
      'source',
      () => {
        const { no } = ensureGroup(db, row, name, start)
        const bell = bells.name
        const made = openReader(db, row.no, no, reader, bell, time.nowMs())
        return { group: no, opened: made }
      },
      { signal },
    )
    const source = new FileSource({
      store: this.#store,
      channel: row,
      group,
      spec: reader,
      opened,
      on,
      closed: (one) => this.#opened.delete(one),
    })
    for (const before of this.#opened) {
      if (before instanceof FileSource && before.isOf(channel, reader)) before.replaced()
    }
    this.#opened.add(source)
    return source
  }

  marks(channel: ChannelSpec, group: string | null): Marks {
    if (isLive(channel.pattern)) throw keepsNothing('marks', channel)
    const { db, writer, time } = this.#store
    const find = () => ensureChannel(db, channel, 'marks').no
    return fileMarks({ db, writer, time, channel: find, group: group ?? queueGroup })
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { db, writer, syncer, bells } = this.#store
    const failures: unknown[] = []
    for (const one of [...this.#opened]) {
      try {
        await one[Symbol.asyncDispose]()
      } catch (error) {
        failures.push(error)
      }
    }
    await this.#keeper.close()
    writer.end(closedError('session'))
    await writer.idle()
    bells.close()
    await syncer.close()
    db.close()
    const [failure] = failures
    if (failure !== undefined && !this.#ended) throw failure
  }

  #fail(error: NarrowcastError): void {
    if (this.#ended !== null || this.#closing !== null) return
    this.#ended = error
    this.#store.writer.end(error)
    this.#on.closed(error)
  }

  #checkOpen(operation: string): void {
    if (this.#ended) throw this.#ended
    if (this.#closing !== null) throw closedError(operation)
  }

  /** @throws STORE_UNUSABLE when somebody removed or replaced the file that we have open. */
  #checkPresence(path: string): void {
    const nowMs = performance.now()
    if (nowMs - this.#checkedMs < presenceMs) return
    this.#checkedMs = nowMs
    if (statSync(path, { throwIfNoEntry: false })?.ino === this.#inode) return
    const error = storeError(
      'STORE_UNUSABLE',
      'write',
      `${path} was removed or replaced while it was open`,
      'Stop all programs that use this store before its folder is moved or removed.',
    )
    this.#fail(error)
    throw error
  }
}

/** @throws INVALID_ARGUMENT */
function checkGroup({ name, pattern }: ChannelSpec, group: string | null): void {
  if (group !== null) checkName('group', group)
  if ((pattern === 'stream') === (group !== null)) return
  const text =
    pattern === 'queue'
      ? `queue "${name}" has no groups, got "${group}"`
      : `stream "${name}" is read by a group, got none`
  throw new NarrowcastError('INVALID_ARGUMENT', `file: source: ${text}`, {
    driver: 'file',
    channel: name,
    operation: 'source',
  })
}

function directly({ name }: ChannelSpec): NarrowcastError {
  return new NarrowcastError(
    'UNSUPPORTED',
    `file: publisher: narrowcast "${name}" is sent to a worker that its publisher picks; nothing is published`,
    {
      driver: 'file',
      channel: name,
      operation: 'publisher',
      hint: 'Use live.send, or via: relay.',
    },
  )
}
