import { setTimeout as sleep } from 'node:timers/promises'
import type { NarrowcastError } from '../../../core/errors.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import type { Link } from '../cluster/link.ts'
import type { FetchedPartition } from '../cluster/requests.ts'
import { kafkaError, protocolError } from '../kafkaErrors.ts'
import type { StoredRecord } from '../wire/message.ts'
import { kept } from './aborted.ts'
import { offsetsAt } from './begins.ts'

/** One partition, and from where the next of it is fetched. */
export interface FetchedLog {
  readonly topic: string
  /** Of this very topic; absent: of whichever has its name. */
  readonly topicId?: string
  readonly partition: number
  nextOffset: number
  /** What comes of it is nobody's. */
  readonly isGone: boolean
}

export interface FetchingOptions<L extends FetchedLog> {
  readonly cluster: Cluster
  /** All that are ours now. */
  readonly logs: () => Iterable<L>
  /** How many more may come, over all of them. */
  readonly room: () => { readonly messages: number; readonly bytes: number }
  /** Enough for a request: one for each message that is done would cost more than the messages. */
  readonly isWorthAsking: () => boolean
  /** Nothing more is wanted of it now. */
  readonly isFull: (log: L) => boolean
  /** Possibly nothing that is for readers: what it has passed. */
  readonly came: (log: L, records: readonly StoredRecord[]) => void
  /** It cannot be read, whoever tries. */
  readonly failed: (error: NarrowcastError) => void
  /** What was to come from there on is not there; it goes on elsewhere. */
  readonly skipped?: (log: L, from: number) => void
}

/** Of one node. */
interface Pace {
  /** Who is asked first has the room: it is another one each time. */
  turn: number
  /** Partitions that something came of lately: they share what is asked for. */
  busy: number
}

/** How long a server waits for messages that are not there: for so long it knows nothing of new partitions. */
const waitMs = 500
const answerMs = 10_000
const bytesMax = 4 * 1_048_576
const partitionBytesMax = 1_048_576
const partitionBytesMin = 16_384
const againMs = 100
const committedOnly = 1
const outOfRange = 1
const forbidden = 29

/** Asks each node that leads partitions of ours for what is new there, one request at a time. */
export class Fetching<L extends FetchedLog> {
  readonly #of: FetchingOptions<L>
  readonly #running = new Map<number, Promise<void>>()
  readonly #links = new Set<Link>()
  #finding: Promise<void> | null = null
  #isOver = false
  #wake = Promise.withResolvers<void>()
  /** Of what came last, as it came; nothing is known before. */
  #bytesEach = 1_024

  constructor(options: FetchingOptions<L>) {
    this.#of = options
  }

