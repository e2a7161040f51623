import type { KafkaClient, TopicPartitions } from '../client.ts'
import { parsed } from '../wire/message.ts'
import type { Claimant } from './assignor.ts'

/** What one reader reads: a channel, and beside each of its partitions those of the same number. */
export interface Reads {
  readonly channel: string
  readonly helpers: readonly string[]
}

interface Said extends Claimant {
  readonly reads: Reads
}

const version = 3

/** Partitions of the channel, and of what is read beside it. */
export function partitionsOf(
  { channel, helpers }: Reads,
  own: readonly number[],
): TopicPartitions[] {
  if (own.length === 0) return []
  return [channel, ...helpers].map((topic) => ({ topic, partitions: [...own] }))
}

/** What a reader tells of itself when it joins. */
export function subscriptionOf(
  client: KafkaClient,
  reads: Reads,
  owned: readonly number[],
  generation: number,
): Buffer {
  return client.encodeConsumerProtocolSubscription({
    version,
    topics: [reads.channel, ...reads.helpers],
    userData: Buffer.from(JSON.stringify(reads)),
    ownedPartitions: partitionsOf(reads, owned),
    generationId: owned.length === 0 ? -1 : generation,
    rackId: null,
  })
}

/** The same, as who leads the group reads it; null: another program's. */
export function claimOf(client: KafkaClient, memberId: string, metadata: Buffer): Said | null {
  const said = client.decodeConsumerProtocolSubscription(metadata)
  const reads = parsed(said.userData?.toString()) as Partial<Reads> | undefined
  if (typeof reads?.channel !== 'string' || !Array.isArray(reads.helpers)) return null
  const { channel, helpers } = reads
  const own = said.ownedPartitions.find(({ topic }) => topic === channel)
  const generation = said.generationId
  return {
    memberId,
    channel,
    owned: own?.partitions ?? [],
    generation,
    reads: { channel, helpers },
  }
}
