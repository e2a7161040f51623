import { resolve } from 'node:path'
import { onlyKnown, whole, wrongOption } from '../../runtime/checks.ts'
import { type Disk, type Durability, disk } from '../disk.ts'
import type { Encoder } from '../encoders/encoder.ts'
import { parquet } from '../encoders/parquet.ts'
import type { Sink } from '../sink.ts'
import { openLake } from './openLake.ts'

export interface LakeOptions {
  /** @default parquet() */
  readonly format?: Encoder
  /** Rows of a commit, at least one message. @default 50_000 */
  readonly rowsMax?: number
  /** Bytes of messages in a commit. @default 32 MiB */
  readonly bytesMax?: number
  /** A batch that does not fill lands after this time. @default 30_000 */
  readonly ageMsMax?: number
  /** Messages held, of which one half commits while the other fills. @default 50_000 */
  readonly holdMax?: number
  /** Total tries of a message whose `load` or `transform` throws. @default 5 */
  readonly attempts?: number
  /** Workers that may end with a message in hand before it is a dead letter. @default 10 */
  readonly deliveriesMax?: number
  /**
   * How long an id is remembered after its settlement, while a worker of the pipeline runs: longer
   * than the broker takes to deliver a message again. @default 1 h
   */
  readonly idsKeptMs?: number
  /**
   * How long an id is remembered whose settlement is not known, as after a crash, while a worker of
   * the pipeline runs; a message that comes again later than this lands twice. At least `idsKeptMs`.
   * @default 30 days
   */
  readonly unsettledKeptMs?: number
  /** Columns `_id, _row, _commit, _time`, by which other folders can be deduped. @default true */
  readonly marks?: boolean
  /** Where messages go that cannot land: into the folder, or to the broker's. @default 'lake' */
  readonly dead?: 'lake' | 'channel'
  /**
   * Dead letters that lie in the folder; beyond it the run stops and says so. Files that somebody
   * has taken out of `_dead` count no longer. @default 1 GiB
   */
  readonly deadBytesMax?: number
  /** 'os' survives kill -9 of every process, not a power cut. @default 'fsync' */
  readonly durability?: Durability
  /** A worker whose beat others miss twelve times is taken for gone. @default 5_000 */
  readonly heartbeatMs?: number
}

/** Options of a lake with nothing left open. */
export interface LakePlan {
  readonly root: string
  readonly disk: Disk
  readonly busyMs: number
  readonly encoder: Encoder
  readonly bytesMax: number
  readonly idsKeptMs: number
  readonly unsettledKeptMs: number
  readonly hasMarks: boolean
  readonly dead: 'lake' | 'channel'
  readonly deadBytesMax: number
  readonly durability: Durability
  readonly heartbeatMs: number
}

const known: readonly (keyof LakeOptions)[] = [
  'format',
  'rowsMax',
  'bytesMax',
  'ageMsMax',
  'holdMax',
  'attempts',
  'deliveriesMax',
  'idsKeptMs',
  'unsettledKeptMs',
  'marks',
  'dead',
  'deadBytesMax',
  'durability',
  'heartbeatMs',
]

const unsettledKeptMsDefault = 30 * 86_400_000

/** At most so many files in one commit; a batch over more days is split. */
const pathsMax = 1_024

/**
 * A folder in which every message lands once: its rows in one file per table, day and commit, or
 * one line among the dead letters. Workers that share one local file system may share it.
 * @throws INVALID_ARGUMENT, naming the option and its range.
 */
export function lake(dir: string, options: LakeOptions = {}): Sink {
  return lakeOn({ disk, busyMs: 10_000 }, dir, options)
}

/** What a lake stands on; a test lets a deed of the disk fail. */
export interface Ground {
  readonly disk: (durability: Durability) => Disk
  /** How long a call waits for the lock of the manifest before it tells who may hold it. */
  readonly busyMs: number
}

/** @see lake */
export function lakeOn(ground: Ground, dir: string, options: LakeOptions): Sink {
  onlyKnown('lake', options, known)
  if (typeof dir !== 'string' || dir === '') throw wrongOption('dir', 'a folder', dir)
  const { marks = true, dead = 'lake', durability = 'fsync', format = parquet() } = options
  if (dead !== 'lake' && dead !== 'channel') throw wrongOption('dead', "'lake' or 'channel'", dead)
  if (durability !== 'fsync' && durability !== 'os') {
    throw wrongOption('durability', "'fsync' or 'os'", durability)
  }
  if (typeof format?.open !== 'function') {
    throw wrongOption('format', 'parquet() or ndjson()', format)
  }
  const bytesMax = whole('bytesMax', options.bytesMax, 32 * 1_048_576, 1)
  const idsKeptMs = whole('idsKeptMs', options.idsKeptMs, 3_600_000, 60_000)
  const unsettledMs = Math.max(idsKeptMs, unsettledKeptMsDefault)
  const plan: LakePlan = {
    root: resolve(dir),
    disk: ground.disk(durability),
    busyMs: ground.busyMs,
    encoder: format,
    bytesMax,
    idsKeptMs,
    unsettledKeptMs: whole('unsettledKeptMs', options.unsettledKeptMs, unsettledMs, idsKeptMs),
    hasMarks: marks,
    dead,
    deadBytesMax: whole('deadBytesMax', options.deadBytesMax, 1_073_741_824, 1),
    durability,
    heartbeatMs: whole('heartbeatMs', options.heartbeatMs, 5_000, 10, 60_000),
  }
  const rowsMax = whole('rowsMax', options.rowsMax, 50_000, 1, 1_000_000)
  const holdMax = whole('holdMax', options.holdMax, 50_000, 2, 1_000_000)
  return {
    kind: 'lake',
    dir: plan.root,
    limits: {
      rowsMax,
      // While one batch commits, the next one fills: half of what may be held is one batch.
      messagesMax: Math.min(rowsMax, Math.floor(holdMax / 2)),
      bytesMax,
      ageMsMax: whole('ageMsMax', options.ageMsMax, 30_000, 0, 86_400_000),
      pathsMax,
    },
    holdMax,
    attempts: whole('attempts', options.attempts, 5, 1),
    deliveriesMax: whole('deliveriesMax', options.deliveriesMax, 10, 2),
    open: (context) => openLake(plan, context),
  }
}
