import type { ChannelRef } from '../../core/channel.ts'
import type { GroupInfo } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import { nearest } from '../../drivers/_shared/nearest.ts'
import type { Bus } from '../../runtime/api.ts'

/**
 * The group of that name.
 * @throws UNSUPPORTED for what is no stream; NOT_FOUND with a near name.
 */
export async function existingGroup(
  bus: Bus,
  channel: ChannelRef,
  name: string,
): Promise<GroupInfo> {
  checkStream(channel)
  const groups = await bus.admin.groups(channel)
  const found = groups.find(({ group }) => group === name)
  if (found) return found
  const near = nearest(
    name,
    groups.map(({ group }) => group),
  )
  throw new NarrowcastError('NOT_FOUND', `"${channel.name}" has no group "${name}"`, {
    channel: channel.name,
    hint: near ? `Did you mean ${near}?` : `narrowcast groups ls ${channel.name} lists all`,
  })
}

/** @throws UNSUPPORTED for what is no stream. */
export function checkStream({ name, pattern }: ChannelRef): void {
  if (pattern === 'stream') return
  const live = isLive(pattern)
  const why = live ? `, and a ${pattern} keeps nothing that one could be at` : ''
  const instead = live
    ? 'Its workers: narrowcast workers ls'
    : `What is in it: narrowcast channels show ${name}`
  const text = `"${name}" is a ${pattern}; only streams have groups${why}`
  throw new NarrowcastError('UNSUPPORTED', text, {
    channel: name,
    hint: `${instead}\nA stream: narrowcast channels create NAME --pattern stream`,
  })
}