  /** Other partitions are ours, or there is room again. */
  look(): void {
    if (this.#isOver || this.#of.cluster.ended.aborted) return
    for (const log of this.#of.logs()) {
      const node = this.#leaderOf(log)
      if (node === null) this.#find()
      else if (!this.#running.has(node)) this.#running.set(node, this.#run(node))
    }
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }

  /** What is on its way is not waited for: it comes to nothing. */
  close(): void {
    this.#isOver = true
    this.#wake.resolve()
    for (const link of this.#links) link.destroy()
  }

  #leaderOf({ topic, partition }: L): number | null {
    return this.#of.cluster.known(topic)?.partitions[partition]?.leader ?? null
  }

  /** Who leads what nobody led, until somebody does. */
  #find(): void {
    this.#finding ??= this.#ask().finally(() => {
      this.#finding = null
      this.look()
    })
  }

  async #ask(): Promise<void> {
    await sleep(againMs, undefined, { ref: false })
    if (this.#isOver || this.#of.cluster.ended.aborted) {
      this.#isOver = true
      return
    }
    const logs = [...this.#of.logs()]
    try {
      const found = await this.#of.cluster.topics([...new Set(logs.map(({ topic }) => topic))])
      const gone = logs.find((log) => !isOf(log, found.get(log.topic)))
      if (gone === undefined) return
      const text = `topic "${gone.topic}" is gone`
      this.#of.failed(kafkaError('NOT_FOUND', 'receive', text, { channel: gone.topic }))
    } catch {
      // No node answers: it is asked again, or the cluster has ended.
    }
  }

  async #run(node: number): Promise<void> {
    const pace: Pace = { turn: 0, busy: 1 }
    let link: Link | null = null
    await null // whoever starts it has noted it first
    while (!this.#isOver && !this.#of.cluster.ended.aborted) {
      const led = [...this.#of.logs()].filter((log) => this.#leaderOf(log) === node)
      if (led.length === 0) break
      try {
        if (link === null || link.closed.aborted) link = await this.#open(node)
        if (await this.#fetch(link, led, pace)) continue
      } catch {
        // The node is gone, or the connection: who leads now is asked of the others.
      }
      this.#find()
      await this.#finding
    }
    this.#running.delete(node)
    if (link !== null) this.#links.delete(link)
    this.look()
    await link?.close()
  }

  async #open(node: number): Promise<Link> {
    const link = await this.#of.cluster.link(node, answerMs)
    this.#links.add(link)
    if (this.#isOver) link.destroy()
    return link
  }

  /** False: somebody else leads some of it now. */
  async #fetch(link: Link, led: readonly L[], pace: Pace): Promise<boolean> {
    const room = this.#of.room()
    const wanted = led.filter((log) => !this.#of.isFull(log))
    const isNoRoom = room.messages <= 0 || room.bytes <= 0
    if (isNoRoom || wanted.length === 0 || !this.#of.isWorthAsking()) {
      await this.#wake.promise
      return true
    }
    const at = pace.turn++ % wanted.length
    // What there is no room for would be decoded, thrown away and asked for again.
    const most = Math.min(bytesMax, room.bytes, room.messages * this.#bytesEach)
    const bytes = Math.max(partitionBytesMin, most)
    const share = Math.ceil(bytes / pace.busy)
    const topics = this.#asked([...wanted.slice(at), ...wanted.slice(0, at)], share)
    const answer = await link.call(
      ...(['fetch', waitMs, 1, bytes, committedOnly, 0, -1, topics, [], ''] as const),
    )
    if (answer.errorCode !== 0) return false
    let isSame = true
    let busy = 0
    for (const { topicId, partitions } of answer.responses) {
      for (const one of partitions) {
        const log = wanted.find(
          (log) => log.partition === one.partitionIndex && this.#idOf(log) === topicId,
        )
        if (log === undefined || log.isGone) continue
        if (one.errorCode === 0) this.#bring(log, one)
        else isSame = (await this.#restarted(log, one.errorCode)) && isSame
        if ((one.records?.length ?? 0) > 0) busy++
      }
    }
    pace.busy = Math.max(1, busy, pace.busy - 1)
    return isSame
  }

  #asked(logs: readonly L[], share: number): object[] {
    const bytes = Math.min(partitionBytesMax, Math.max(partitionBytesMin, share))
    // Each for itself: what comes first is filled first.
    return logs.flatMap((log) => {
      const topicId = this.#idOf(log)
      return topicId === null ? [] : [{ topicId, partitions: [askedOf(log, bytes)] }]
    })
  }

  #idOf({ topic, topicId }: L): string | null {
    return topicId ?? this.#of.cluster.known(topic)?.id ?? null
  }

  #bring(log: L, { records, abortedTransactions }: FetchedPartition): void {
    const batches = records ?? []
    const last = batches.at(-1)
    if (last === undefined) return
    const { messages, bytes } = this.#of.room()
    let size = 0
    const came: StoredRecord[] = []
    this.#bytesEach = bytesEachOf(batches)
    for (const batch of kept(batches, abortedTransactions ?? [])) {
      const isByServer = (batch.attributes & (1 << 3)) !== 0
      for (const record of batch.records) {
        const offset = Number(batch.firstOffset) + record.offsetDelta
        if (offset < log.nextOffset) continue // a batch is sent whole
        // What there is no room for is asked for again.
        const isLarge = came.length > 0 && size > bytes
        if (came.length >= messages || isLarge) {
          this.#keep(log, came, offset)
          return
        }
        const timestampMs = isByServer
          ? Number(batch.maxTimestamp)
          : Number(batch.firstTimestamp + record.timestampDelta)
        const { key, value, headers } = record
        size += (value?.length ?? 0) + (key?.length ?? 0)
        const { topic, partition } = log
        came.push({ topic, partition, offset, timestampMs, key, value, headers })
      }
    }
    this.#keep(log, came, Number(last.firstOffset) + last.lastOffsetDelta + 1)
  }

  #keep(log: L, came: readonly StoredRecord[], next: number): void {
    log.nextOffset = Math.max(log.nextOffset, next)
    this.#of.came(log, came)
  }

  /** Whether it goes on: the log has forgotten what we were about to read, or has lost its tail. */
  async #restarted(log: L, errorCode: number): Promise<boolean> {
    if (errorCode === forbidden) {
      const what = `topic "${log.topic}" may not be read`
      this.#of.failed(protocolError(errorCode, 'receive', what, { channel: log.topic }))
    }
    const topic = this.#of.cluster.known(log.topic)
    if (errorCode !== outOfRange || topic === null) return false
    const [firsts, ends] = [
      await offsetsAt(this.#of.cluster, topic, -2n),
      await offsetsAt(this.#of.cluster, topic, -1n),
    ]
    const [first = 0, end = 0] = [firsts[log.partition], ends[log.partition]]
    const from = log.nextOffset
    log.nextOffset = Math.min(Math.max(from, first), end)
    if (log.nextOffset !== from) this.#of.skipped?.(log, from)
    return true
  }
}

function bytesEachOf(batches: NonNullable<FetchedPartition['records']>): number {
  const count = batches.reduce((sum, { records }) => sum + records.length, 0)
  const bytes = batches.reduce((sum, { length }) => sum + length, 0)
  return Math.ceil(bytes / Math.max(1, count))
}

const isOf = ({ topicId }: FetchedLog, found: Topic | undefined) =>
  found !== undefined && (topicId === undefined || topicId === found.id)

const askedOf = (log: FetchedLog, bytes: number) => ({
  partition: log.partition,
  currentLeaderEpoch: -1,
  fetchOffset: BigInt(log.nextOffset),
  lastFetchedEpoch: -1,
  partitionMaxBytes: bytes,
})
