import type { Cluster, Topic } from '../cluster/cluster.ts'
import type { Answers } from '../cluster/requests.ts'
import { share } from './assignor.ts'
import { claimOf, partitionsOf } from './subscription.ts'

interface Assignment {
  readonly memberId: string
  readonly assignment: Buffer
}

/** What the member does that Kafka has chosen to share out: it says what each is to read. */
export class Leading {
  readonly #cluster: Cluster
  /** How many partitions each channel had. */
  readonly #shared = new Map<string, number>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** All that was shared out here; none where another member leads. */
  get channels(): Iterable<string> {
    return this.#shared.keys()
  }

  /** Another one leads, or this one anew. */
  ended(): void {
    this.#shared.clear()
  }

  async assignments(members: Answers['joinGroup']['members']): Promise<Assignment[]> {
    const { client } = this.#cluster
    const claims = members.flatMap(
      ({ memberId, metadata }) => claimOf(client, memberId, metadata) ?? [],
    )
    const topics = await this.#cluster.topics([...new Set(claims.map(({ channel }) => channel))])
    const shares = new Map<string, readonly number[]>()
    for (const [channel, readers] of Map.groupBy(claims, (one) => one.channel)) {
      // Of a topic that is gone, or not known yet, nobody has anything.
      const { partitions } = topics.get(channel) ?? { partitions: [] }
      this.#shared.set(channel, partitions.length)
      for (const [memberId, own] of share(readers, partitions.length)) shares.set(memberId, own)
    }
    return claims.map(({ memberId, reads }) => {
      const assignedPartitions = partitionsOf(reads, shares.get(memberId) ?? [])
      const of = { version: 1, assignedPartitions, userData: null }
      return { memberId, assignment: client.encodeConsumerProtocolAssignment(of) }
    })
  }

  /** There are more partitions than were shared out, or fewer. */
  isOutdated(topics: ReadonlyMap<string, Topic>): boolean {
    return [...this.#shared].some(
      ([name, count]) => topics.has(name) && topics.get(name)?.partitions.length !== count,
    )
  }
}
