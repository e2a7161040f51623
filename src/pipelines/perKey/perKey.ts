import { resolve } from 'node:path'
import { onlyKnown, whole, wrongOption } from '../../runtime/checks.ts'
import { type Disk, type Durability, disk } from '../disk.ts'
import type { Encoder } from '../encoders/encoder.ts'
import { parquet } from '../encoders/parquet.ts'
import type { Sink } from '../sink.ts'
import { openPerKey } from './openPerKey.ts'

export interface PerKeyOptions {
  /** The column that names a file; required in every table of the pipeline. */
  readonly key: string
  /**
   * key: one file per key and table; whoever comes second finds it there, compares, and settles.
   * worker: every worker writes its own copy, with its id in the name.
   * @default 'key'; with a preset as it says
   */
  readonly exclusive?: 'key' | 'worker'
  /** @default parquet(); with a preset as it says */
  readonly format?: Encoder
  /**
   * honest: the ending says what is inside. preset: as the older layout has it.
   * @default 'honest'; with a preset 'preset'
   */
  readonly names?: 'honest' | 'preset'
  /**
   * py-superhero: `superhero/<table>/<key>_<worker>.gz`, where every column may be null. That
   * `.gz` is Parquet with gzip pages, not a gzip file: Parquet readers do not mind.
   */
  readonly preset?: 'py-superhero'
  /** Messages held, of which one half lands while the other fills. @default 400 */
  readonly holdMax?: number
  /** Total tries of a message whose `load` or `transform` throws. @default 5 */
  readonly attempts?: number
  /** Workers that may end with a message in hand before it is a dead letter. @default 10 */
  readonly deliveriesMax?: number
  /** 'os' survives kill -9 of every process, not a power cut. @default 'fsync' */
  readonly durability?: Durability
}

/** Options with nothing left open. */
export interface PerKeyPlan {
  readonly root: string
  /** Between the root and the tables; '' for none. */
  readonly folder: string
  readonly disk: Disk
  readonly encoder: Encoder
  readonly key: string
  readonly exclusive: 'key' | 'worker'
  readonly extension: string
  readonly isNullable: boolean
  readonly bytesMax: number
  readonly durability: Durability
}

const known: readonly (keyof PerKeyOptions)[] = [
  'key',
  'exclusive',
  'format',
  'names',
  'preset',
  'holdMax',
  'attempts',
  'deliveriesMax',
  'durability',
]

/** Messages whose files share one sync of a folder. */
const togetherMax = 200
const bytesMax = 32 * 1_048_576

/**
 * One small file per value of a key and table, for those who want files named after things. Needs
 * no database; works between all workers on one file system. What cannot land becomes a dead
 * letter of the channel.
 * @throws INVALID_ARGUMENT, naming the option.
 */
export function perKey(dir: string, options: PerKeyOptions): Sink {
  return perKeyOn(disk, dir, options)
}

/** The same over another disk, for tests that let a deed of it fail. */
export function perKeyOn(
  diskOf: (durability: Durability) => Disk,
  dir: string,
  options: PerKeyOptions,
): Sink {
  const plan = planOf(diskOf, dir, options)
  const holdMax = whole('holdMax', options.holdMax, 2 * togetherMax, 2, 100_000)
  return {
    kind: 'per-key',
    dir: plan.root,
    limits: {
      rowsMax: 50_000,
      messagesMax: Math.min(togetherMax, Math.floor(holdMax / 2)),
      bytesMax,
      ageMsMax: 0,
      pathsMax: 1_024,
    },
    holdMax,
    attempts: whole('attempts', options.attempts, 5, 1),
    deliveriesMax: whole('deliveriesMax', options.deliveriesMax, 10, 2),
    open: (context) => openPerKey(plan, context),
  }
}

function planOf(
  diskOf: (durability: Durability) => Disk,
  dir: string,
  options: PerKeyOptions,
): PerKeyPlan {
  onlyKnown('perKey', options, known)
  if (typeof dir !== 'string' || dir === '') throw wrongOption('dir', 'a folder', dir)
  const { key, preset, durability = 'fsync' } = options
  if (preset !== undefined && preset !== 'py-superhero') {
    throw wrongOption('preset', "'py-superhero'", preset)
  }
  const isOld = preset === 'py-superhero'
  const {
    exclusive = isOld ? 'worker' : 'key',
    names = isOld ? 'preset' : 'honest',
    format = isOld ? parquet({ compression: 'gzip' }) : parquet(),
  } = options
  if (typeof key !== 'string' || key === '') throw wrongOption('key', 'the name of a column', key)
  if (exclusive !== 'key' && exclusive !== 'worker') {
    throw wrongOption('exclusive', "'key' or 'worker'", exclusive)
  }
  if (names !== 'honest' && !(names === 'preset' && isOld)) {
    throw wrongOption('names', isOld ? "'honest' or 'preset'" : "'honest' without a preset", names)
  }
  if (durability !== 'fsync' && durability !== 'os') {
    throw wrongOption('durability', "'fsync' or 'os'", durability)
  }
  if (typeof format?.open !== 'function') {
    throw wrongOption('format', 'parquet() or ndjson()', format)
  }
  return {
    root: resolve(dir),
    folder: isOld ? 'superhero' : '',
    disk: diskOf(durability),
    encoder: format,
    key,
    exclusive,
    extension: names === 'preset' ? '.gz' : format.extension,
    isNullable: isOld,
    bytesMax,
    durability,
  }
}
