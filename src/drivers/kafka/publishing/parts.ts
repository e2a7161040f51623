import type { PublishOutcome } from '../../../core/message.ts'
import type { OutgoingRecord } from '../wire/record.ts'

export interface Addressed {
  readonly topic: string
  readonly partition: number
  readonly record: OutgoingRecord
}

/** Records for one partition, in one batch of Kafka: stored all together, or none. */
export interface Part {
  readonly topic: string
  readonly partition: number
  readonly records: readonly OutgoingRecord[]
  /** What has become of each; `at` counts from 0. */
  settle(outcome: (at: number) => PublishOutcome): void
  /** In two: what is refused as a whole may be refused for the sake of one of them. */
  halves(): [Part, Part]
}

/** A broker refuses a batch above 1 MiB, unless it was told otherwise. */
const bytesMax = 1_000_000
/** The client writes no larger difference between two times of a batch: 24 days. */
const apartMsMax = 2 ** 31 - 1
/** Of a record beside its key, its value and its headers, at most. */
const frameBytes = 32

/**
 * What may be sent at once: of each partition one batch. What comes after it in the same partition is
 * for the next time.
 */
export function partsOf(all: readonly Addressed[], outcomes: PublishOutcome[]): Part[][] {
  const rounds: Map<string, Collecting>[] = []
  const last = new Map<string, number>()
  for (const [place, { topic, partition, record }] of all.entries()) {
    const key = `${topic}:${partition}`
    const bytes = bytesOf(record)
    let round = last.get(key) ?? 0
    const before = rounds[round]?.get(key)
    if (before !== undefined && !hasRoom(before, record, bytes)) round++
    last.set(key, round)
    rounds[round] ??= new Map()
    const parts = rounds[round] as Map<string, Collecting>
    const part = parts.get(key) ?? {
      ...{ topic, partition, records: [], places: [], bytes: 0 },
      firstMs: record.timestampMs,
    }
    part.records.push(record)
    part.places.push(place)
    part.bytes += bytes
    parts.set(key, part)
  }
  return rounds.map((round) => [...round.values()].map((one) => partOf(one, outcomes)))
}

interface Collecting {
  readonly topic: string
  readonly partition: number
  readonly records: OutgoingRecord[]
  readonly places: number[]
  readonly firstMs: number
  bytes: number
}

const hasRoom = (part: Collecting, { timestampMs }: OutgoingRecord, bytes: number) =>
  part.bytes + bytes <= bytesMax && Math.abs(timestampMs - part.firstMs) <= apartMsMax

type Collected = Pick<Collecting, 'topic' | 'partition' | 'records' | 'places'>

function partOf(of: Collected, outcomes: PublishOutcome[]): Part {
  const { topic, partition, records, places } = of
  const middle = records.length >> 1
  const half = (from: number, to: number) =>
    partOf({ ...of, records: records.slice(from, to), places: places.slice(from, to) }, outcomes)
  return {
    ...{ topic, partition, records },
    settle(outcome) {
      for (const [at, place] of places.entries()) outcomes[place] = outcome(at)
    },
    halves: () => [half(0, middle), half(middle, records.length)],
  }
}

function bytesOf({ key, value, headers }: OutgoingRecord): number {
  let bytes = frameBytes + (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, text] of headers) bytes += name.length + (text?.length ?? 0) + 4
  return bytes
}
