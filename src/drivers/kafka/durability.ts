import type { Cluster, Topic } from './cluster/cluster.ts'

/** What its nodes do to keep a topic. */
export interface Durability {
  /** Nodes that have every message that is stored, at least. */
  readonly copies: number
  /** A node that has not all of it may come to lead it. */
  readonly mayLoseTail: boolean
  readonly messageBytesMax: number
}

const ofTopics = 2
const names = ['min.insync.replicas', 'unclean.leader.election.enable', 'max.message.bytes']

/** Null: whoever asks has no right to know. */
export async function durabilityOf(
  cluster: Cluster,
  { name, partitions }: Topic,
): Promise<Durability | null> {
  const control = await cluster.control()
  const asked = [{ resourceType: ofTopics, resourceName: name, configurationKeys: names }]
  const { results } = await control.call('describeConfigs', asked, false, false)
  const [found] = results
  if (found === undefined || found.errorCode !== 0) return null
  const values = new Map(found.configs.map(({ name, value }) => [name, value]))
  const [least = '', unclean = '', bytes = ''] = names.map((one) => values.get(one) ?? '')
  const replicas = Math.min(...partitions.map((one) => one.replicas.length))
  return {
    copies: Math.max(1, Math.min(replicas, Number(least))),
    mayLoseTail: unclean === 'true',
    messageBytesMax: Number(bytes),
  }
}
