import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { isBusy } from './storeErrors.ts'

/** A row as an array, in the order of its columns. */
export type Cells = readonly unknown[]

/**
 * One connection. Statements are prepared once per text. SQLite binds every JavaScript number as
 * REAL, so SQL that shifts bits casts its parameters first.
 */
export class Database {
  readonly path: string
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** `timeout: 0`: a lock is never waited for inside SQLite, because that would stop the loop. */
  constructor(path: string, timeoutMs = 0) {
    this.path = path
    this.#db = new DatabaseSync(path, { timeout: timeoutMs, returnArrays: false })
  }

  get isInTransaction(): boolean {
    return this.#db.isTransaction
  }

  exec(sql: string): void {
    this.#db.exec(sql)
  }

  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#statement(sql).get(...values) as T | undefined
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#statement(sql).all(...values) as T[]
  }

  /** Rows as arrays: half the cost of objects. A text is either used with this or with `all`. */
  cells(sql: string, ...values: SQLInputValue[]): Cells[] {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#statement(sql)
      statement.setReturnArrays(true)
    }
    return statement.all(...values) as unknown as Cells[]
  }

  /** Returns how many rows were changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes)
  }

  /** Takes the write lock; false when another process or thread has it. */
  begin(): boolean {
    try {
      this.run('BEGIN IMMEDIATE')
      return true
    } catch (error) {
      if (isBusy(error)) return false
      throw error
    }
  }

  /** Reads all that `work` reads as it is at one instant, whatever others write meanwhile. */
  snapshot<T>(work: () => T): T {
    this.run('BEGIN')
    try {
      const value = work()
      this.commit()
      return value
    } catch (error) {
      this.rollback()
      throw error
    }
  }

  commit(): void {
    this.run('COMMIT')
  }

  /** SQLite may have rolled back by itself, for example on a full disk. */
  rollback(): void {
    if (this.#db.isTransaction) this.run('ROLLBACK')
  }

  close(): void {
    this.#statements.clear()
    if (this.#db.isOpen) this.#db.close()
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
