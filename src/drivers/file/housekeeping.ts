import type { ChannelRow } from './channels.ts'
import { keepLive } from './liveKeeping.ts'
import { Numbers } from './numbers.ts'
import { promoteDue } from './promote.ts'
import { reclaimExpired } from './reclaim.ts'
import { drainRemoved } from './removal.ts'
import { isOverLimit, trim } from './retention.ts'
import { rowId } from './schema.ts'
import { readStore, type Store } from './store.ts'
import { awaken } from './waiting.ts'

/** A reader that ended is remembered this long, so that its late settlements are answered. */
const readerKeptMs = 3_600_000
/** A source that neither reads nor holds says so often that its row is kept. */
const touchMs = 600_000
/** The file of a session that left no row and was not rung for this long is removed. */
const bellKeptMs = 3_600_000
/** Rows removed in one transaction. */
const sweepMax = 1_000

/** What is done once a second by the keeper, each in short transactions. */
export class Housekeeping {
  readonly #store: Store
  #touchedMs: number
  #bellsMs: number

  constructor(store: Store) {
    this.#store = store
    this.#touchedMs = store.time.nowMs()
    this.#bellsMs = this.#touchedMs
  }

  /**
   * Every session does this one: its readers are alive though their leases may have ended. Of the
   * names of one worker only the last is.
   */
  async touch(signal: AbortSignal): Promise<void> {
    const { db, writer, time, bells } = this.#store
    const nowMs = time.nowMs()
    if (nowMs - this.#touchedMs < touchMs) return
    const sql = `UPDATE reader SET ended_ms = ?2 WHERE bell = ?1 AND deadline_ms = 0
      AND NOT EXISTS (SELECT 1 FROM reader AS later WHERE later.grp = reader.grp
        AND later.worker = reader.worker AND later.no > reader.no)`
    await writer.run('keep', () => db.run(sql, bells.name, nowMs), { signal })
    this.#touchedMs = nowMs
  }

  async step(signal: AbortSignal): Promise<void> {
    await this.#promote(signal)
    await this.#reclaim(signal)
    await this.#trim(signal)
    await this.#sweep('dedupe', 'channel, id', signal)
    await this.#sweep('seen', 'channel, grp, id', signal)
    await this.#forgetReaders(signal)
    await drainRemoved(this.#store, signal)
    await keepLive(this.#store, signal)
    await this.#forgetGaps(signal)
    await this.#forgetBells()
  }

  #read<T>(work: () => T): Promise<T> {
    return readStore(this.#store, 'keep', work)
  }

  /** Repeats a bounded transaction as long as it finds enough to do. */
  async #repeat(signal: AbortSignal, work: () => boolean): Promise<void> {
    while (!signal.aborted && (await this.#store.writer.run('keep', work, { signal })));
  }

  /** So that what is due counts as waiting, and has its position, also while nobody reads. */
  async #promote(signal: AbortSignal): Promise<void> {
    const { db, writer, syncer, time, bells } = this.#store
    const due = await this.#read(() =>
      db.all<{ no: number; next_seq: number; reserved_seq: number }>(
        `SELECT no, next_seq, reserved_seq FROM channel c WHERE scheduled > 0 AND
           (SELECT min(due_ms) FROM scheduled WHERE channel = c.no) <= ?`,
        time.nowMs(),
      ),
    )
    for (const channel of due) {
      if (Numbers.isLow(channel)) await new Numbers(db, writer, syncer, channel.no).reserve()
      await this.#repeat(signal, () => {
        const moved = promoteDue(db, channel.no, time.nowMs())
        if (moved > 0) bells.ring(awaken(db, channel.no, moved))
        return moved > 0
      })
    }
  }

