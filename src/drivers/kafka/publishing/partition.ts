import type { KafkaClient } from '../client.ts'

/** Where Kafka's own producer puts a key. One without a key may lie anywhere. */
export function partitionOf(
  client: KafkaClient,
  key: Buffer | string | null,
  count: number,
): number {
  if (key === null) return Math.floor(Math.random() * count)
  return (client.murmur2(key, true) & 0x7fffffff) % count
}
