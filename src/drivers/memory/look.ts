import type { Page, PageQuery, Stored as Shown } from '../../core/driver.ts'
import type { Place } from '../../core/message.ts'
import type { Channel } from './channel.ts'
import { handedOut, type Item, type Stored } from './message.ts'
import { page } from './page.ts'

/** One message as it stands: of a stream, the farthest that any group has come with it. */
export function look(channel: Channel, stored: Stored): Shown {
  const items = [...channel.lines.values()].flatMap((line) => line.places.get(stored.seq) ?? [])
  const worker = items.find(({ owner }) => owner)?.owner?.worker.id
  return {
    message: handedOut(stored.message),
    state: stateOf(channel, stored, items),
    position: stored.position,
    ...(worker === undefined ? {} : { worker }),
    failures: Math.max(0, ...items.map(({ failures }) => failures)),
    crashes: Math.max(0, ...items.map(({ crashes }) => crashes)),
    redrives: stored.redrives,
  }
}

function stateOf(channel: Channel, stored: Stored, items: readonly Item[]): Shown['state'] {
  if (items.some(({ place }) => place === 'in-flight')) return 'in-flight'
  if (items.some(({ place }) => place === 'scheduled')) return 'scheduled'
  return stored.dueMs > channel.clock.monotonicMs() ? 'scheduled' : 'waiting'
}

export function lookAll(channel: Channel, query: PageQuery & { from: Place }): Page<Shown> {
  const first = channel.seqOf(query.from)
  return page(
    channel.log,
    query,
    first,
    () => true,
    (stored) => look(channel, stored),
  )
}
