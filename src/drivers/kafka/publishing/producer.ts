import { setTimeout as sleep } from 'node:timers/promises'
import type { PublishOutcome } from '../../../core/message.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Link } from '../cluster/link.ts'
import type { Answers, ProducedPartition } from '../cluster/requests.ts'
import { protocolError } from '../kafkaErrors.ts'
import { isAmbiguous, isOfOne, refused, verdictOn } from './outcome.ts'
import { type Addressed, type Part, partsOf } from './parts.ts'

/** Of one try; a broker that waits for its replicas for so long says so. */
const replicasMs = 5_000
const againMs = 50
const unknownTopic = 3
const closeMsMax = 1_000

interface ProducerId {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** A part that is on its way. */
interface Sending {
  readonly part: Part
  /** The number of ours that it was sent under last. */
  sentAs: ProducerId | null
  /** A try had no answer. */
  mayBeStored: boolean
  isDone: boolean
  /** It was refused as a whole, and goes again in two. */
  isSplit: boolean
  /** Why it was not stored at the last try. */
  why: string
}

/**
 * Writes each record once: the broker knows our number and that of the record, and takes what comes
 * again for what it has. So what had no answer is sent again, to whoever leads then, as long as the
 * caller waits; what stays without one may be stored, and our number is not used again.
 * @see https://kafka.apache.org/documentation/#semantics
 */
export class Producer {
  readonly #cluster: Cluster
  readonly #links = new Map<number, Promise<Link>>()
  readonly #sequences = new Map<string, number>()
  #id: ProducerId | null = null
  #isClosed = false
  /** One batch is on its way at a time: two would swap when the first fails. */
  #sending: Promise<unknown> = Promise.resolve()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** One outcome each, in their order. It never rejects. */
  async send(all: readonly Addressed[], signal: AbortSignal): Promise<PublishOutcome[]> {
    const sending = this.#sending.then(async () => {
      const outcomes = new Array<PublishOutcome>(all.length)
      for (const parts of partsOf(all, outcomes)) await this.#sendParts(parts, signal)
      return outcomes
    })
    this.#sending = sending
    return await sending
  }

  /** What is on its way has a moment for its answer. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.race([this.#sending, sleep(closeMsMax, undefined, { ref: false })])
    const links = await Promise.allSettled(this.#links.values())
    for (const one of links) if (one.status === 'fulfilled') await one.value.close()
  }

  async #sendParts(parts: readonly Part[], signal: AbortSignal): Promise<void> {
    const all = parts.map((part): Sending => {
      return { part, sentAs: null, mayBeStored: false, isDone: false, isSplit: false, why: '' }
    })
    for (let open: readonly Sending[] = all; open.length > 0; ) {
      const isOver = signal.aborted || this.#isClosed || this.#cluster.ended.aborted
      if (isOver) return this.#giveUp(open)
      await this.#try(open, signal)
      open = open.filter(({ isDone }) => !isDone)
      if (open.length === 0) break
      await sleep(againMs, undefined, { signal, ref: false }).catch(() => {})
      await this.#explained(open, async () => {
        const names = [...new Set(open.map(({ part }) => part.topic))]
        const found = await this.#cluster.topics(names)
        for (const one of open) if (!found.has(one.part.topic)) this.#gone(one)
      })
      open = open.filter(({ isDone }) => !isDone)
    }
    for (const { part, isSplit } of all) {
      if (!isSplit) continue
      for (const half of part.halves()) await this.#sendParts([half], signal)
    }
  }

  async #try(open: readonly Sending[], signal: AbortSignal): Promise<void> {
    await this.#explained(open, async () => {
      this.#id ??= await this.#identify()
    })
    const id = this.#id
    if (id === null) return
    // Under another number the broker would not know it again.
    for (const one of open) if (one.mayBeStored && one.sentAs !== id) this.#giveUp([one])
    const left = open.filter(({ isDone }) => !isDone)
    for (const one of left) one.sentAs = id
    const byLeader = Map.groupBy(left, ({ part }) => this.#leaderOf(part))
    await Promise.all([...byLeader].map(([leader, parts]) => this.#sendTo(leader, parts, signal)))
  }

  async #sendTo(
    leader: number | null,
    open: readonly Sending[],
    signal: AbortSignal,
  ): Promise<void> {
    if (leader === null) {
      for (const one of open) one.why = 'nobody leads it now'
      return
    }
    let link: Link | null = null
    await this.#explained(open, async () => {
      link = await this.#linkTo(leader)
    })
    if (link === null) return
    try {
      const answer = await this.#produce(link, open, signal)
      const answers = answersBy(answer)
      for (const one of open) this.#answered(one, answers.get(keyOf(one.part)))
    } catch (error) {
      for (const one of open) one.mayBeStored = true
      for (const one of open) one.why = textOf(error)
    }
  }

  async #produce(link: Link, open: readonly Sending[], signal: AbortSignal) {
    const messages = open.flatMap(({ part: { topic, partition, records } }) =>
      records.map(({ key, value, headers, timestampMs }) => {
        return { topic, partition, key, value, headers, timestamp: BigInt(timestampMs) }
      }),
    )
    const sequences = { getWithDefault: (key: string) => this.#sequences.get(key) ?? 0 }
    const abort = () => link.destroy() // what is still to leave may not leave later
    signal.addEventListener('abort', abort)
    try {
      return await link.call('produce', -1, replicasMs, messages, { ...this.#id, sequences })
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  #answered(one: Sending, answer: ProducedPartition | undefined): void {
    const { topic, partition, records } = one.part
    const { errorCode = -1, baseOffset = -1n, errorMessage = null } = answer ?? {}
    const verdict = verdictOn(errorCode)
    one.isDone = true
    if (verdict === 'stored') {
      const first = Number(baseOffset)
      one.part.settle((at) => {
        const position = first < 0 ? {} : { position: `${partition}-${first + at}` }
        return { state: 'stored', duplicate: false, ...position }
      })
      if (one.sentAs !== this.#id) return
      const key = keyOf(one.part)
      // After the highest number of 31 bits comes 0.
      this.#sequences.set(key, ((this.#sequences.get(key) ?? 0) + records.length) % 2 ** 31)
      return
    }
    const why = refused(errorCode, topic, errorMessage)
    one.why = why.message
    if (verdict === 'lost') this.#forget()
    one.mayBeStored ||= isAmbiguous(errorCode, baseOffset)
    const mayTryAgain = verdict === 'again' || (verdict === 'lost' && !one.mayBeStored)
    if (mayTryAgain) one.isDone = false
    else if (one.mayBeStored) this.#giveUp([one])
    else if (isOfOne(errorCode) && records.length > 1) one.isSplit = true
    else one.part.settle(() => why)
  }

  #gone(one: Sending): void {
    if (one.mayBeStored) {
      this.#giveUp([one])
      return
    }
    one.part.settle(() => refused(unknownTopic, one.part.topic, null))
    one.isDone = true
  }

  #giveUp(open: readonly Sending[]): void {
    for (const one of open) {
      const text = `kafka: publish: topic "${one.part.topic}": no answer that it is stored`
      const message = one.why === '' ? text : `${text}: ${one.why}`
      one.part.settle(() =>
        one.mayBeStored
          ? { state: 'unknown', code: 'CONNECTION_LOST', message }
          : { state: 'refused', code: 'UNAVAILABLE', message },
      )
      one.isDone = true
      if (one.mayBeStored) this.#forget()
    }
  }

  /** With another number of ours, all begins again at 0. */
  #forget(): void {
    this.#id = null
    this.#sequences.clear()
  }

  async #identify(): Promise<ProducerId> {
    const control = await this.#cluster.control()
    const answer = await control.call('initProducerId', null, 0, undefined, undefined)
    const { errorCode, producerId, producerEpoch } = answer
    if (errorCode !== 0) throw protocolError(errorCode, 'publish', 'the number of this producer')
    return { producerId, producerEpoch }
  }

  #leaderOf({ topic, partition }: Part): number | null {
    return this.#cluster.known(topic)?.partitions[partition]?.leader ?? null
  }

  async #linkTo(node: number): Promise<Link> {
    const known = await this.#links.get(node)?.catch(() => null)
    if (known && !known.closed.aborted) return known
    const opening = this.#cluster.link(node)
    this.#links.set(node, opening)
    return await opening
  }

  async #explained(open: readonly Sending[], step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      for (const one of open) one.why = textOf(error)
    }
  }
}

function answersBy({ responses }: Answers['produce']): ReadonlyMap<string, ProducedPartition> {
  const all = responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses.map((one) => [keyOf({ topic: name, partition: one.index }), one] as const),
  )
  return new Map(all)
}

/** As the client names it, too. */
const keyOf = ({ topic, partition }: Pick<Part, 'topic' | 'partition'>) => `${topic}:${partition}`
const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
