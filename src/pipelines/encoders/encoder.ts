import type { Durability } from '../disk.ts'
import type { Row, TableSchema } from '../schema/columnTypes.ts'

export type { Row, TableSchema } from '../schema/columnTypes.ts'

/**
 * Writes rows of a table into one file. Trouble comes apart: INVALID_MESSAGE is a row that cannot
 * be written, to be found by halving the batch; every other code is ours (DISK_FULL,
 * STORE_UNUSABLE, UNAVAILABLE), and no message is to blame.
 */
export interface Encoder {
  readonly name: string
  /** `.parquet`, `.ndjson.zst`, `.ndjson.gz` or `.ndjson`: the end of the final name. */
  readonly extension: string
  /**
   * Creates the file at a temporary path, which must not exist. Renaming it, syncing its folder
   * and deleting it after `finish` belong to the caller.
   */
  open(path: string, table: TableSchema): Promise<EncodedFile>
}

/** One call at a time. */
export interface EncodedFile extends AsyncDisposable {
  /**
   * In their order. Holds no more than one row group in memory. When it rejects, the file is gone
   * and everything but disposing rejects with CLOSED.
   */
  append(rows: readonly Row[]): Promise<void>
  /**
   * Writes what is left, syncs the data to the disk (fdatasync) and closes. Only when it resolves
   * is the file whole. Rejecting, it leaves no file; an error of the sync is never tried again.
   * With 'os' the data is left to the operating system, which survives the death of the process
   * but no power loss. @default 'fsync'
   */
  finish(durability?: Durability): Promise<EncodedSummary>
  /** Before `finish`: closes and deletes the file. Twice is fine. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface EncodedSummary {
  readonly rows: number
  readonly bytes: number
  readonly stats: readonly ColumnStats[]
}

/** Plain data, fit for JSON. */
export interface ColumnStats {
  readonly name: string
  readonly nulls: number
  /**
   * Of numbers, timestamps (ms) and dates (`YYYY-MM-DD`); null for other columns and where there
   * is no value. An integer beyond 2^53 is a decimal string.
   */
  readonly min: number | string | null
  readonly max: number | string | null
}

export interface ColumnarEncoder extends Encoder {
  readonly rowsPerGroup: number
}
