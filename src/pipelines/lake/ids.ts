import { hash } from 'node:crypto'
import type { ManifestDb } from './manifestDb.ts'
import type { Entry, Known } from './manifestTypes.ts'

/** Ids lie in one table per pipeline and hour of its clock, so that old ones go as a whole. */
export const bucketMs = 3_600_000

const plainId = /^[\x20-\x7e]{1,40}$/

/** As it is kept: ids that are long, or no plain text, as a digest of 128 bits. */
export function keyOf(id: string): string {
  if (plainId.test(id)) return `=${id}`
  // UTF-8 would make one of all lone surrogates.
  const [mark, bytes] = id.isWellFormed() ? ['#', id] : ['~', Buffer.from(id, 'utf16le')]
  return `${mark}${hash('sha256', bytes, 'base64url').slice(0, 22)}`
}

/** The buckets of a pipeline that have a table, oldest first. */
export function bucketsOf(db: ManifestDb, pipeline: number): number[] {
  const prefix = `ids_${pipeline}_`
  return db
    .all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB ?", [`${prefix}*`])
    .map(({ name }) => Number(String(name).slice(prefix.length)))
    .sort((a, b) => a - b)
}

/** What these buckets know of these keys; of a message that was sent again, its last outcome. */
export function findIds(
  db: ManifestDb,
  pipeline: number,
  buckets: readonly number[],
  keys: readonly string[],
): Known[] {
  const json = JSON.stringify(keys)
  const found = new Map<number, Known>()
  for (const bucket of buckets) {
    const rows = db.all(
      `SELECT j.key AS at, i.isDead, i.redrives, i.commitN FROM json_each(?) j
       CROSS JOIN ids_${pipeline}_${bucket} i ON i.id = j.value`,
      [json],
    )
    for (const row of rows) {
      const [at, redrives] = [Number(row.at), Number(row.redrives)]
      if ((found.get(at)?.redrives ?? -1) > redrives) continue
      const outcome = row.isDead === 1 ? 'dead' : 'rows'
      found.set(at, { at, outcome, redrives, commit: Number(row.commitN) })
    }
  }
  return [...found.values()]
}

/** In their order: a B-tree takes ordered keys many times faster. */
export function insertIds(
  db: ManifestDb,
  place: { pipeline: number; bucket: number; commit: number },
  entries: readonly Entry[],
  keys: readonly string[],
): void {
  const table = ensureTable(db, place.pipeline, place.bucket)
  const plain: string[] = []
  const others: [string, number, number][] = []
  for (const [at, { outcome, redrives }] of entries.entries()) {
    const key = keys[at] as string
    if (outcome === 'rows' && redrives === 0) plain.push(key)
    else others.push([key, outcome === 'dead' ? 1 : 0, redrives])
  }
  db.run(`INSERT INTO ${table} SELECT value, ?2, 0, 0, NULL FROM json_each(?1) ORDER BY value`, [
    JSON.stringify(plain),
    place.commit,
  ])
  if (others.length === 0) return
  db.run(
    `INSERT INTO ${table} SELECT value ->> 0, ?2, value ->> 1, value ->> 2, NULL FROM json_each(?1)
     WHERE true ON CONFLICT(id) DO UPDATE SET commitN = excluded.commitN,
     isDead = excluded.isDead, redrives = excluded.redrives, settledMs = NULL`,
    [JSON.stringify(others), place.commit],
  )
}

/** In the place of `settledMs`: seen at this time of the pipeline's clock, and not settled then. */
export const openSince = (ranMs: number) => -1 - ranMs

/** `settledMs` of the pipeline's clock, or what `openSince` gives. */
export function markIds(
  db: ManifestDb,
  pipeline: number,
  ids: readonly string[],
  settledMs: number,
): void {
  if (ids.length === 0) return
  const json = JSON.stringify(ids.map(keyOf))
  for (const bucket of bucketsOf(db, pipeline)) {
    db.run(
      `UPDATE ids_${pipeline}_${bucket} SET settledMs = ?2
       WHERE id IN (SELECT value FROM json_each(?1))`,
      [json, settledMs],
    )
  }
}

/** How long ids are remembered, by the pipeline's own clock, which stands while nobody runs. */
export interface IdsKept {
  /** After their settlement. */
  readonly idsKeptMs: number
  /** Where no settlement is known: since the commit, or since they last came again. */
  readonly unsettledKeptMs: number
}

/**
 * Drops whole tables that are older than `idsKeptMs`. What is not known to be settled, or was
 * settled later, is carried over into the newest table first: an unsettled message may still come
 * again. The end of that is `unsettledKeptMs`, because of a settlement that went through just before
 * a crash nobody will ever hear. Of a message that was sent again, the last outcome stays.
 */
export function expireIds(
  db: ManifestDb,
  pipeline: number,
  ranMs: number,
  { idsKeptMs, unsettledKeptMs }: IdsKept,
): void {
  const newest = Math.floor(ranMs / bucketMs)
  const edgeMs = ranMs - idsKeptMs
  for (const bucket of bucketsOf(db, pipeline)) {
    if (bucket >= newest || (bucket + 1) * bucketMs > edgeMs) continue
    const old = `ids_${pipeline}_${bucket}`
    db.run(
      `INSERT INTO ${ensureTable(db, pipeline, newest)}
       SELECT i.* FROM ${old} i JOIN commits c ON c.n = i.commitN
       WHERE CASE WHEN i.settledMs < 0 THEN -1 - i.settledMs > ?2
                  WHEN i.settledMs IS NOT NULL THEN i.settledMs > ?1
                  WHEN c.settledMs IS NOT NULL THEN c.settledMs > ?1
                  ELSE (c.bucket + 1) * ${bucketMs} > ?2 END
       ON CONFLICT(id) DO UPDATE SET commitN = excluded.commitN, isDead = excluded.isDead,
       redrives = excluded.redrives, settledMs = excluded.settledMs
       WHERE excluded.redrives > redrives`,
      [edgeMs, ranMs - unsettledKeptMs],
    )
    db.exec(`DROP TABLE ${old}`)
  }
}

function ensureTable(db: ManifestDb, pipeline: number, bucket: number): string {
  const table = `ids_${pipeline}_${bucket}`
  db.exec(`CREATE TABLE IF NOT EXISTS ${table}(id TEXT PRIMARY KEY, commitN INTEGER NOT NULL,
    isDead INTEGER NOT NULL, redrives INTEGER NOT NULL, settledMs INTEGER) STRICT, WITHOUT ROWID`)
  return table
}
