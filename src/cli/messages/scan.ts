import type { ChannelRef } from '../../core/channel.ts'
import type { DeadEntry, Stored } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
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

const shortScanMax = 10_000

/**
 * The message of that id, or of an id that ends so, as tables print it.
 * @throws NOT_FOUND; INVALID_ARGUMENT where several end so.
 */
export async function findMessage(bus: Bus, channel: ChannelRef, id: string): Promise<Stored> {
  const exact = await bus.admin.message(channel, id)
  if (exact) return exact
  const found: Stored[] = []
  let seen = 0
  for await (const { items } of storedPages(bus, channel, { from: 'first', newestFirst: true })) {
    found.push(...items.filter(({ message }) => message.id.endsWith(id)))
    seen += items.length
    if (seen >= shortScanMax) break
  }
  return onlyOne(id, channel, found)
}

/** @throws NOT_FOUND for none, INVALID_ARGUMENT for several. */
export function onlyOne<T extends { readonly message: { readonly id: string } }>(
  id: string,
  channel: ChannelRef,
  found: readonly T[],
): T {
  const [first, second] = found
  if (first && !second) return first
  if (!first) {
    throw new NarrowcastError('NOT_FOUND', `"${channel.name}" holds no message ${id}`, {
      channel: channel.name,
      hint: `narrowcast messages ls ${channel.name}\nDead ones: narrowcast dead ls ${channel.name}`,
    })
  }
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `${found.length} messages of "${channel.name}" have an id that ends in ${id}`,
    {
      hint: found
        .slice(0, 3)
        .map(({ message }) => message.id)
        .join('\n'),
    },
  )
}
