import type { Cluster } from '../cluster/cluster.ts'
import { protocolError } from '../kafkaErrors.ts'
import { Coordinator, hasMoved } from './coordinator.ts'
import type { Signature } from './membership.ts'

export interface Place {
  readonly topic: string
  /** Of this very topic, where one of its name may be made anew. */
  readonly topicId?: string
  readonly partition: number
}

/** How far a group is in one partition. */
export interface Committed extends Place {
  /** Of the first that is not settled. */
  readonly offset: number
  /** What is noted beside it: see Note. */
  readonly note: string
}

const answerMs = 10_000
const noteTooLong = 12
const rebalancing = 27
const disowned: ReadonlySet<number> = new Set([22, 25, 82])

/** What is known of a group beyond its members. */
export class Offsets {
  readonly #group: string
  readonly #coordinator: Coordinator

  constructor(cluster: Cluster, group: string) {
    this.#group = group
    this.#coordinator = new Coordinator(cluster, group, answerMs)
  }

  /** Those of the places that have one. @throws CONNECTION_LOST, UNAVAILABLE, LOGIN_REFUSED */
  async fetch(places: readonly Place[]): Promise<Committed[]> {
    const link = await this.#coordinator.link()
    const topics = [...Map.groupBy(places, ({ topic }) => topic)].map(([name, all]) => ({
      name,
      partitionIndexes: all.map(({ partition }) => partition),
    }))
    const asked = [{ groupId: this.#group, memberId: null, memberEpoch: -1, topics }]
    const { groups } = await link.call('offsetFetch', asked, true)
    const committed: Committed[] = []
    for (const { errorCode, topics } of groups) {
      this.#check(errorCode, 'how far it is')
      for (const { name, partitions } of topics) {
        for (const { partitionIndex, committedOffset, metadata, errorCode } of partitions) {
          this.#check(errorCode, 'how far it is')
          if (committedOffset < 0n) continue
          const place = { topic: name, partition: partitionIndex }
          committed.push({ ...place, offset: Number(committedOffset), note: metadata ?? '' })
        }
      }
    }
    return committed
  }

  /**
   * Resolves with whether it is done: `not-now` while the members of the group change, `disowned`
   * where who signs is a member no more, `too-long` where the broker takes no such note. @throws CONNECTION_LOST, UNAVAILABLE, …
   */
  async commit(
    all: readonly Committed[],
    { memberId, generation }: Signature,
  ): Promise<'done' | 'not-now' | 'disowned' | 'too-long'> {
    const link = await this.#coordinator.link()
    const topics = [...Map.groupBy(all, ({ topic }) => topic)].map(([name, places]) => ({
      name,
      partitions: places.map(({ partition, offset, note }) => ({
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: -1,
        committedMetadata: note,
      })),
    }))
    const answer = await link.call(
      ...(['offsetCommit', this.#group, generation, memberId, null, topics] as const),
    )
    for (const { partitions } of answer.topics) {
      for (const { errorCode } of partitions) {
        if (errorCode === rebalancing) return 'not-now'
        if (errorCode === noteTooLong) return 'too-long'
        if (disowned.has(errorCode)) return 'disowned'
        this.#check(errorCode, 'to note how far it is')
      }
    }
    return 'done'
  }

  close(): void {
    this.#coordinator.close()
  }

  #check(errorCode: number, what: string): void {
    if (errorCode === 0) return
    if (hasMoved(errorCode)) this.#coordinator.leave()
    throw protocolError(errorCode, 'source', `group "${this.#group}", ${what}`)
  }
}
