import type { Ordering } from '../../core/channel.ts'
import type { Settlement, SettleOutcome } from '../../core/message.ts'
import type { Database } from './database.ts'
import { leaveLanes } from './lanes.ts'
import { markDone } from './marks.ts'
import { low, rowId } from './schema.ts'

/** Whose tokens are settled. `serial`: the highest that was given out. */
export interface Settler {
  readonly channel: number
  readonly group: number
  readonly groupName: string
  readonly reader: number
  readonly name: string
  readonly serial: number
  readonly isQueue: boolean
  readonly ordering: Ordering
  /** Where the group has come to along the log. */
  readonly nextSeq: number
}

interface Counts {
  inFlight: number
  back: number
  later: number
  dead: number
  out: number
  /** Messages that are the next of their key by what was settled. */
  freed: number
}

/**
 * Inside a transaction: settles a batch. Acks of serials that follow each other go as one range.
 * What a retry or a release brings back, and when at the earliest, and what became the next of its
 * key is returned for the bells.
 */
export function settle(
  db: Database,
  settler: Settler,
  batch: readonly Settlement[],
  nowMs: number,
): { outcomes: SettleOutcome[]; returned: number; freed: number; dueMs: number } {
  const outcomes = new Array<SettleOutcome>(batch.length)
  const counts: Counts = { inFlight: 0, back: 0, later: 0, dead: 0, out: 0, freed: 0 }
  const acks: { serial: number; at: number }[] = []
  let dueMs = Number.POSITIVE_INFINITY
  let returned = 0
  batch.forEach((settlement, at) => {
    const { token, kind } = settlement
    if (token.reader !== settler.name) outcomes[at] = 'late'
    else if (kind === 'ack') acks.push({ serial: token.serial, at })
    else {
      const outcome = settleOne(db, settler, settlement, nowMs, counts)
      outcomes[at] = outcome.outcome
      if (outcome.dueMs !== undefined) {
        returned++
        dueMs = Math.min(dueMs, outcome.dueMs)
      }
    }
  })
  acks.sort((a, b) => a.serial - b.serial)
  for (let from = 0; from < acks.length; ) {
    let to = from + 1
    while (to < acks.length && acks[to]?.serial === (acks[from]?.serial ?? 0) + to - from) to++
    const run = acks.slice(from, to)
    const settled = ackRun(db, settler, run[0]?.serial ?? 0, run.length, counts)
    for (const { serial, at } of run) {
      outcomes[at] = settled ?? ackOne(db, settler, serial, counts)
    }
    from = to
  }
  remember(db, settler, batch, outcomes, nowMs)
  note(db, settler.group, counts)
  return { outcomes, returned, freed: counts.freed, dueMs }
}

/** Null when not all of them are held: then each is looked at alone. */
function ackRun(
  db: Database,
  settler: Settler,
  serial: number,
  count: number,
  counts: Counts,
): SettleOutcome | null {
  const { reader, isQueue } = settler
  const range = `token BETWEEN ${rowId('?1', '?2')} AND ${rowId('?1', '?3')}`
  const [found] = db.cells(
    `SELECT count(*), max(ref) - min(ref) + 1, sum((ref >> 40) & 1), min(ref) >> 40, ${low('min(ref)')}
     FROM held WHERE ${range}`,
    reader,
    serial,
    serial + count - 1,
  ) as unknown as [number, number, number, number, number][]
  const [held, span, own, lane, seq] = found ?? [0, 0, 0, 0, 0]
  if (held !== count) return null
  if (isQueue && span === count) {
    db.run(
      `DELETE FROM log WHERE at BETWEEN ${rowId('?1', '?2')} AND ${rowId('?1', '?3')}`,
      lane,
      seq,
      seq + count - 1,
    )
  } else if (isQueue || own > 0) {
    db.run(
      `DELETE FROM log WHERE at IN (SELECT ref FROM held WHERE ${range} AND (?4 OR (ref >> 40) & 1))`,
      reader,
      serial,
      serial + count - 1,
      isQueue ? 1 : 0,
    )
  }
  if (settler.ordering !== 'none') counts.freed += leave(db, settler, serial, count)
  db.run(`DELETE FROM held WHERE ${range}`, reader, serial, serial + count - 1)
  counts.inFlight -= count
  counts.out += count
  return 'settled'
}

/** What is held under `count` serials leaves the head of its key. */
function leave(db: Database, settler: Settler, serial: number, count: number): number {
  const { group, nextSeq, reader } = settler
  const refs = `SELECT ref FROM held WHERE token BETWEEN ${rowId('?2', '?3')} AND ${rowId('?2', '?4')}`
  return leaveLanes(db, group, nextSeq, refs, reader, serial, serial + count - 1)
}

interface HeldRow {
  readonly failures: number
  readonly crashes: number
  readonly past: string | null
}

