import type { ChannelRef } from '../../core/channel.ts'
import type { DeadEntry, Page, Stored } from '../../core/driver.ts'
import type { Bus } from '../../runtime/api.ts'
import type { Place } from '../actor/place.ts'
import type { DepthSample } from '../evidence/evidence.ts'
import { deadCauses } from '../evidence/record.ts'
import { identityOfId } from '../identity.ts'

const pageSize = 1_000

/** What the broker says about a queue now. */
export async function depthOf(bus: Bus, channel: ChannelRef, timeNs: bigint): Promise<DepthSample> {
  const [depth] = await bus.admin.depths([channel])
  if (!depth) throw new Error(`lab: the broker does not know "${channel.name}" any more`)
  const { waiting, inFlight, scheduled, dead } = depth
  return { timeNs, group: null, waiting, inFlight, scheduled, dead, stored: depth.in }
}

/** One record for each dead letter, and for each message that is still there. */
export async function writeLeftovers(
  bus: Bus,
  channel: ChannelRef,
  run: string,
  place: Place,
): Promise<void> {
  const query = { limit: pageSize, newestFirst: false } as const
  let cursor: string | null = null
  do {
    const page: Page<DeadEntry> = await bus.admin.deadLetters(channel, null, { ...query, cursor })
    for (const { message, letter } of page.items) {
      const about = identityOfId(run, message.id)
      const why = { flags: deadCauses.indexOf(letter.cause), count: letter.failures }
      if (about) place.write({ type: 'dead', message: about, ...why }, place.nowNs())
    }
    cursor = page.cursor
  } while (cursor !== null)
  do {
    const page: Page<Stored> = await bus.admin.peek(channel, { ...query, cursor, from: 'first' })
    for (const { message } of page.items) {
      const about = identityOfId(run, message.id)
      if (about) place.write({ type: 'left', message: about }, place.nowNs())
    }
    cursor = page.cursor
  } while (cursor !== null)
}
