import { setTimeout as sleep } from 'node:timers/promises'
import type { Ordering } from '../../../core/channel.ts'
import type { Link } from '../cluster/link.ts'

/**
 * The way in which partitions are shared out, by name: Kafka takes only members that know a common one.
 * So it is the broker that keeps two orders apart.
 */
const protocols = {
  none: 'narrowcast',
  block: 'narrowcast-block',
  skip: 'narrowcast-skip',
} as const satisfies Record<Ordering, string>

const againMs = 100
const triesMax = 50

export const protocolOf = (order: Ordering): string => protocols[order]

/** Null: a way of another program. */
export function orderOf(protocol: string): Ordering | null {
  const found = Object.entries(protocols).find(([, name]) => name === protocol)
  return (found?.[0] as Ordering | undefined) ?? null
}

/**
 * Of the members that are there; `nobody` where there are none, `others` where they are of another
 * program. While members come and go the group does not tell: it is asked again for some seconds.
 */
export async function orderOfMembers(
  link: Link,
  group: string,
): Promise<Ordering | 'nobody' | 'others'> {
  for (let tries = 0; ; tries++) {
    const { groups } = await link.call('describeGroups', [group], false)
    const [found] = groups
    const isKnown = found !== undefined && found.errorCode === 0
    if (isKnown && found.members.length === 0) return 'nobody'
    if (isKnown && found.protocolData !== '') return orderOf(found.protocolData) ?? 'others'
    if (tries >= triesMax) return 'others'
    await sleep(againMs, undefined, { ref: false })
  }
}
