import type { DeadEntry, Page, PageQuery } from '../../core/driver.ts'
import {
  type DeadLetter,
  type OutgoingMessage,
  type PublishOutcome,
  redriven,
} from '../../core/message.ts'
import type { ChannelRow } from './channels.ts'
import type { Database } from './database.ts'
import { joinLane } from './lanes.ts'
import { messageOf, redrivenMeta } from './messageRow.ts'
import { Numbers } from './numbers.ts'
import { checkPage } from './page.ts'
import { channelLane, groupLane, rowId } from './schema.ts'
import { readStore, type Store } from './store.ts'
import { type Accepted, storeMessages } from './storeMessages.ts'
import { awaken } from './waiting.ts'

/** Dead letters sent back in one transaction. */
const redriveStep = 100

/** A page of the dead letters of a channel, or of one group. */
export async function deadPage(
  store: Store,
  channel: ChannelRow,
  group: number | null,
  query: PageQuery,
): Promise<Page<DeadEntry>> {
  const after = checkPage(query)
  const { newestFirst, limit } = query
  return readStore(store, 'deadLetters', () => {
    const rows = store.db.cells(
      `SELECT no, id, time_ms, meta, body, octet_length(body), letter FROM dead
       WHERE ${group === null ? 'channel' : 'grp'} = ?1 AND no ${newestFirst ? '<' : '>'} ?2
       ORDER BY no ${newestFirst ? 'DESC' : 'ASC'} LIMIT ?3`,
      group ?? channel.no,
      after ?? (newestFirst ? Number.MAX_SAFE_INTEGER : 0),
      limit + 1,
    ) as unknown as [number, string, number, string | null, string | Uint8Array, number, string][]
    const items = rows
      .slice(0, limit)
      .map(([no, id, timeMs, meta, body, bytes, letter]): DeadEntry => {
        const { message } = messageOf(channel.name, { id, timeMs, meta, body }, bytes)
        return { ref: String(no), message, letter: JSON.parse(letter) as DeadLetter }
      })
    return { items, cursor: rows.length > limit ? (items.at(-1)?.ref ?? null) : null }
  })
}

/**
 * Sends dead letters back to where they died, or `to` another channel, each in the transaction
 * that removes it.
 */
export async function redrive(
  store: Store,
  channel: ChannelRow,
  refs: readonly string[],
  to: ChannelRow | null,
  signal: AbortSignal,
): Promise<PublishOutcome[]> {
  const { db, writer, syncer, bells, time } = store
  const target = to ?? channel
  const numbers = new Numbers(db, writer, syncer, target.no)
  const outcomes: PublishOutcome[] = []
  while (outcomes.length < refs.length) {
    const step = refs.slice(outcomes.length, outcomes.length + redriveStep)
    const done = await writer.run(
      'redrive',
      () => {
        const head = db.get<{ next_seq: number; reserved_seq: number }>(
          'SELECT next_seq, reserved_seq FROM channel WHERE no = ?',
          target.no,
        )
        if (head && head.next_seq + step.length > head.reserved_seq) return null
        const nowMs = time.nowMs()
        if (to) return redriveTo(db, channel, step, to, nowMs)
        const results = step.map((ref) => redriveOne(db, channel, ref, nowMs))
        const sent = results.filter(({ state }) => state === 'stored').length
        return { results, bells: sent > 0 ? awaken(db, channel.no, sent) : [] }
      },
      { signal },
    )
    if (!done) {
      await numbers.reserve()
      continue
    }
    outcomes.push(...done.results)
    bells.ring(done.bells)
  }
  return outcomes
}

