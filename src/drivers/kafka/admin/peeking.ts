import type { Admin, Page, PageQuery, Stored } from '../../../core/admin.ts'
import type { ChannelRef } from '../../../core/channel.ts'
import type { Place } from '../../../core/message.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import { kafkaError } from '../kafkaErrors.ts'
import { groupIdOf, retryTopicsOf } from '../layout.ts'
import { beginsAt, offsetsAt, scanRange } from '../reading/begins.ts'
import { read, type StoredRecord } from '../wire/message.ts'
import { groupsOn } from './groups.ts'
import { checkPage } from './page.ts'

export interface PeekingOptions {
  readonly cluster: Cluster
  readonly checkOpen: (operation: string) => void
  /** @throws NOT_FOUND, UNSUPPORTED */
  readonly checkKept: (operation: string, channel: ChannelRef) => Promise<void>
}

/** What is looked at of one partition: from an offset up to another one. */
interface Range {
  readonly topic: Topic
  readonly partition: number
  from: number
  to: number
}

const first = -2n
const end = -1n

/**
 * By offsets. Of a stream all that is stored; of a queue what its group has not passed yet, some of it
 * in hand or settled, and what lies beside it for later. By their times over partitions.
 */
export function peeking({
  cluster,
  checkOpen,
  checkKept,
}: PeekingOptions): Required<Pick<Admin, 'peek'>> {
  return {
    async peek(channel, query) {
      checkOpen('peek')
      checkPage(query)
      await checkKept('peek', channel)
      const ranges = await rangesOf(cluster, channel, query.from)
      if (query.cursor !== null) goOn(ranges, query)
      return await pageOf(cluster, ranges, channel.name, query)
    },
  }
}

async function rangesOf(
  cluster: Cluster,
  { name, pattern }: ChannelRef,
  from: Place,
): Promise<Range[]> {
  const topic = cluster.known(name) as Topic
  if (pattern === 'stream') return await rangesIn(cluster, topic, [], from)
  const home = { channel: name, group: null }
  const helpers = await cluster.topics(retryTopicsOf(home))
  // What waits beside it has no place in the topic, but before all.
  const topics = from === 'first' ? [topic, ...helpers.values()] : [topic]
  const ranges: Range[] = []
  for (const one of topics) {
    const [group] = await groupsOn(cluster, one, [groupIdOf(home)])
    ranges.push(...(await rangesIn(cluster, one, group?.offsets ?? [], from)))
  }
  return ranges
}

async function rangesIn(
  cluster: Cluster,
  topic: Topic,
  passed: readonly number[],
  from: Place,
): Promise<Range[]> {
  const firsts = await offsetsAt(cluster, topic, first)
  const ends = await offsetsAt(cluster, topic, end)
  const begins = from === 'first' ? firsts : await beginsAt(cluster, topic, from)
  return topic.partitions.map(({ index: partition }) => {
    const at = (offsets: readonly number[]) => offsets[partition] ?? 0
    return {
      ...{ topic, partition, to: at(ends) },
      from: Math.max(at(firsts), at(begins), at(passed)),
    }
  })
}

/** @throws INVALID_ARGUMENT for a cursor that this has not given */
function goOn(ranges: readonly Range[], { cursor, newestFirst }: PageQuery): void {
  const offsets = (cursor ?? '').split(',').map(Number)
  const isOurs = /^\d+(,\d+)*$/.test(cursor ?? '') && offsets.length === ranges.length
  if (!isOurs) {
    throw kafkaError('INVALID_ARGUMENT', 'peek', `${JSON.stringify(cursor)} is no cursor of this`)
  }
  for (const [at, range] of ranges.entries()) {
    const offset = offsets[at] as number
    if (newestFirst) range.to = Math.min(range.to, offset)
    else range.from = Math.max(range.from, offset)
  }
}

/** What was read of one, and how much of that is on the page. */
interface Part {
  readonly range: Range
  readonly records: readonly StoredRecord[]
  /** Where it goes on when all of these are on the page. */
  readonly next: number
  taken: number
}

async function pageOf(
  cluster: Cluster,
  ranges: readonly Range[],
  channel: string,
  { limit, newestFirst }: PageQuery,
): Promise<Page<Stored>> {
  const parts: Part[] = []
  for (const range of ranges) parts.push(await partOf(cluster, range, limit, newestFirst))
  const items: Stored[] = []
  while (items.length < limit) {
    const part = nextOf(parts, newestFirst)
    if (part === null) break
    items.push(stored(part.records[part.taken++] as StoredRecord, channel))
  }
  const offsets = parts.map((part) => goesOnAt(part, newestFirst))
  const isOver = parts.every(({ range }, at) => {
    const offset = offsets[at] as number
    return newestFirst ? offset <= range.from : offset >= range.to
  })
  return { items, cursor: isOver ? null : offsets.join(',') }
}

async function partOf(
  cluster: Cluster,
  range: Range,
  limit: number,
  newestFirst: boolean,
): Promise<Part> {
  const { topic, partition, to } = range
  const from = newestFirst ? Math.max(range.from, to - limit) : range.from
  const records: StoredRecord[] = []
  for await (const one of scanRange(cluster, topic, partition, from, to)) {
    records.push({ ...one, topic: topic.name, partition })
    if (records.length === limit) break
  }
  const isWhole = records.length < limit
  if (newestFirst) return { range, records: records.reverse(), next: from, taken: 0 }
  return { range, records, next: isWhole ? to : (records.at(-1)?.offset ?? to) + 1, taken: 0 }
}

/** The one that has the next by time; within a partition its order holds, whatever the times say. */
function nextOf(parts: readonly Part[], newestFirst: boolean): Part | null {
  let next: Part | null = null
  let nextMs = 0
  for (const part of parts) {
    const { timestampMs } = part.records[part.taken] ?? {}
    if (timestampMs === undefined) continue
    if (next !== null && (newestFirst ? timestampMs <= nextMs : timestampMs >= nextMs)) continue
    next = part
    nextMs = timestampMs
  }
  return next
}

function goesOnAt({ range, records, next, taken }: Part, newestFirst: boolean): number {
  if (taken === records.length) return next
  const last = records[taken - 1]?.offset
  if (newestFirst) return last ?? range.to
  return last === undefined ? range.from : last + 1
}

function stored(record: StoredRecord, channel: string): Stored {
  const { message, past, position } = read(record, channel)
  const isLater = (past.dueMs ?? 0) > Date.now()
  return {
    ...{ message, position, state: isLater ? 'scheduled' : 'waiting' },
    ...{ failures: past.failures, crashes: past.crashes, redrives: past.redrives },
  }
}
