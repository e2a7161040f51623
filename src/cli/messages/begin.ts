import type { ChannelRef } from '../../core/channel.ts'
import type { Place } from '../../core/message.ts'
import type { Bus } from '../../runtime/api.ts'

const lastOfMs = 2n ** 64n - 1n

/**
 * Where to look from so that the message which a place names is the first one: to the core such a
 * place means right behind it.
 */
export async function beginningAt(
  { admin }: Pick<Bus, 'admin'>,
  channel: ChannelRef,
  place: Place,
): Promise<Place> {
  if (typeof place === 'string' || 'timeMs' in place) return place
  // What is no place here is refused in the words that were typed.
  await admin.peek(channel, { from: place, newestFirst: false, cursor: null, limit: 1 })
  if ('position' in place) return justBefore(place.position)
  const position = (await admin.message(channel, place.id))?.position
  return position === undefined ? place : justBefore(position)
}

/** Positions are numbers, or a time and a number as on Redis. */
export function justBefore(position: string): Place {
  const [first, second] = position.split('-', 2).map(BigInt) as [bigint, bigint?]
  if (second !== undefined && second > 0n) return { position: `${first}-${second - 1n}` }
  if (first === 0n) return 'first'
  const before = String(first - 1n)
  return { position: second === undefined ? before : `${before}-${lastOfMs}` }
}
