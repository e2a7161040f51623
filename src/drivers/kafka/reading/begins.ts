import type { Place } from '../../../core/message.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import { patiently } from '../cluster/patiently.ts'
import { kafkaError, protocolError } from '../kafkaErrors.ts'
import { read } from '../wire/message.ts'
import { kept } from './aborted.ts'

const committedOnly = 1
const first = -2n
const end = -1n
const scanBytes = 1_048_576
const scanMs = 10_000

/** Where a group begins in each partition that it has not read yet. @throws NOT_FOUND, INVALID_ARGUMENT */
export async function beginsAt(cluster: Cluster, topic: Topic, from: Place): Promise<number[]> {
  if (from === 'first') return await offsetsAt(cluster, topic, first)
  if (from === 'end') return await offsetsAt(cluster, topic, end)
  if ('timeMs' in from) return await since(cluster, topic, from.timeMs)
  const found =
    'id' in from ? await find(cluster, topic, from.id) : positionOf(topic, from.position)
  const { partition, offset, timestampMs } = found
  // Partitions have no order among each other but time.
  const others = await since(cluster, topic, timestampMs ?? (await timeOf(cluster, topic, found)))
  return others.map((one, at) => (at === partition ? offset + 1 : one))
}

/** Of every partition: of the first message that is of that time or later, or of the next to come. */
async function since(cluster: Cluster, topic: Topic, timeMs: number): Promise<number[]> {
  const found = await offsetsAt(cluster, topic, BigInt(Math.max(0, Math.trunc(timeMs))))
  if (!found.includes(-1)) return found
  const ends = await offsetsAt(cluster, topic, end)
  return found.map((offset, at) => (offset < 0 ? (ends[at] as number) : offset))
}

export async function offsetsAt(
  cluster: Cluster,
  topic: Topic,
  timestamp: bigint,
): Promise<number[]> {
  return await patiently(cluster, topic, (fresh) => offsetsNow(cluster, fresh, timestamp))
}

async function offsetsNow(cluster: Cluster, topic: Topic, timestamp: bigint): Promise<number[]> {
  const offsets = new Array<number>(topic.partitions.length).fill(0)
  for (const [leader, partitions] of Map.groupBy(topic.partitions, (one) => one.leader)) {
    if (leader === null) throw protocolError(5, 'source', placeOf(topic, partitions[0]?.index ?? 0))
    const link = await cluster.link(leader)
    try {
      const asked = partitions.map(({ index }) => ({
        ...{ partitionIndex: index, currentLeaderEpoch: -1, timestamp },
      }))
      const said = [{ name: topic.name, partitions: asked }]
      const { topics } = await link.call('listOffsets', -1, committedOnly, said)
      for (const { partitionIndex, offset, errorCode } of topics[0]?.partitions ?? []) {
        if (errorCode !== 0)
          throw protocolError(errorCode, 'source', placeOf(topic, partitionIndex))
        offsets[partitionIndex] = Number(offset)
      }
    } finally {
      await link.close()
    }
  }
  return offsets
}

interface Found {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number | null
}

/** `partition-offset`. @throws INVALID_ARGUMENT */
export function positionOf(topic: Topic, position: string): Found {
  const parts = /^(\d{1,9})-(\d{1,15})$/.exec(position)
  const partition = Number(parts?.[1] ?? -1)
  if (parts !== null && partition < topic.partitions.length) {
    return { partition, offset: Number(parts[2]), timestampMs: null }
  }
  const most = topic.partitions.length - 1
  const text = `${JSON.stringify(position)} is no position of "${topic.name}"; expected PARTITION-OFFSET with a partition of 0 to ${most}`
  throw kafkaError('INVALID_ARGUMENT', 'source', text, { channel: topic.name })
}

async function timeOf(
  cluster: Cluster,
  topic: Topic,
  { partition, offset }: Found,
): Promise<number> {
  for await (const one of scan(cluster, topic, partition, offset)) {
    if (one.offset >= offset) return one.timestampMs
  }
  return Number.MAX_SAFE_INTEGER // nothing has come since
}

/** By looking at all there is: Kafka finds nothing by what is in a message. */
async function find(cluster: Cluster, topic: Topic, id: string): Promise<Found> {
  for (const { index } of topic.partitions) {
    for await (const one of scan(cluster, topic, index, null)) {
      const { message } = read({ ...one, topic: topic.name, partition: index }, topic.name)
      if (message.id === id) return { partition: index, ...one }
    }
  }
  const text = `stream "${topic.name}" holds no message ${JSON.stringify(id)}`
  throw kafkaError('NOT_FOUND', 'source', text, { channel: topic.name })
}

export interface Scanned {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [Buffer, Buffer | null])[]
}

/** What a partition holds now, from the first or from that offset on. */
export async function* scan(
  cluster: Cluster,
  topic: Topic,
  partition: number,
  from: number | null,
): AsyncGenerator<Scanned> {
  const firsts = await offsetsAt(cluster, topic, first)
  const ends = await offsetsAt(cluster, topic, end)
  const begin = Math.max(from ?? 0, firsts[partition] ?? 0)
  yield* scanRange(cluster, topic, partition, begin, ends[partition] ?? 0)
}

/** The same, from an offset that is there up to another one. */
export async function* scanRange(
  cluster: Cluster,
  topic: Topic,
  partition: number,
  from: number,
  last: number,
): AsyncGenerator<Scanned> {
  let next = from
  while (next < last) {
    const { all, kept } = await patiently(cluster, topic, (fresh) =>
      batchesAt(cluster, fresh, partition, next),
    )
    const batch = all.at(-1)
    if (batch === undefined) return
    for (const { firstOffset, firstTimestamp, records } of kept) {
      for (const { offsetDelta, timestampDelta, key, value, headers } of records) {
        const offset = Number(firstOffset) + offsetDelta
        if (offset < next || offset >= last) continue
        const timestampMs = Number(firstTimestamp + timestampDelta)
        yield { offset, timestampMs, key, value, headers }
      }
    }
    next = Number(batch.firstOffset) + batch.lastOffsetDelta + 1
  }
}

async function batchesAt(cluster: Cluster, topic: Topic, partition: number, from: number) {
  const { leader = null } = topic.partitions[partition] ?? {}
  if (leader === null) throw protocolError(5, 'source', placeOf(topic, partition))
  const link = await cluster.link(leader, scanMs)
  try {
    const one = { partition, currentLeaderEpoch: -1, fetchOffset: BigInt(from) }
    const partitions = [{ ...one, lastFetchedEpoch: -1, partitionMaxBytes: scanBytes }]
    const topics = [{ topicId: topic.id, partitions }]
    const answer = await link.call('fetch', 0, 1, scanBytes, committedOnly, 0, -1, topics, [], '')
    const [found] = answer.responses[0]?.partitions ?? []
    const errorCode = answer.errorCode || (found?.errorCode ?? 0)
    if (errorCode !== 0) throw protocolError(errorCode, 'source', placeOf(topic, partition))
    const all = found?.records ?? []
    return { all, kept: kept(all, found?.abortedTransactions ?? []) }
  } finally {
    await link.close()
  }
}

const placeOf = ({ name }: Topic, partition: number) => `partition ${partition} of "${name}"`
