import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { asNarrowcastError } from '../../core/errors.ts'
import { uuid } from '../../core/ids.ts'
import type { RecordMessage } from '../record.ts'

/** A record and its place in the order in which records were accepted. */
export interface Spooled {
  readonly order: number
  readonly message: RecordMessage
}

/** Records on disk, in order, until they are acked. It outlives the process, also under kill -9. */
export interface Spool {
  /** Where it lies, for notices. */
  readonly place: string
  /** Records are put here before they are sent, not only when they cannot be. */
  readonly isFirst: boolean
  readonly count: number
  readonly bytes: number
  /** The lowest place in the order that it holds; infinite when empty. */
  readonly firstOrder: number
  /** The highest place in the order that it holds; 0 when empty. */
  readonly lastOrder: number
  /** Stores as many as there is room for, from the first on; returns how many. @throws DISK_FULL … */
  put(records: readonly Spooled[]): number
  /** The oldest records up to `count` and `bytes` (the first one always), left where they are. */
  oldest(count: number, bytes: number): Spooled[]
  remove(orders: readonly number[]): void
  close(): void
}

export interface SpoolOptions {
  readonly dir: string
  /** Room for records. @default 256 MiB */
  readonly bytesMax?: number
  /** `each`: synced to disk before `put` returns. `interval`: every 500 ms. @default 'interval' */
  readonly sync?: 'each' | 'interval'
  /**
   * true: each kept record is put here before it is sent, and taken out when it is acked, so that a
   * kill of the process loses none that was written; it costs two writes to disk for each record.
   * false: only what cannot be sent comes here. @default false
   */
  readonly first?: boolean
  /** Told when a sync in the background failed: what was spilled would not survive a power loss. */
  readonly onSyncFailed?: (error: unknown) => void
}

const syncEveryMs = 500
const schema = `create table if not exists record(
  place integer primary key, id text not null, channel text not null, key text,
  time_ms integer not null, bytes integer not null, data text not null)`

/**
 * Opens a spool in `dir`. Each process has a file of its own, locked by the operating system as
 * long as the process lives, so that what a dead one has left is found and taken over, in order.
 * @throws NarrowcastError when the folder cannot be written.
 */
export function openSpool(options: SpoolOptions): Spool {
  const { dir, bytesMax = 268_435_456, sync = 'interval', first = false } = options
  const { onSyncFailed = () => {} } = options
  try {
    mkdirSync(dir, { recursive: true })
    const left = readdirSync(dir)
      .filter((name) => name.endsWith('.spool'))
      .sort()
      .map((name) => openFile(join(dir, name), sync))
      .filter((file) => file !== null)
    const own = left.shift() ?? newFile(dir, sync)
    for (const other of left) takeOver(own.database, other.database)
    const syncing = sync === 'interval' ? intervalSync(`${own.path}-wal`, onSyncFailed) : null
    return spool({ ...own, bytesMax, isFirst: first, syncing })
  } catch (error) {
    throw asNarrowcastError(error, spaceIsOut(error) ? 'DISK_FULL' : 'STORE_UNUSABLE', {
      operation: 'spool',
      hint: `The spool lies in ${dir}; it needs a local folder that can be written.`,
    })
  }
}

type Sync = NonNullable<SpoolOptions['sync']>

/** null: a living process has it. */
function openFile(path: string, sync: Sync) {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('pragma locking_mode = exclusive; pragma journal_mode = wal')
    database.exec(`pragma synchronous = ${sync === 'each' ? 'full' : 'normal'}`)
    database.exec(`begin exclusive; ${schema}; commit`)
    return { path, database }
  } catch (error) {
    database.close()
    const busy = 5
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return null
    throw error
  }
}

function newFile(dir: string, sync: Sync) {
  const file = openFile(join(dir, `${uuid()}.spool`), sync)
  if (file === null) throw new Error(`a new file in ${dir} is locked by another process`)
  return file
}

/** Killed between the two commits, records are in both files; their ids make that harmless. */
function takeOver(own: DatabaseSync, other: DatabaseSync): void {
  const rows = other.prepare('select * from record order by place').all()
  const insert = own.prepare(
    `insert into record select coalesce(max(place), 0) + 1, ?, ?, ?, ?, ?, ? from record`,
  )
  own.exec('begin')
  for (const { id, channel, key, time_ms, bytes, data } of rows) {
    insert.run(
      id ?? null,
      channel ?? null,
      key ?? null,
      time_ms ?? null,
      bytes ?? null,
      data ?? null,
    )
  }
  own.exec('commit')
  // The empty file stays: deleting it could pull it from under a process that is just opening it.
  other.exec('delete from record')
  other.close()
}

