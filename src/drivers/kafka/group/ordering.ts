import type { Ordering } from '../../../core/channel.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import { Coordinator } from './coordinator.ts'
import { noteIn } from './note.ts'
import { Offsets } from './offsets.ts'
import { orderOfMembers } from './protocol.ts'

const answerMs = 10_000

/**
 * In which a group hands out: as its members do, or as those did that were there last.
 * @throws CONNECTION_LOST, UNAVAILABLE, LOGIN_REFUSED
 */
export async function orderOfGroup(
  cluster: Cluster,
  group: string,
  { name, partitions }: Topic,
): Promise<Ordering> {
  const coordinator = new Coordinator(cluster, group, answerMs)
  const offsets = new Offsets(cluster, group)
  try {
    const found = await orderOfMembers(await coordinator.link(), group)
    if (found !== 'nobody' && found !== 'others') return found
    const places = partitions.map(({ index }) => ({ topic: name, partition: index }))
    return orderNoted(await offsets.fetch(places))
  } finally {
    coordinator.close()
    offsets.close()
  }
}

/** Of notes that one of its members has made. */
export function orderNoted(all: readonly { offset: number; note: string | null }[]): Ordering {
  const said = all.map(({ offset, note }) => noteIn(offset, note).order)
  return said.find((order) => order !== 'none') ?? 'none'
}
