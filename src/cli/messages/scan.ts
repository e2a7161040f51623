import type { ChannelRef } from '../../core/channel.ts'
import type { DeadEntry, Stored } from '../../core/driver.ts'
import type { Place } from '../../core/message.ts'
import type { Bus } from '../../runtime/api.ts'

/** Bodies may be large: a page of them must fit into memory. */
const pageLimit = 200

/** Pages of messages, one after the other, until there are no more or the caller stops. */
export async function* storedPages(
  bus: Bus,
  channel: ChannelRef,
  query: { from: Place; newestFirst: boolean; cursor?: string | null; limit?: number },
): AsyncGenerator<{ items: readonly Stored[]; cursor: string | null }> {
  let cursor = query.cursor ?? null
  do {
    const { from, newestFirst, limit = pageLimit } = query
    const page = await bus.admin.peek(channel, { from, newestFirst, cursor, limit })
    yield page
    cursor = page.cursor
  } while (cursor !== null)
}

/** Pages of dead letters, the newest first. */
export async function* deadPages(
  bus: Bus,
  channel: ChannelRef,
  group: string | null,
  newestFirst = true,
): AsyncGenerator<readonly DeadEntry[]> {
  let cursor: string | null = null
  do {
    const query: { cursor: string | null; limit: number; newestFirst: boolean } = {
      cursor,
      limit: pageLimit,
      newestFirst,
    }
    const page: Awaited<ReturnType<typeof bus.admin.deadLetters>> = await bus.admin.deadLetters(
      channel,
      group,
      query,
    )
    yield page.items
    cursor = page.cursor
  } while (cursor !== null)
}
