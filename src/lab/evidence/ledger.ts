import { closeSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { type Entry, writeEntry } from './entry.ts'
import type { Sidecar } from './evidence.ts'
import { recordBytes } from './record.ts'
import { ledgerName } from './sidecar.ts'

/**
 * exact: each record is in the page cache when `write` returns, and outlives its writer. batched:
 * up to 64 records, or those of 5 ms, are gone with a writer that is killed.
 */
export type LedgerMode = 'exact' | 'batched'

const batchRecords = 64
const batchMs = 5

/**
 * What one actor writes down about itself, in a file of its own. Nothing is synced: it survives
 * the death of processes, not of the machine.
 */
export class Ledger implements Disposable {
  readonly #file: number
  readonly #path: string
  readonly #actor: number
  readonly #limit: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #used = 0
  #timer: NodeJS.Timeout | undefined

  /**
   * Begins the ledger, then writes the sidecar beside it, whole or not at all: who is killed before
   * that has written nothing.
   * @throws INTERNAL when this start of the actor has a ledger already, DISK_FULL.
   */
  constructor(folder: string, sidecar: Sidecar, mode: LedgerMode = 'exact') {
    const name = join(folder, ledgerName(sidecar))
    this.#path = `${name}.bin`
    this.#actor = sidecar.actor
    this.#limit = (mode === 'exact' ? 1 : batchRecords) * recordBytes
    this.#bytes = new Uint8Array(this.#limit)
    this.#view = new DataView(this.#bytes.buffer)
    this.#file = told(this.#path, () => {
      const file = openSync(this.#path, 'ax', 0o600)
      writeFileSync(`${name}.part`, `${JSON.stringify(sidecar)}\n`, { mode: 0o600 })
      renameSync(`${name}.part`, `${name}.json`)
      return file
    })
  }

  /** @throws DISK_FULL, INTERNAL: a run whose evidence has a hole ends. */
  write(entry: Entry, timeNs: bigint = process.hrtime.bigint()): void {
    writeEntry(this.#view, this.#used, this.#actor, entry, timeNs)
    this.#used += recordBytes
    if (this.#used === this.#limit) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), batchMs)
  }

  [Symbol.dispose](): void {
    try {
      this.#flush()
    } finally {
      closeSync(this.#file)
    }
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const length = this.#used
    this.#used = 0
    if (length === 0) return
    const written = told(this.#path, () => writeSync(this.#file, this.#bytes, 0, length))
    if (written < length) throw full(this.#path, `${written} of ${length} bytes were written`)
  }
}

function told<T>(path: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') throw full(path, message)
    throw new NarrowcastError('INTERNAL', `lab: cannot write the ledger ${path}: ${message}`, {
      operation: 'write a ledger',
      cause: error,
    })
  }
}

function full(path: string, what: string): NarrowcastError {
  return new NarrowcastError('DISK_FULL', `lab: no room for the ledger ${path}: ${what}`, {
    operation: 'write a ledger',
    hint: 'Make room, then run it again: a run without its evidence has no verdict.',
  })
}
