import type { Ordering, ReaderSpec } from '../../../core/channel.ts'
import { orderConflict } from '../../../core/orderConflict.ts'
import { leaveScript, openScript } from './openScript.ts'
import { type Queue, tagOf } from './queue.ts'
import { expiredScript, reclaimScript } from './reclaimScript.ts'

export interface OpenedReader {
  /** Which opening of this reader it is: an older one is replaced. */
  readonly opened: string
  /** The last one that was given out. */
  readonly serial: number
  readonly order: Ordering
  readonly lostCount: number
  readonly lostBefore: readonly number[]
  /** In hand, in their order. */
  readonly held: readonly number[]
}

/**
 * Makes the row of a reader, or takes up the one of this very name.
 * @throws CONFLICT where others are at work in another order.
 */
export async function openReader(
  queue: Queue,
  channel: { readonly name: string; readonly pattern: 'queue' },
  spec: ReaderSpec,
): Promise<OpenedReader> {
  const { reader, worker, charge, leaseMs, order, holding } = spec
  const least = holding.reduce(
    (most, token) => (token.reader === reader ? Math.max(most, token.serial) : most),
    0,
  )
  const args = [reader, worker.id, charge, String(leaseMs), order ?? '', String(least)]
  for (;;) {
    const [said, ...rest] = await queue.run<(string | number)[]>(openScript, 'source', reader, args)
    if (said === 'expired') await reclaim(queue, String(rest[0]))
    else if (said === 'order') {
      throw orderConflict('redis', channel, null, order ?? 'none', rest[0] as Ordering)
    } else if (said === 'opened') {
      const [opened, serial, found, lostCount, ...held] = rest
      const before = Number(lostCount) === 0 ? {} : await lostOf(queue, reader)
      return {
        opened: String(opened),
        serial: Number(serial),
        order: found as Ordering,
        lostCount: Number(lostCount),
        lostBefore: Object.keys(before).map(Number),
        held: held.map(Number).sort((a, b) => a - b),
      }
    }
  }
}

/** Serial → why it was taken away. */
export async function lostOf(queue: Queue, reader: string): Promise<Record<string, string>> {
  return await queue.home.send(['HGETALL', queue.layout.lost(reader)], 'lost')
}

/** Gives back what a reader held whose lease has ended, to the last of it. */
export async function reclaim(queue: Queue, reader: string): Promise<void> {
  for (;;) {
    const said = await queue.run<number | string>(reclaimScript, 'reclaim', reader, [
      reader,
      tagOf(reader),
    ])
    if (typeof said === 'string') await reclaim(queue, said)
    else if (said === 0) return
  }
}

/** Gives back what all readers held whose leases have ended. */
export async function reclaimExpired(queue: Queue): Promise<void> {
  for (;;) {
    const expired = await queue.run<string | null>(expiredScript, 'reclaim', '', [])
    if (expired === null) return
    await reclaim(queue, expired)
  }
}

export async function leave(queue: Queue, reader: string, opened: string): Promise<void> {
  await queue.run(leaveScript, 'close', reader, [reader, opened])
}
