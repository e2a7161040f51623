import type { ChannelRef } from '../../core/channel.ts'
import type { DeadEntry } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Bus } from '../../runtime/api.ts'
import type { Invocation } from '../invocation.ts'
import { deadFilter } from '../messages/facts.ts'
import { deadPages, onlyOne } from '../messages/scan.ts'

/** The newest dead letters that fit --where and --group, at most `max` looked at. */
export async function lookAtDead(
  { flags }: Invocation,
  bus: Bus,
  channel: ChannelRef,
  max: number,
): Promise<{ found: DeadEntry[]; isWhole: boolean }> {
  const fits = deadFilter(flags.text('where'))
  const found: DeadEntry[] = []
  for await (const page of deadPages(bus, channel, flags.text('group') ?? null)) {
    for (const entry of page) {
      if (!fits(entry)) continue
      if (found.length === max) return { found, isWhole: false }
      found.push(entry)
    }
  }
  return { found, isWhole: true }
}

/**
 * The dead letters that a change is meant for: those of `ids`, which may be the ends of ids, else
 * those that fit --where, else all. The oldest first.
 * @throws NOT_FOUND for an id that is not there; INVALID_ARGUMENT where the choice is not clear.
 */
export async function chooseDead(
  invocation: Invocation,
  bus: Bus,
  channel: ChannelRef,
  ids: readonly string[],
): Promise<DeadEntry[]> {
  const { flags } = invocation
  const ways = [
    flags.isSet('all') && '--all',
    ids.length > 0 && 'ids',
    flags.text('where') && '--where',
  ]
  const asked = ways.filter((one) => typeof one === 'string')
  if (asked.length > 1) {
    throw new NarrowcastError('INVALID_ARGUMENT', `${asked.join(' and ')} exclude each other`)
  }
  const { found } = await lookAtDead(invocation, bus, channel, Number.POSITIVE_INFINITY)
  const oldestFirst = found.reverse()
  if (ids.length === 0) return oldestFirst
  return ids.map((id) => {
    const exact = oldestFirst.filter(({ message, ref }) => message.id === id || ref === id)
    const short = oldestFirst.filter(({ message }) => message.id.endsWith(id))
    return onlyOne(id, channel, exact.length > 0 ? exact : short)
  })
}
