import type { ManifestDb } from './manifestDb.ts'
import type { SlotInfo } from './manifestTypes.ts'
import { type OwnerProcess, stateOf, thisProcess } from './owner.ts'

/** An owner that misses so many beats in a row, as another one sees it, is taken for gone. */
export const missedBeatsMax = 12

interface SlotRow extends OwnerProcess, Omit<SlotInfo, 'state'> {
  readonly beats: number
}

/** Who writes into the folder. Every call runs inside a transaction of its caller. */
export class Slots {
  readonly #db: ManifestDb
  readonly #here: OwnerProcess = thisProcess()
  /** Beats of others as last seen, and for how many looks they have not moved. */
  readonly #looks = new Map<string, { beats: number; looks: number }>()

  constructor(db: ManifestDb) {
    this.#db = db
  }

  /** @returns the smallest free slot, now ours. */
  take(owner: string, pipeline: number, worker: string, nowMs: number): number {
    const taken = new Set(this.#rows().map(({ slot }) => slot))
    let slot = 1
    while (taken.has(slot)) slot++
    const { pid, boot, started } = this.#here
    const values = [slot, owner, pipeline, worker, pid, boot, started, nowMs]
    this.#db.run('INSERT INTO slots VALUES(?, ?, ?, ?, ?, ?, ?, 0, ?)', values)
    return slot
  }

  /** @returns false when the slot is no longer ours. */
  beat(owner: string, nowMs: number): boolean {
    const sql = 'UPDATE slots SET beats = beats + 1, seenMs = ? WHERE owner = ?'
    return this.#db.run(sql, [nowMs, owner]).changes > 0
  }

  has(owner: string): boolean {
    return this.#db.all('SELECT 1 FROM slots WHERE owner = ?', [owner]).length > 0
  }

  free(owner: string): boolean {
    return this.#db.run('DELETE FROM slots WHERE owner = ?', [owner]).changes > 0
  }

  /** From now on no commit of this owner can happen; its token is never used again. */
  expel(owner: string, nowMs: number): void {
    if (!this.free(owner)) return
    this.#db.run('INSERT INTO expelled VALUES(?, ?, 0)', [owner, nowMs])
    this.#looks.delete(owner)
  }

  expelGone(self: string, nowMs: number): void {
    for (const row of this.#rows()) {
      if (row.owner !== self && this.#isGone(row)) this.expel(row.owner, nowMs)
    }
  }

  /** Expelled owners that nobody has cleaned up after. */
  unclean(): string[] {
    return this.#db
      .all('SELECT owner FROM expelled WHERE isClean = 0')
      .map(({ owner }) => String(owner))
  }

  list(): SlotInfo[] {
    return this.#rows().map((row) => {
      const { slot, owner, pipeline, worker, pid, seenMs } = row
      return { slot, owner, pipeline, worker, pid, seenMs, state: stateOf(row, this.#here) }
    })
  }

  /** Looks are counted, not time: a lock that stops everybody's beat expels nobody. */
  #isGone(row: SlotRow): boolean {
    if (stateOf(row, this.#here) === 'gone') return true
    const before = this.#looks.get(row.owner)
    const looks = before?.beats === row.beats ? before.looks + 1 : 0
    this.#looks.set(row.owner, { beats: row.beats, looks })
    return looks >= missedBeatsMax
  }

  #rows(): SlotRow[] {
    return this.#db
      .all('SELECT s.*, p.name FROM slots s JOIN pipelines p ON p.n = s.pipeline ORDER BY slot')
      .map((row) => ({
        slot: Number(row.slot),
        owner: String(row.owner),
        pipeline: String(row.name),
        worker: String(row.worker),
        pid: Number(row.pid),
        boot: String(row.boot),
        started: String(row.started),
        beats: Number(row.beats),
        seenMs: Number(row.seenMs),
      }))
  }
}