function redriveOne(db: Database, channel: ChannelRow, ref: string, nowMs: number): PublishOutcome {
  const no = numberOf(ref)
  const row = db.get<{ grp: number; meta: string | null; known: number | null }>(
    `SELECT d.grp, d.meta, (SELECT g.no FROM grp g WHERE g.no = d.grp AND g.name < '~') AS known
     FROM dead d WHERE d.no = ?1 AND d.channel = ?2`,
    no,
    channel.no,
  )
  if (row?.known === undefined || row.known === null) {
    return gone(channel, row ? 'the group of dead letter' : 'dead letter', ref)
  }
  const { meta } = redrivenMeta(row.meta)
  const isQueue = channel.pattern === 'queue'
  const seq = isQueue
    ? (db.get<{ n: number }>('SELECT next_seq AS n FROM channel WHERE no = ?', channel.no)?.n ?? 0)
    : (db.get<{ n: number }>('SELECT own_seq AS n FROM grp WHERE no = ?', row.grp)?.n ?? 0)
  const lane = isQueue ? channelLane(channel.no) : groupLane(row.grp)
  db.run(
    `INSERT INTO log SELECT ${rowId('?1', '?2')}, id, time_ms, ?3, ?4, body FROM dead WHERE no = ?5`,
    lane,
    seq,
    nowMs,
    meta,
    no,
  )
  if (isQueue) db.run('UPDATE channel SET next_seq = next_seq + 1 WHERE no = ?', channel.no)
  else {
    db.run('UPDATE grp SET own_seq = own_seq + 1, back = back + 1 WHERE no = ?', row.grp)
    db.run(
      `INSERT INTO back (grp, crashes, due_ms, ref, failures) VALUES (?3, 0, 0, ${rowId('?1', '?2')}, 0)`,
      lane,
      seq,
      row.grp,
    )
    joinLane(db, row.grp, seq)
  }
  removeDead(db, channel, [ref])
  return { state: 'stored', duplicate: false, ...(isQueue ? { position: String(seq) } : {}) }
}

/** Null where the reserved numbers do not suffice: then nothing was changed. */
function redriveTo(
  db: Database,
  channel: ChannelRow,
  refs: readonly string[],
  to: ChannelRow,
  nowMs: number,
): { results: PublishOutcome[]; bells: readonly string[] } | null {
  const results = refs.map((ref) => gone(channel, 'dead letter', ref))
  const accepted = refs.flatMap((ref, at): Accepted[] => {
    const message = refs.indexOf(ref) === at ? redrivenMessage(db, channel, ref) : null
    return message ? [{ message, at }] : []
  })
  if (accepted.length === 0) return { results, bells: [] }
  const stored = storeMessages(db, to, accepted, nowMs, true)
  if (stored === 'no-numbers') return null
  for (const [at, outcome] of stored.outcomes) results[at] = outcome
  const sent = accepted.map(({ at }) => refs[at] as string)
  removeDead(db, channel, sent)
  return { results, bells: stored.bells }
}

function redrivenMessage(db: Database, channel: ChannelRow, ref: string): OutgoingMessage | null {
  const [row] = db.cells(
    'SELECT id, time_ms, meta, body FROM dead WHERE no = ? AND channel = ?',
    numberOf(ref),
    channel.no,
  ) as unknown as [string, number, string | null, string | Uint8Array][]
  if (!row) return null
  const [id, timeMs, meta, body] = row
  const { message, redrives } = messageOf(channel.name, { id, timeMs, meta, body }, 0)
  return redriven(message, redrives)
}

function gone({ name }: ChannelRow, what: string, ref: string): PublishOutcome {
  const message = `file: channel "${name}" has no longer ${what} ${JSON.stringify(ref)}`
  return { state: 'refused', code: 'NOT_FOUND', message }
}

/** Inside a transaction: returns how many there were. */
export function removeDead(db: Database, channel: ChannelRow, refs: readonly string[]): number {
  let removed = 0
  for (const ref of refs) {
    const row = db.get<{ grp: number }>(
      'DELETE FROM dead WHERE no = ? AND channel = ? RETURNING grp',
      numberOf(ref),
      channel.no,
    )
    if (!row) continue
    db.run('UPDATE grp SET dead = dead - 1 WHERE no = ?', row.grp)
    removed++
  }
  return removed
}

/** A text that is no number names nothing. */
function numberOf(ref: string): number {
  return /^\d{1,15}$/.test(ref) ? Number(ref) : 0
}
