import { setTimeout as sleep } from 'node:timers/promises'
import { asNarrowcastError } from '../../../core/errors.ts'
import type { Place } from '../../../core/message.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import { kafkaError } from '../kafkaErrors.ts'
import { beginsAt } from '../reading/begins.ts'
import { Offsets } from './offsets.ts'

const againMs = 100
/** Of who is no member: taken while the group has none. */
const nobody = { memberId: '', generation: -1 } as const

/**
 * A group that has read nothing yet begins here and now: what is published from then on is owed to it,
 * whenever its readers come. Resolves with where that is in each partition, for a member to note it; empty
 * where that is known.
 * @throws NOT_FOUND, INVALID_ARGUMENT, LOGIN_REFUSED
 */
export async function begin(
  cluster: Cluster,
  group: string,
  channel: string,
  from: Place,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const offsets = new Offsets(cluster, group)
  try {
    for (;;) {
      signal.throwIfAborted()
      try {
        // Who leads what may have changed since.
        const topic = (await cluster.topics([channel])).get(channel)
        if (topic === undefined) throw gone(channel)
        return await once(offsets, cluster, topic, from)
      } catch (error) {
        const { retryable } = asNarrowcastError(error)
        if (!retryable || cluster.ended.aborted) throw error
      }
      // The first group of a cluster waits until there is a place to note groups.
      await sleep(againMs, undefined, { ref: false })
    }
  } finally {
    offsets.close()
  }
}

async function once(
  offsets: Offsets,
  cluster: Cluster,
  topic: Topic,
  from: Place,
): Promise<readonly number[]> {
  const places = topic.partitions.map(({ index }) => ({ topic: topic.name, partition: index }))
  const known = await offsets.fetch(places)
  // Partitions that came since are read from their first.
  if (known.length > 0) return []
  const begins = await beginsAt(cluster, topic, from)
  if ((await offsets.fetch(places)).length > 0) return [] // others have begun it meanwhile
  const notes = places.map((place) => ({
    ...{ ...place, offset: begins[place.partition] ?? 0, note: '' },
  }))
  // While it has members, be it of another channel, only they are heard.
  return (await offsets.commit(notes, nobody)) === 'done' ? [] : begins
}

function gone(channel: string) {
  return kafkaError('NOT_FOUND', 'source', `topic "${channel}" is gone`, { channel })
}
