import type { ChannelRef } from '../../core/channel.ts'
import type { DeadEntry, Page, Stored } from '../../core/driver.ts'
import type { Bus, Channel, Received } from '../../runtime/api.ts'
import type { Place } from '../actor/place.ts'
import { deadCauses } from '../evidence/record.ts'
import { measuredId } from '../identity.ts'

const pageSize = 1_000

/** One record for each dead letter of a queue, or of a group of a stream. */
export async function writeDead(
  bus: Bus,
  channel: ChannelRef,
  group: string | null,
  run: string,
  place: Place,
): Promise<void> {
  let cursor: string | null = null
  do {
    const query = { limit: pageSize, newestFirst: false, cursor }
    const page: Page<DeadEntry> = await bus.admin.deadLetters(channel, group, query)
    for (const { message, letter } of page.items) {
      const about = measuredId(run, message.id)
      const why = { flags: deadCauses.indexOf(letter.cause), count: letter.failures }
      if (about) place.write({ type: 'dead', message: about, ...why }, place.nowNs())
    }
    cursor = page.cursor
  } while (cursor !== null)
}

/** One record for each message that a queue still has. */
export async function writeLeft(
  bus: Bus,
  channel: ChannelRef,
  run: string,
  place: Place,
): Promise<void> {
  let cursor: string | null = null
  do {
    const query = { limit: pageSize, newestFirst: false, cursor, from: 'first' as const }
    const page: Page<Stored> = await bus.admin.peek(channel, query)
    for (const { message } of page.items) {
      const about = measuredId(run, message.id)
      if (about) place.write({ type: 'left', message: about }, place.nowNs())
    }
    cursor = page.cursor
  } while (cursor !== null)
}

/** So long after the last one nothing more comes. */
const quietMs = 2_000
const atOnce = 100

/** The same where a broker shows only what it hands over: they are gone from it afterwards. */
export async function takeLeft(
  channel: Channel<Uint8Array>,
  run: string,
  place: Place,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const quiet = setTimeout(resolve, quietMs)
  const write = (_: unknown, { message: { id } }: Received<Uint8Array>) => {
    quiet.refresh()
    const about = measuredId(run, id)
    if (about) place.write({ type: 'left', message: about }, place.nowNs())
  }
  await using subscription = channel.subscribe(write, { concurrency: atOnce })
  await subscription.ready()
  quiet.refresh()
  await promise
}
