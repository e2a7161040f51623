import type { DeadEntry, Page, PageQuery } from '../../../core/admin.ts'
import type { ChannelRef } from '../../../core/channel.ts'
import type { PublishOutcome } from '../../../core/message.ts'
import { type Cluster, readableOf } from '../cluster/cluster.ts'
import { kafkaError } from '../kafkaErrors.ts'
import { deadTopicOf, retryTopicFor } from '../layout.ts'
import { partitionOf } from '../publishing/partition.ts'
import type { Addressed } from '../publishing/parts.ts'
import type { Producer } from '../publishing/producer.ts'
import { copyOf } from '../wire/copies.ts'
import { read, type StoredRecord } from '../wire/message.ts'
import { headerList } from '../wire/record.ts'
import { DeadLog, entryOf, keyIn } from './deadLog.ts'

/** Looks at the dead of channels, brings them back, and takes them away. */
export class DeadLetters {
  readonly #cluster: Cluster
  readonly #producer: Producer
  readonly #logs = new Map<string, DeadLog>()

  constructor(cluster: Cluster, producer: Producer) {
    this.#cluster = cluster
    this.#producer = producer
  }

  async count(channel: string): Promise<number> {
    return (await this.#log(channel).refs(null)).length
  }

  async page(
    channel: string,
    group: string | null,
    { cursor, limit, newestFirst }: PageQuery,
  ): Promise<Page<DeadEntry>> {
    const log = this.#log(channel)
    const refs = await log.refs(group)
    if (newestFirst) refs.reverse()
    // A cursor that was taken away meanwhile: what follows it in time.
    const isAfter = (ref: string) => (newestFirst ? ref < (cursor ?? '') : ref > (cursor ?? ''))
    const at = cursor === null ? 0 : refs.indexOf(cursor) + 1 || refs.findIndex(isAfter)
    const shown = at < 0 ? [] : refs.slice(at, at + limit)
    const records = await log.records(shown)
    const items = shown.flatMap((ref) => {
      const record = records.get(ref)
      return record === undefined ? [] : [entryOf(ref, record, channel)]
    })
    const isEnd = at < 0 || at + limit >= refs.length
    return { items, cursor: isEnd ? null : (shown.at(-1) ?? null) }
  }

  /** Each is put there and then gone from here. A crash in between repeats it. */
  async redrive(
    channel: string,
    refs: readonly string[],
    to: ChannelRef | null,
    signal: AbortSignal,
  ): Promise<PublishOutcome[]> {
    const records = await this.#log(channel).records(refs)
    const found = [...records]
    const groups = found.map(([ref, record]) => entryOf(ref, record, channel).letter.group)
    const places = groups.map((group) => retryTopicFor({ channel, group }, 0))
    await this.#cluster.topics([...new Set([channel, to?.name ?? channel, ...places])])
    const addressed = found.map(([ref, record]) => this.#again(channel, ref, record, to))
    const said = await this.#producer.send(addressed, signal)
    const outcomes = new Map(found.map(([ref], at) => [ref, said[at] as PublishOutcome]))
    const gone = found.flatMap(([ref]) => (outcomes.get(ref)?.state === 'stored' ? [ref] : []))
    // One that is not taken away now comes again: it is there to be seen.
    await this.#forget(channel, gone, signal).catch(() => {})
    return refs.map((ref, at) => {
      const isFirst = refs.indexOf(ref) === at
      return (isFirst && outcomes.get(ref)) || noSuch(ref)
    })
  }

  async remove(channel: string, refs: readonly string[], signal: AbortSignal): Promise<number> {
    const there = new Set(await this.#log(channel).refs(null))
    return await this.#forget(
      channel,
      [...new Set(refs)].filter((ref) => there.has(ref)),
      signal,
    )
  }

  #again(channel: string, ref: string, record: StoredRecord, to: ChannelRef | null): Addressed {
    const key = keyIn(record.headers)
    const { letter, message } = entryOf(ref, record, channel)
    const { past, position } = read(record, channel)
    const redrives = past.redrives + 1
    const after = { failures: 0, crashes: 0, redrives, history: null, dueMs: null }
    const home = { channel, group: letter.group }
    const isForAll = to !== null || letter.group === null
    const topic = isForAll ? (to?.name ?? channel) : retryTopicFor(home, 0)
    const count = readableOf(this.#cluster, to?.name ?? channel, topic)
    const copy = copyOf({ ...record, key }, { message, position }, after)
    return { topic, partition: partitionOf(this.#cluster.client, key, count), record: copy }
  }

  async #forget(channel: string, refs: readonly string[], signal: AbortSignal): Promise<number> {
    const topic = deadTopicOf(channel)
    const none = { value: null, headers: headerList([]), timestampMs: Date.now() }
    const said = await this.#producer.send(
      refs.map((ref) => ({ topic, partition: 0, record: { ...none, key: Buffer.from(ref) } })),
      signal,
    )
    const wrong = said.find(({ state }) => state !== 'stored')
    if (wrong === undefined || wrong.state === 'stored') return refs.length
    throw kafkaError(wrong.code, 'removeDead', wrong.message, { channel })
  }

  #log(channel: string): DeadLog {
    const known = this.#logs.get(channel) ?? new DeadLog(this.#cluster, channel)
    this.#logs.set(channel, known)
    return known
  }
}

function noSuch(ref: string): PublishOutcome {
  const { code, message } = kafkaError('NOT_FOUND', 'redrive', `no dead letter ${ref} is there`)
  return { state: 'refused', code, message }
}
