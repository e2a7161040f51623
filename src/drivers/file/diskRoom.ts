import { statSync } from 'node:fs'
import type { Database } from './database.ts'
import { freeBytes, inMebibytes, mebibyte } from './freeBytes.ts'
import { storeError } from './storeErrors.ts'

/** Publishing ends when no more than this would stay free, so that what is stored can be settled. */
const keptFreeBytes = 4 * mebibyte
/** Above this the disk is looked at only now and then. */
const plentyBytes = 1024 * mebibyte
const lookMs = 100
/** What rows, pages and indexes take beside the bodies of a batch. */
const overhead = { factor: 1.5, bytes: 64 * 1024 }

/** By how much the database file grows when all of its log is copied into it. */
export function growthBytes(db: Database): number {
  const pages = db.get<{ page_count: number }>('PRAGMA page_count')?.page_count ?? 0
  const bytes = pages * pageBytes(db)
  return Math.max(0, bytes - (statSync(db.path, { throwIfNoEntry: false })?.size ?? bytes))
}

/** Half a copy would take the last bytes and free nothing: the log is copied whole or not yet. */
export function canCopyLog(db: Database): boolean {
  return growthBytes(db) <= freeBytes(db.path)
}

/** Keeps publishers from taking the bytes that copying the log and settling will need. */
export class DiskRoom {
  readonly #db: Database
  #lookedMs = Number.NEGATIVE_INFINITY
  #freeBytes = 0

  constructor(db: Database) {
    this.#db = db
  }

  /** Inside a transaction. @throws DISK_FULL */
  checkPublish(bodyBytes: () => number): void {
    const free = this.#look()
    if (free > plentyBytes) return
    const db = this.#db
    const bytes = overhead.factor * bodyBytes() + overhead.bytes
    const freePages = db.get<{ freelist_count: number }>('PRAGMA freelist_count')?.freelist_count
    const reused = Math.min(bytes, (freePages ?? 0) * pageBytes(db))
    const growth = growthBytes(db)
    const needed = growth + bytes + (bytes - reused) + keptFreeBytes
    if (free >= needed) return
    throw storeError(
      'DISK_FULL',
      'publish',
      `no space is left on the disk of ${db.path}: ${inMebibytes(free)} are free and ${inMebibytes(needed)} are needed; nothing of it was stored`,
      `Free at least ${inMebibytes(needed - free)}, or settle what is stored: its pages are used again. Needed are ${inMebibytes(2 * bytes - reused)} for the messages, ${inMebibytes(growth)} to copy the log, and ${inMebibytes(keptFreeBytes)} are kept for settling. The store goes on by itself.`,
    )
  }

  /** The log has grown into the room that copying it will need: it must be copied now. */
  isTight(): boolean {
    const free = this.#look()
    if (free > plentyBytes) return false
    const growth = growthBytes(this.#db)
    return growth > 0 && free < growth + keptFreeBytes / 2
  }

  #look(): number {
    const nowMs = performance.now()
    if (this.#freeBytes > plentyBytes && nowMs - this.#lookedMs < lookMs) return this.#freeBytes
    this.#lookedMs = nowMs
    this.#freeBytes = freeBytes(this.#db.path)
    return this.#freeBytes
  }
}

function pageBytes(db: Database): number {
  return db.get<{ page_size: number }>('PRAGMA page_size')?.page_size ?? 0
}
