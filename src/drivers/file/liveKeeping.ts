import type { ChannelRow } from './channels.ts'
import { dropRead } from './liveInbox.ts'
import { dropExpired } from './liveSubscribers.ts'
import { readStore, type Store } from './store.ts'

/** What lies in inboxes that nobody has, or behind all cursors: inboxes are as many as subscribers. */
const leftoversSql = `SELECT no FROM inbox i
  WHERE NOT EXISTS (SELECT 1 FROM subscriber WHERE inbox = i.no)
    OR EXISTS (SELECT 1 FROM unread WHERE at >= (i.no << 40)
      AND at < (i.no << 40) + (SELECT min(cursor) FROM subscriber WHERE inbox = i.no))`

/** Removes whoever gave no sign of life, and what lies unread for nobody. */
export async function keepLive(store: Store, signal: AbortSignal): Promise<void> {
  const { db, writer, time } = store
  const expired = await readStore(store, 'keep', () =>
    db.all<{ channel: number }>(
      'SELECT DISTINCT channel FROM subscriber WHERE deadline_ms <= ?',
      time.nowMs(),
    ),
  )
  for (const { channel } of expired) {
    await writer.run('keep', () => dropExpired(db, channel, time.nowMs()), { signal })
  }
  await dropLeftovers(store, signal)
}

/** In steps; also what a removed channel has left. */
export async function dropLeftovers(store: Store, signal: AbortSignal): Promise<void> {
  const { db, writer } = store
  const left = await readStore(store, 'keep', () => db.all<{ no: number }>(leftoversSql))
  for (const { no } of left) {
    while ((await writer.run('keep', () => dropRead(db, no), { signal })) > 0);
  }
}

/** Moves everybody behind what waits; returns how many messages nobody is given by that. */
export async function purgeLive(
  store: Store,
  channel: ChannelRow,
  signal: AbortSignal,
): Promise<number> {
  const { db, writer } = store
  const work = () => {
    const unread = db.get<{ n: number }>(
      `SELECT coalesce(sum(max(0, coalesce(s.until, i.next_seq) - s.cursor)), 0) AS n
       FROM subscriber s JOIN inbox i ON i.no = s.inbox WHERE s.channel = ?`,
      channel.no,
    )
    db.run(
      `UPDATE subscriber SET (cursor, passed) =
         (SELECT next_seq, bytes FROM inbox WHERE no = subscriber.inbox)
       WHERE channel = ? AND inbox IS NOT NULL`,
      channel.no,
    )
    return unread?.n ?? 0
  }
  const purged = await writer.run('purge', work, { signal })
  await dropLeftovers(store, signal)
  return purged
}

/** Inside a transaction that removes the channel: nobody is there. The bells of all who were. */
export function dropSubscribers({ db }: Store, channel: number): string[] {
  const there = db.all<{ bell: string }>(
    'SELECT DISTINCT bell FROM subscriber WHERE channel = ?',
    channel,
  )
  db.run('DELETE FROM subscriber WHERE channel = ?', channel)
  return there.map(({ bell }) => bell)
}
