import { NarrowcastError } from '../../core/errors.ts'
import {
  bucketMs,
  bucketsOf,
  expireIds,
  findIds,
  insertIds,
  keyOf,
  markIds,
  openSince,
} from './ids.ts'
import { ManifestDb } from './manifestDb.ts'
import type {
  Beat,
  CommitResult,
  CommitRow,
  Committed,
  FileState,
  Known,
  Note,
  Recognised,
  Registered,
  Registration,
  SlotInfo,
} from './manifestTypes.ts'
import { Slots } from './slots.ts'

export interface StoreOptions {
  readonly path: string
  readonly isDurable: boolean
  readonly busyMs: number
  readonly heartbeatMs: number
  readonly idsKeptMs: number
  readonly unsettledKeptMs: number
  readonly deadBytesMax: number
}

/**
 * The commit log of a lake. Synchronous: it lives in a thread of its own, because a lock or a
 * sync may take long. Every call is one transaction.
 */
export class ManifestStore {
  readonly #options: StoreOptions
  readonly #db: ManifestDb
  readonly #slots: Slots

  constructor(options: StoreOptions) {
    this.#options = options
    this.#db = new ManifestDb(options.path, options.busyMs, options.isDurable)
    this.#slots = new Slots(this.#db)
  }

  /** Takes a slot; expels the owners that are certainly gone. @throws CONFLICT */
  register({ pipeline, owner, worker }: Registration, nowMs: number): Registered {
    return this.#db.write(() => {
      const { name, channel, pattern } = pipeline
      this.#db.run(
        'INSERT INTO pipelines(name, channel, pattern, ranMs, seenMs) VALUES(?, ?, ?, 0, ?) ON CONFLICT DO NOTHING',
        [name, channel, pattern, nowMs],
      )
      const [row] = this.#db.all('SELECT * FROM pipelines WHERE name = ?', [name])
      if (row?.channel !== channel || row?.pattern !== pattern) {
        throw new NarrowcastError(
          'CONFLICT',
          `${this.#db.path}: pipeline "${name}" reads ${row?.pattern} "${row?.channel}" here, not ${pattern} "${channel}"`,
          { hint: 'Give it another name (--as NAME), or another folder.' },
        )
      }
      const n = Number(row.n)
      this.#slots.expelGone(owner, nowMs)
      const slot = this.#slots.take(owner, n, worker, nowMs)
      return { slot, pipeline: n, isUnclean: this.#slots.unclean().length > 0 }
    })
  }

  /** "I live": counts our beat, moves the pipeline's clock, expels owners whose beat stands still. */
  beat(owner: string, pipeline: number, notes: readonly Note[], nowMs: number): Beat {
    return this.#db.write(() => {
      if (!this.#slots.beat(owner, nowMs)) return { isOwner: false, expelled: [] }
      this.#note(pipeline, notes)
      this.#db.run(
        'UPDATE pipelines SET ranMs = ranMs + min(max(?1 - seenMs, 0), ?2), seenMs = ?1 WHERE n = ?3',
        [nowMs, 2 * this.#options.heartbeatMs, pipeline],
      )
      this.#slots.expelGone(owner, nowMs)
      expireIds(this.#db, pipeline, this.#ranMs(pipeline), this.#options)
      return { isOwner: true, expelled: this.#slots.unclean() }
    })
  }

  /** Which of these ids an earlier commit holds. */
  known(pipeline: number, ids: readonly string[]): Recognised {
    return this.#db.read(() => {
      const buckets = bucketsOf(this.#db, pipeline)
      const known = findIds(this.#db, pipeline, buckets, ids.map(keyOf))
      return { known, bucket: buckets.at(-1) ?? -1 }
    })
  }

  /** The commit point. The uniqueness of ids keeps a second writer out, not good behaviour. */
  commit(commit: CommitRow, notes: readonly Note[]): CommitResult {
    const { entries, owner, pipeline } = commit
    const keys = entries.map(({ id }) => keyOf(id))
    return this.#db.write<CommitResult>(
      () => {
        if (!this.#slots.has(owner)) return { state: 'fenced' }
        const known = this.#taken(commit, keys)
        if (known.length > 0) return { state: 'conflict', known }
        const dead = entries.filter(({ outcome }) => outcome === 'dead').length
        const bytes = dead > 0 ? this.#deadBytesOver(commit) : null
        if (bytes !== null) return { state: 'dead-full', bytes }
        this.#note(pipeline, notes)
        const bucket = Math.floor(this.#ranMs(pipeline) / bucketMs)
        const { row: n } = this.#db.run(
          'INSERT INTO commits(id, pipeline, owner, atMs, messages, dead, bucket) VALUES(?, ?, ?, ?, ?, ?, ?)',
          [commit.id, pipeline, owner, commit.atMs, entries.length, dead, bucket],
        )
        insertIds(this.#db, { pipeline, bucket, commit: n }, entries, keys)
        this.#insertFiles(n, commit)
        return { state: 'committed', n }
      },
      ({ state }) => state === 'committed',
    )
  }

  /** Files of these owners that are committed and perhaps not in place. */
  committed(owners: readonly string[]): Committed[] {
    return this.#db
      .all(
        `SELECT f.path, f.temp FROM files f JOIN commits c ON c.n = f.commitN
         WHERE f.state = 'committed' AND c.owner IN (SELECT value FROM json_each(?))`,
        [JSON.stringify(owners)],
      )
      .map(({ path, temp }) => ({ path: String(path), temp: String(temp) }))
  }

  filesOf(commits: readonly number[]): FileState[] {
    return this.#db
      .all(
        `SELECT commitN, path, state FROM files
         WHERE commitN IN (SELECT value FROM json_each(?))`,
        [JSON.stringify(commits)],
      )
      .map(({ commitN, path, state }) => ({
        commit: Number(commitN),
        path: String(path),
        isPublished: state === 'published',
      }))
  }

  /** Dead letters that were in place. */
  letters(): string[] {
    return this.#db
      .all("SELECT path FROM files WHERE kind = 'dead' AND state = 'published'")
      .map(({ path }) => String(path))
  }

  /** Somebody has taken these dead letters away: they count no longer, and may be missing. */
  taken(paths: readonly string[]): void {
    this.#db.write(() =>
      this.#db.run(
        "UPDATE files SET kind = 'taken' WHERE path IN (SELECT value FROM json_each(?))",
        [JSON.stringify(paths)],
      ),
    )
  }

  /** Which of these temporary files belong to an expelled owner and to no commit. */
  leftovers(temps: readonly { name: string; owner: string }[]): string[] {
    return this.#db
      .all(
        `SELECT t.value ->> 'name' AS name FROM json_each(?) t
         WHERE EXISTS (SELECT 1 FROM expelled e WHERE e.owner = t.value ->> 'owner')
           AND NOT EXISTS (SELECT 1 FROM files f
                           WHERE f.temp = t.value ->> 'name' AND f.state = 'committed')`,
        [JSON.stringify(temps)],
      )
      .map(({ name }) => String(name))
  }

  /** The files of these expelled owners are in place, and what they left is gone. */
  recovered(owners: readonly string[]): void {
    this.#db.write(() => {
      const json = JSON.stringify(owners)
      this.#db.run(
        `UPDATE files SET state = 'published' WHERE state = 'committed' AND commitN IN
         (SELECT n FROM commits WHERE owner IN (SELECT value FROM json_each(?)))`,
        [json],
      )
      this.#db.run(
        'UPDATE expelled SET isClean = 1 WHERE owner IN (SELECT value FROM json_each(?))',
        [json],
      )
    })
  }

  /** Newest first. */
  versions(table: string): { version: number; columns: string }[] {
    return this.#db
      .all('SELECT version, columns FROM tables WHERE name = ? ORDER BY version DESC', [table])
      .map(({ version, columns }) => ({ version: Number(version), columns: String(columns) }))
  }

  /** Adds or widens a version; false where another process did so since `before` was read. */
  putVersion(table: string, version: number, columns: string, before: string | null): boolean {
    return this.#db.write(() => {
      const found = this.versions(table).find((one) => one.version === version)?.columns ?? null
      if (found !== before) return false
      this.#db.run(
        'INSERT INTO tables VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET columns = excluded.columns',
        [table, version, columns],
      )
      return true
    })
  }

  slots(): SlotInfo[] {
    return this.#slots.list()
  }

  /** Gives the slot up with work in doubt: the next one to look cleans up after us. */
  abandon(owner: string, nowMs: number): void {
    this.#db.write(() => this.#slots.expel(owner, nowMs))
  }

  /** Gives the slot back; all that it committed is in place and noted. */
  leave(owner: string, pipeline: number, notes: readonly Note[]): void {
    this.#db.write(() => {
      this.#note(pipeline, notes)
      this.#slots.free(owner)
    })
  }

  /** @returns what SQLite finds wrong; empty: nothing. */
  quickCheck(): string[] {
    return this.#db
      .all('PRAGMA quick_check')
      .map((row) => String(row.quick_check))
      .filter((line) => line !== 'ok')
  }

  close(): void {
    this.#db.close()
  }

  #ranMs(pipeline: number): number {
    return Number(this.#db.all('SELECT ranMs FROM pipelines WHERE n = ?', [pipeline])[0]?.ranMs)
  }

  /** Ids that another commit took since `known` was asked: older tables cannot have changed. */
  #taken(commit: CommitRow, keys: readonly string[]): Known[] {
    const buckets = bucketsOf(this.#db, commit.pipeline).filter((n) => n >= commit.bucket)
    return findIds(this.#db, commit.pipeline, buckets, keys).filter((known) => {
      const entry = commit.entries[known.at]
      return !(known.outcome === 'dead' && entry && entry.redrives > known.redrives)
    })
  }

  #insertFiles(n: number, { files }: CommitRow): void {
    for (const file of files) {
      const { path, kind, table, version, temp, rows, bytes, stats } = file
      this.#db.run("INSERT INTO files VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, 'committed')", [
        path,
        n,
        kind,
        table,
        version,
        temp,
        rows,
        bytes,
        stats,
      ])
    }
  }

  #deadBytesOver({ files }: CommitRow): number | null {
    const [row] = this.#db.all("SELECT total(bytes) AS sum FROM files WHERE kind = 'dead'")
    const sum = Number(row?.sum)
    const more = files.reduce((all, { kind, bytes }) => all + (kind === 'dead' ? bytes : 0), 0)
    return sum + more > this.#options.deadBytesMax ? sum : null
  }

  #note(pipeline: number, notes: readonly Note[]): void {
    if (notes.length === 0) return
    const ranMs = this.#ranMs(pipeline)
    for (const { commit, isPublished, isSettled, open, closed } of notes) {
      if (commit !== null && isPublished) {
        this.#db.run("UPDATE files SET state = 'published' WHERE commitN = ?", [commit])
      }
      if (commit !== null && isSettled) {
        this.#db.run('UPDATE commits SET settledMs = ? WHERE n = ?', [ranMs, commit])
      }
      markIds(this.#db, pipeline, open, openSince(ranMs))
      markIds(this.#db, pipeline, closed, ranMs)
    }
  }
}
