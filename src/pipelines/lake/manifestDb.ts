import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { isBusy } from './manifestErrors.ts'
import { ensureSchema } from './manifestSchema.ts'

type Value = string | number
type RowValues = Record<string, SQLOutputValue>

/** The database of a manifest: statements by their text, and transactions around work. */
export class ManifestDb {
  readonly path: string
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(path: string, busyMs: number, isDurable: boolean) {
    this.path = path
    this.#db = new DatabaseSync(path, { timeout: busyMs })
    try {
      this.#useWal()
      this.#db.exec('PRAGMA fullfsync = ON')
      this.#db.exec(`PRAGMA synchronous = ${isDurable ? 'FULL' : 'NORMAL'}`)
      ensureSchema(this.#db, path)
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  /** One transaction that holds the write lock from its start; `keeps` false: rolled back. */
  write<T>(work: () => T, keeps: (result: T) => boolean = () => true): T {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#db.exec(keeps(result) ? 'COMMIT' : 'ROLLBACK')
      return result
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  /** One look at one state. */
  read<T>(work: () => T): T {
    this.#db.exec('BEGIN')
    try {
      return work()
    } finally {
      this.#db.exec('COMMIT')
    }
  }

  all(sql: string, values: readonly Value[] = []): RowValues[] {
    return this.#statement(sql).all(...values)
  }

  /** @returns how many rows it changed, and the last row it made. */
  run(sql: string, values: readonly Value[] = []): { changes: number; row: number } {
    const { changes, lastInsertRowid } = this.#statement(sql).run(...values)
    return { changes: Number(changes), row: Number(lastInsertRowid) }
  }

  exec(sql: string): void {
    this.#db.exec(sql)
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }

  /** The change to WAL never waits for a lock, so where it meets one we wait for that first. */
  #useWal(): void {
    for (;;) {
      try {
        this.#db.exec('PRAGMA journal_mode = WAL')
        return
      } catch (error) {
        if (!isBusy(error)) throw error
        this.#db.exec('BEGIN IMMEDIATE; ROLLBACK')
      }
    }
  }

  #statement(sql: string): StatementSync {
    const found = this.#statements.get(sql)
    if (found) return found
    const made = this.#db.prepare(sql)
    this.#statements.set(sql, made)
    return made
  }
}
