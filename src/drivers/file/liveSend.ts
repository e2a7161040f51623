import type { WorkerRef } from '../../core/channel.ts'
import type { SendOutcome } from '../../core/driver.ts'
import type { OutgoingMessage } from '../../core/message.ts'
import type { Database } from './database.ts'
import { putIn } from './liveInbox.ts'
import { leads } from './liveLead.ts'
import { dropExpired } from './liveSubscribers.ts'

export interface Addressed {
  readonly to: WorkerRef
  readonly message: OutgoingMessage
}

export interface Sent {
  readonly outcomes: SendOutcome[]
  readonly bells: readonly string[]
}

/**
 * Inside a transaction: puts each message into the inbox of its worker, exactly that start of it.
 * With a fence, only while that lead leads: else nothing is sent.
 */
export function sendTo(
  db: Database,
  channel: { readonly no: number; readonly name: string },
  batch: readonly Addressed[],
  fence: string | null,
  nowMs: number,
): Sent {
  dropExpired(db, channel.no, nowMs)
  if (fence !== null && !leads(db, channel.no, fence, nowMs)) {
    return { outcomes: batch.map(() => 'fenced'), bells: [] }
  }
  const bells: string[] = []
  const outcomes = new Array<SendOutcome>(batch.length).fill('nobody')
  for (const [{ id, incarnation }, places] of byWorker(batch)) {
    const member = db.get<{ inbox: number }>(
      `SELECT inbox FROM subscriber
       WHERE channel = ? AND role = 'member' AND id = ? AND incarnation = ? AND until IS NULL`,
      channel.no,
      id,
      incarnation,
    )
    if (!member) continue
    const messages = places.map((at) => (batch[at] as Addressed).message)
    bells.push(...putIn(db, member.inbox, channel.name, messages))
    for (const at of places) outcomes[at] = 'handed'
  }
  return { outcomes, bells }
}

/** Where the messages of each worker stand in the batch. */
function byWorker(batch: readonly Addressed[]): Iterable<[WorkerRef, number[]]> {
  const found = new Map<string, [WorkerRef, number[]]>()
  batch.forEach(({ to }, at) => {
    const key = JSON.stringify([to.id, to.incarnation])
    const known = found.get(key)
    if (known) known[1].push(at)
    else found.set(key, [to, [at]])
  })
  return found.values()
}