  async #reclaim(signal: AbortSignal): Promise<void> {
    const { db, time, bells } = this.#store
    const groups = await this.#read(() =>
      db.all<{ grp: number; channel: number }>(
        'SELECT DISTINCT grp, channel FROM reader WHERE deadline_ms > 0 AND deadline_ms <= ?',
        time.nowMs(),
      ),
    )
    for (const { grp, channel } of groups) {
      await this.#repeat(signal, () => {
        const nowMs = time.nowMs()
        const isMore = reclaimExpired(db, grp, nowMs) <= nowMs
        bells.ring(awaken(db, channel, Number.POSITIVE_INFINITY))
        return isMore
      })
    }
  }

  async #trim(signal: AbortSignal): Promise<void> {
    const { db, time } = this.#store
    const limited = await this.#read(() =>
      db.all<ChannelRow & { stored: number; bytes: number; oldest_ms: number | null }>(
        `SELECT no, name, pattern, age_ms, messages_max, bytes_max, dedupe_ms, stored, bytes,
           (SELECT stored_ms FROM log WHERE at >= (c.no * 2) << 40 ORDER BY at LIMIT 1) AS oldest_ms
         FROM channel c WHERE pattern = 'stream' AND stored > 0
           AND coalesce(age_ms, messages_max, bytes_max) IS NOT NULL`,
      ),
    )
    for (const channel of limited) {
      const ageMs = time.nowMs() - (channel.oldest_ms ?? Number.POSITIVE_INFINITY)
      const isOld = channel.age_ms !== null && ageMs >= channel.age_ms
      if (!isOld && !isOverLimit(channel, channel.stored, channel.bytes)) continue
      await this.#repeat(signal, () => trim(db, channel, time.nowMs()) > 0)
    }
  }

  async #sweep(table: 'dedupe' | 'seen', key: string, signal: AbortSignal): Promise<void> {
    const { db, time } = this.#store
    const sql = `SELECT 1 FROM ${table} WHERE until_ms <= ? LIMIT 1`
    if (!(await this.#read(() => db.get(sql, time.nowMs())))) return
    await this.#repeat(
      signal,
      () =>
        db.run(
          `DELETE FROM ${table} WHERE (${key}) IN
             (SELECT ${key} FROM ${table} WHERE until_ms <= ? LIMIT ${sweepMax})`,
          time.nowMs(),
        ) === sweepMax,
    )
  }

  async #forgetReaders(signal: AbortSignal): Promise<void> {
    const { db, time, bells } = this.#store
    const old = await this.#read(() =>
      db.all<{ no: number; bell: string }>(
        'SELECT no, bell FROM reader WHERE deadline_ms = 0 AND ended_ms <= ? LIMIT 100',
        time.nowMs() - readerKeptMs,
      ),
    )
    for (const { no, bell } of old) {
      await this.#repeat(signal, () => {
        const own = `token >= ${rowId('?1', '0')} AND token < ${rowId('?1 + 1', '0')}`
        const removed = db.run(
          `DELETE FROM lost WHERE token IN (SELECT token FROM lost WHERE ${own} LIMIT ${sweepMax})`,
          no,
        )
        if (removed < sweepMax) db.run('DELETE FROM reader WHERE no = ? AND deadline_ms = 0', no)
        return removed === sweepMax
      })
      if (!(await this.#isNamed(bell))) bells.forget(bell)
    }
  }

  /** What a killed process leaves: it had no time to remove its bell. */
  async #forgetBells(): Promise<void> {
    const { time, bells } = this.#store
    if (time.nowMs() - this.#bellsMs < touchMs) return
    this.#bellsMs = time.nowMs()
    for (const bell of await bells.silent(bellKeptMs)) {
      if (!(await this.#isNamed(bell))) bells.forget(bell)
    }
  }

  /** Somebody may be rung by it. */
  async #isNamed(bell: string): Promise<boolean> {
    const sql = `SELECT 1 WHERE EXISTS (SELECT 1 FROM reader WHERE bell = ?1)
      OR EXISTS (SELECT 1 FROM subscriber WHERE bell = ?1)`
    return (await this.#read(() => this.#store.db.get(sql, bell))) !== undefined
  }

  /** A gap that every group has passed changes no count any more. */
  async #forgetGaps(signal: AbortSignal): Promise<void> {
    const { db, writer } = this.#store
    const passed = `seq + count <= (SELECT min(next_seq) FROM grp WHERE channel = gap.channel)`
    const isQueue = `(SELECT pattern FROM channel WHERE no = gap.channel) = 'queue'`
    const sql = `FROM gap WHERE ${isQueue} AND ${passed}`
    if (!(await this.#read(() => db.get(`SELECT 1 ${sql} LIMIT 1`)))) return
    await writer.run('keep', () => db.run(`DELETE ${sql}`), { signal })
  }
}