const tokenIs = `token = ${rowId('?1', '?2')}`

function heldRow(db: Database, { reader }: Settler, serial: number): HeldRow | undefined {
  return db.get<HeldRow>(
    `SELECT failures, crashes, past FROM held WHERE ${tokenIs}`,
    reader,
    serial,
  )
}

/** The answer for a token that is not held: lost is noted, so else it was settled before. */
function answerAgain(db: Database, settler: Settler, serial: number): SettleOutcome {
  if (!(serial >= 1 && serial <= settler.serial)) return 'late'
  const lost = db.get(`SELECT 1 FROM lost WHERE ${tokenIs}`, settler.reader, serial)
  return lost ? 'late' : 'settled'
}

function ackOne(db: Database, settler: Settler, serial: number, counts: Counts): SettleOutcome {
  if (!heldRow(db, settler, serial)) return answerAgain(db, settler, serial)
  drop(db, settler, serial, counts)
  counts.inFlight--
  counts.out++
  return 'settled'
}

/** Ends a message for its group: the row in hand, and the message where nobody else needs it. */
function drop(db: Database, settler: Settler, serial: number, counts: Counts): void {
  const { reader, isQueue } = settler
  if (settler.ordering !== 'none') counts.freed += leave(db, settler, serial, 1)
  db.run(
    `DELETE FROM log WHERE at IN (SELECT ref FROM held WHERE ${tokenIs} AND (?3 OR (ref >> 40) & 1))`,
    reader,
    serial,
    isQueue ? 1 : 0,
  )
  db.run(`DELETE FROM held WHERE ${tokenIs}`, reader, serial)
}

function settleOne(
  db: Database,
  settler: Settler,
  settlement: Exclude<Settlement, { kind: 'ack' }>,
  nowMs: number,
  counts: Counts,
): { outcome: SettleOutcome; dueMs?: number } {
  const { serial } = settlement.token
  const row = heldRow(db, settler, serial)
  if (!row) return { outcome: answerAgain(db, settler, serial) }
  counts.inFlight--
  if (settlement.kind === 'dead') {
    db.run(
      `INSERT INTO dead (channel, grp, id, time_ms, meta, body, letter)
       SELECT ?3, ?4, id, time_ms, meta, body, ?5 FROM log
       WHERE at = (SELECT ref FROM held WHERE ${tokenIs})`,
      settler.reader,
      serial,
      settler.channel,
      settler.group,
      JSON.stringify(settlement.letter),
    )
    drop(db, settler, serial, counts)
    counts.dead++
    return { outcome: 'settled' }
  }
  const isRetry = settlement.kind === 'retry'
  const delayMs = Math.max(0, settlement.delayMs)
  const dueMs = delayMs === 0 ? 0 : Math.ceil(nowMs + delayMs)
  const past = isRetry ? pastOf(row.past, settlement) : row.past
  const isAside = isRetry && dueMs > 0 && settler.ordering === 'skip'
  const key = isAside ? '(SELECT key FROM lane WHERE lane.ref = held.ref AND grp = ?3)' : 'NULL'
  db.run(
    `INSERT INTO back SELECT ?3, crashes, ?4, ref, ?5, ?6, ${key} FROM held WHERE ${tokenIs}`,
    settler.reader,
    serial,
    settler.group,
    dueMs,
    isRetry ? settlement.failures : row.failures,
    past,
  )
  if (isAside) counts.freed += leave(db, settler, serial, 1)
  db.run(`DELETE FROM held WHERE ${tokenIs}`, settler.reader, serial)
  counts.back++
  if (dueMs > 0) counts.later++
  return { outcome: 'settled', dueMs }
}

function pastOf(was: string | null, { error }: Extract<Settlement, { kind: 'retry' }>): string {
  const earlier = was === null ? null : (JSON.parse(was) as { firstFailedMs: number })
  return JSON.stringify({ firstFailedMs: earlier?.firstFailedMs ?? error.atMs, last: error })
}

function remember(
  db: Database,
  { channel, groupName }: Settler,
  batch: readonly Settlement[],
  outcomes: readonly SettleOutcome[],
  nowMs: number,
): void {
  batch.forEach((settlement, at) => {
    if (settlement.kind !== 'ack' || !settlement.remember || outcomes[at] === 'late') return
    markDone(db, channel, groupName, settlement.remember.id, nowMs + settlement.remember.keepMs)
  })
}

function note(db: Database, group: number, { inFlight, back, later, dead, out }: Counts): void {
  if (inFlight === 0) return
  db.run(
    `UPDATE grp SET in_flight = in_flight + ?2, back = back + ?3, later = later + ?4,
       dead = dead + ?5, total_out = total_out + ?6 WHERE no = ?1`,
    group,
    inFlight,
    back,
    later,
    dead,
    out,
  )
}