interface SpoolParts {
  readonly path: string
  readonly database: DatabaseSync
  readonly bytesMax: number
  readonly isFirst: boolean
  readonly syncing: ReturnType<typeof intervalSync> | null
}

function spool({ path, database, bytesMax, isFirst, syncing }: SpoolParts): Spool {
  const insert = database.prepare('insert into record values (?, ?, ?, ?, ?, ?, ?)')
  const select = database.prepare('select * from record order by place limit ?')
  const removal = database.prepare('delete from record where place = ? returning bytes')
  const totals = database.prepare(
    'select count(*) as count, total(bytes) as bytes, coalesce(max(place), 0) as last from record',
  )
  const lowest = database.prepare('select min(place) as first from record')
  const firstOf = () => (lowest.get()?.first ?? Number.POSITIVE_INFINITY) as number
  const found = totals.get() as { count: number; bytes: number; last: number }
  let { count, bytes, last } = found
  let first = firstOf()

  function together<T>(work: () => T): T {
    database.exec('begin')
    try {
      const result = work()
      database.exec('commit')
      return result
    } catch (error) {
      if (database.isTransaction) database.exec('rollback')
      throw error
    }
  }

  return {
    place: path,
    isFirst,
    get count() {
      return count
    },
    get bytes() {
      return bytes
    },
    get firstOrder() {
      return first
    },
    get lastOrder() {
      return last
    },
    put(records) {
      const fitting = fittingInto(bytesMax - bytes, records)
      if (fitting.length === 0) return 0
      together(() => {
        for (const { order, message } of fitting) {
          const { id, channel, key, timeMs } = message
          insert.run(order, id, channel, key, timeMs, message.bytes, JSON.stringify(message.data))
        }
      })
      count += fitting.length
      for (const { order, message } of fitting) {
        bytes += message.bytes
        first = Math.min(first, order)
        last = Math.max(last, order)
      }
      syncing?.soon()
      return fitting.length
    },
    oldest(countMax, most) {
      const rows = select.all(countMax).map(spooled)
      const fitting = fittingInto(most, rows)
      return fitting.length > 0 ? fitting : rows.slice(0, 1)
    },
    remove(orders) {
      const [removed, left] = together(() => [
        orders.map((order) => removal.get(order)?.bytes),
        firstOf(),
      ])
      first = left
      for (const size of removed) {
        if (typeof size !== 'number') continue
        count--
        bytes -= size
      }
      syncing?.soon()
    },
    close() {
      syncing?.stop()
      if (database.isOpen) database.close()
    },
  }
}

function spooled(row: Record<string, unknown>): Spooled {
  const { place, id, channel, key, time_ms, bytes, data } = row
  return {
    order: Number(place),
    message: {
      id: String(id),
      channel: String(channel),
      key: key === null ? null : String(key),
      timeMs: Number(time_ms),
      data: JSON.parse(String(data)),
      bytes: Number(bytes),
      keep: true,
    },
  }
}

function fittingInto<T extends Spooled>(bytes: number, records: readonly T[]): T[] {
  let room = bytes
  const fitting: T[] = []
  for (const record of records) {
    room -= record.message.bytes
    if (room < 0) break
    fitting.push(record)
  }
  return fitting
}

/** A killed process loses nothing without it: this is for a machine that loses its power. */
function intervalSync(log: string, onFailed: (error: unknown) => void) {
  let timer: NodeJS.Timeout | null = null
  async function syncNow(): Promise<void> {
    timer = null
    try {
      if (!existsSync(log)) return
      await using file = await open(log)
      await file.datasync()
    } catch (error) {
      onFailed(error)
    }
  }
  return {
    soon() {
      if (timer !== null) return
      timer = setTimeout(() => void syncNow(), syncEveryMs)
      timer.unref()
    },
    stop() {
      if (timer !== null) clearTimeout(timer)
    },
  }
}

function spaceIsOut(error: unknown): boolean {
  const full = 13
  if (!(error instanceof Error)) return false
  return (
    ('errcode' in error && error.errcode === full) || ('code' in error && error.code === 'ENOSPC')
  )
}
