import type { ChannelRef } from '../../core/channel.ts'
import type { Stored } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Connected } from '../connection.ts'
import type { Invocation } from '../invocation.ts'
import { showCount } from '../output/quantities.ts'
import { shellWord } from '../output/shellWord.ts'
import { justBefore } from './begin.ts'
import { Named, positionOf } from './named.ts'
import { storedPages } from './scan.ts'

const shortScanMax = 10_000
const twinsWithinMs = 2_000

/**
 * The message at `#POSITION`, of that id, or of an id that ends so.
 * @throws NOT_FOUND; INVALID_ARGUMENT where several are meant, and for an empty word.
 */
export async function findMessage(
  invocation: Invocation,
  { bus }: Connected,
  channel: ChannelRef,
  word: string,
): Promise<Stored> {
  const position = positionOf(word)
  if (position !== null) return atPosition(bus, channel, position)
  const named = new Named<Stored>(word, {
    thing: 'message',
    channel: channel.name,
    placeOf: (found) => (found.position === undefined ? null : `#${found.position}`),
    wordOf: ({ state }) => (state === 'scheduled' ? 'delayed' : state),
    choose: (_, place) =>
      `One of them: narrowcast messages show ${channel.name} ${shellWord(place)}`,
    ifNone: `narrowcast messages ls ${channel.name}\nDead ones: narrowcast dead ls ${channel.name}`,
  })
  const exact = await bus.admin.message(channel, word)
  if (exact) {
    named.add(exact)
    for await (const twin of twinsOf(invocation, bus, channel, exact)) named.add(twin)
    return named.one()
  }
  let seen = 0
  for await (const { items } of storedPages(bus, channel, { from: 'first', newestFirst: true })) {
    for (const item of items) named.add(item)
    seen += items.length
    if (seen >= shortScanMax) break
  }
  return named.one()
}

/** Other messages of the same id, which stand behind the first. Says so when it gave up. */
async function* twinsOf(
  { clock, output }: Invocation,
  bus: Connected['bus'],
  channel: ChannelRef,
  { message, position }: Stored,
): AsyncGenerator<Stored> {
  // Delayed ones have no position yet; they are the newest, and the first of them is known.
  const query =
    position === undefined
      ? ({ from: 'first', newestFirst: true } as const)
      : ({ from: { position }, newestFirst: false } as const)
  let skip = position === undefined ? 1 : 0
  let seen = 0
  const beganMs = clock.monotonicMs()
  for await (const { items, cursor } of storedPages(bus, channel, query)) {
    for (const item of items) {
      if (position === undefined && item.position !== undefined) return
      if (item.message.id === message.id && skip-- <= 0) yield item
    }
    seen += items.length
    if (cursor === null || clock.monotonicMs() - beganMs < twinsWithinMs) continue
    output.note(`others with this id were looked for in the next ${showCount(seen)} messages only`)
    return
  }
}

/** @throws NOT_FOUND where no message stands there (any more). */
async function atPosition(
  bus: Connected['bus'],
  channel: ChannelRef,
  position: string,
): Promise<Stored> {
  const { items } = await bus.admin.peek(channel, {
    from: justBefore(position),
    newestFirst: false,
    cursor: null,
    limit: 1,
  })
  const [found] = items
  if (found?.position === position) return found
  throw new NarrowcastError(
    'NOT_FOUND',
    `"${channel.name}" holds no message at position #${position}`,
    { channel: channel.name, hint: `narrowcast messages ls ${channel.name} prints them as SEQ` },
  )
}
