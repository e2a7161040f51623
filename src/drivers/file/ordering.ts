import type { ChannelRef, Ordering, ReaderSpec } from '../../core/channel.ts'
import { orderConflict } from '../../core/orderConflict.ts'
import type { Database } from './database.ts'
import { layLanes, liftLanes } from './lanes.ts'
import { reclaimExpired } from './reclaim.ts'

interface GroupOrder {
  readonly ordering: Ordering
  readonly in_flight: number
  readonly next_seq: number
}

/**
 * Inside a transaction: the group hands out in the order that a reader asks for from now on.
 * @throws CONFLICT beside another reader that lives, or while anybody has a message in hand.
 */
export function agreeOnOrder(
  db: Database,
  group: number,
  { reader, group: name, order }: ReaderSpec,
  nowMs: number,
): void {
  const sql = 'SELECT ordering, in_flight, next_seq FROM grp WHERE no = ?'
  const was = db.get<GroupOrder>(sql, group)
  if (!was || order === null || order === was.ordering) return
  while (reclaimExpired(db, group, nowMs) <= nowMs);
  const others = db.get(
    'SELECT 1 FROM reader WHERE grp = ? AND name <> ? AND deadline_ms > ? LIMIT 1',
    group,
    reader,
    nowMs,
  )
  if (others || (db.get<GroupOrder>(sql, group)?.in_flight ?? 0) > 0) {
    const channel = db.get<ChannelRef>(
      'SELECT c.name, c.pattern FROM channel c JOIN grp g ON g.channel = c.no WHERE g.no = ?',
      group,
    )
    throw orderConflict('file', channel as ChannelRef, name, order, was.ordering)
  }
  if (order === 'none') liftLanes(db, group)
  else if (was.ordering === 'none') layLanes(db, group, was.next_seq)
  db.run('UPDATE grp SET ordering = ?2 WHERE no = ?1', group, order)
}
