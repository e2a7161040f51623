import type { Ordering } from '../../../core/channel.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import type { Link } from '../cluster/link.ts'
import { orderNoted } from '../group/ordering.ts'
import { orderOf } from '../group/protocol.ts'

/** How far a group is in the partitions of one topic; -1: it has not begun there. */
export interface GroupOffsets {
  readonly group: string
  readonly offsets: readonly number[]
  readonly readers: number
  readonly order: Ordering
}

/** All that the nodes know of, ours and those of other programs. */
export async function groupNames(cluster: Cluster): Promise<string[]> {
  const names = new Set<string>()
  for (const node of cluster.nodes.keys()) {
    await withLink(cluster, node, async (link) => {
      const { groups } = await link.call('listGroups', [], [])
      for (const { groupId } of groups) names.add(groupId)
    })
  }
  return [...names].sort()
}

/** Those of the groups that have begun to read the topic. One request for each node that knows some. */
export async function groupsOn(
  cluster: Cluster,
  { name, partitions }: Topic,
  groups: readonly string[],
): Promise<GroupOffsets[]> {
  const found: GroupOffsets[] = []
  for (const [node, known] of await byCoordinator(cluster, groups)) {
    await withLink(cluster, node, async (link) => {
      const topics = [{ name, partitionIndexes: partitions.map(({ index }) => index) }]
      const asked = known.map((groupId) => ({ groupId, memberId: null, memberEpoch: -1, topics }))
      const answer = await link.call('offsetFetch', asked, false)
      const readers = await readersOf(link, known)
      for (const { groupId, topics } of answer.groups) {
        const offsets = new Array<number>(partitions.length).fill(-1)
        for (const { partitionIndex, committedOffset } of topics[0]?.partitions ?? []) {
          offsets[partitionIndex] = Number(committedOffset)
        }
        if (!offsets.some((offset) => offset >= 0)) continue
        const noted = (topics[0]?.partitions ?? []).map(({ committedOffset, metadata }) => ({
          ...{ offset: Number(committedOffset), note: metadata },
        }))
        const { count = 0, order = null } = readers.get(groupId) ?? {}
        found.push({
          ...{ group: groupId, offsets, readers: count, order: order ?? orderNoted(noted) },
        })
      }
    })
  }
  return found.sort((a, b) => (a.group < b.group ? -1 : 1))
}

async function readersOf(
  link: Link,
  groups: readonly string[],
): Promise<ReadonlyMap<string, { readonly count: number; readonly order: Ordering | null }>> {
  const answer = await link.call('describeGroups', groups, false)
  return new Map(
    answer.groups.map(({ groupId, members, protocolData }) => [
      groupId,
      { count: members.length, order: orderOf(protocolData) },
    ]),
  )
}

async function byCoordinator(
  cluster: Cluster,
  groups: readonly string[],
): Promise<Map<number, string[]>> {
  const byNode = new Map<number, string[]>()
  if (groups.length === 0) return byNode
  const control = await cluster.control()
  const { coordinators } = await control.call('findCoordinator', 0, groups)
  for (const { key, nodeId, errorCode } of coordinators) {
    // Who has no coordinator now is not known of now.
    if (errorCode === 0) byNode.set(nodeId, [...(byNode.get(nodeId) ?? []), key])
  }
  return byNode
}

async function withLink(
  cluster: Cluster,
  node: number,
  ask: (link: Link) => Promise<void>,
): Promise<void> {
  const link = await cluster.link(node)
  try {
    await ask(link)
  } finally {
    await link.close()
  }
}
