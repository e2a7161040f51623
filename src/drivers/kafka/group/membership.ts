import { setTimeout as sleep } from 'node:timers/promises'
import type { Ordering } from '../../../core/channel.ts'
import type { NarrowcastError } from '../../../core/errors.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { kafkaError, protocolError } from '../kafkaErrors.ts'
import { Coordinator, hasMoved } from './coordinator.ts'
import { Leading } from './leading.ts'
import { Life } from './life.ts'
import { orderOfMembers, protocolOf } from './protocol.ts'
import { type Reads, subscriptionOf } from './subscription.ts'

export interface MembershipOptions {
  readonly cluster: Cluster
  readonly group: string
  readonly reads: Reads
  /** All members have the same one. */
  readonly order: Ordering
  /** @returns what to say where the members have another one */
  readonly otherOrder: (found: Ordering) => NarrowcastError
  readonly on: MembershipEvents
}

/** What a commit is signed with. */
export interface Signature {
  readonly memberId: string
  readonly generation: number
}

/** Called synchronously, never after `leave`. */
export interface MembershipEvents {
  assigned(partitions: readonly number[]): void
  /** Resolves when nobody works on them here any more; until then they are ours. */
  revoke(partitions: readonly number[]): Promise<void>
  /** They are somebody else's, whatever is still worked on. */
  lost(why: 'revoked' | 'expired'): void
  /** It is a member still, after it was silent for so long that nobody could know. */
  back(): void
  /** It cannot be a member any more. */
  failed(error: NarrowcastError): void
}

/** How long the group waits for a member that has work to put down. */
const rebalanceMs = 60_000
/** A change of the group is heard of with the next one. */
const heartbeatMs = 500
const againMs = 100
const certainEveryMs = 20
/** New partitions are found within that time. */
const lookMs = 10_000
/** A node that has just begun may not know of it yet. */
const missesMax = 2
const leaveMsMax = 2_000

const illegalGeneration = 22
const otherProtocol = 23
const unknownMember = 25
const invalidSession = 26
const rebalancing = 27
const memberIdRequired = 79
const fenced = 82
/** What no try will change. */
const final: ReadonlySet<number> = new Set([otherProtocol, 24, 26, 30, 81])

/**
 * One reader as a member of a group of Kafka: it joins, shows that it lives, and puts down what goes
 * to others. In the classic protocol, which every version speaks; partitions move one by one, as in its
 * cooperative way.
 * @see https://cwiki.apache.org/confluence/display/KAFKA/KIP-429
 */
export class Membership {
  readonly #of: MembershipOptions
  /** A join waits there for the others; signs of life do not. */
  readonly #coordinator: Coordinator
  readonly #beating: Coordinator
  readonly #life: Life
  readonly #leading: Leading
  readonly #joined = Promise.withResolvers<void>()
  #memberId = ''
  #generation = -1
  #owned: readonly number[] = []
  /** Of these: what is being put down. */
  #revoking: readonly number[] = []
  #mustJoin = true
  #isJoining = false
  /** Rises when all is lost: what was begun before is of no account. */
  #losses = 0
  #lookedMs = 0
  /** How often in a row the channel was not there. */
  #missed = 0
  #leaving: Promise<void> | null = null
  #wake = new AbortController()
  #running: Promise<void> | null = null
  #watching: NodeJS.Timeout | null = null

  constructor(options: MembershipOptions) {
    const { cluster, group } = options
    this.#of = options
    const { sessionMs } = cluster.target
    this.#coordinator = new Coordinator(cluster, group, rebalanceMs + sessionMs)
    this.#beating = new Coordinator(cluster, group, sessionMs)
    this.#life = new Life(sessionMs, () => options.on.back())
    this.#leading = new Leading(cluster)
  }

  /** Resolves when it is a member. @throws CONFLICT, LOGIN_REFUSED, … */
  async join(signal: AbortSignal): Promise<void> {
    this.#running = this.#run()
    const abort = () => this.#joined.reject(signal.reason)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    this.#watching = setInterval(() => void this.#watch(), this.#sessionMs / 4)
    this.#watching.unref()
    try {
      await this.#joined.promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  get signature(): Signature {
    return { memberId: this.#memberId, generation: this.#generation }
  }

  /** False while the group is about to give another generation. */
  isCurrent({ memberId, generation }: Signature): boolean {
    return !this.#isJoining && memberId === this.#memberId && generation === this.#generation
  }

  /** What is ours is so until this changes, whatever generation we sign with. */
  get tenure(): number {
    return this.#losses
  }

  /** It showed no life for so long that others may have what was ours: it stood still, or is cut off. */
  get isSilent(): boolean {
    return this.#life.isSilent
  }

  /** Resolves when it is known whether what was ours still is, after a silence. */
  async certain(signal: AbortSignal): Promise<void> {
    const losses = this.#losses
    while (this.isSilent && losses === this.#losses && this.#leaving === null && !signal.aborted) {
      await sleep(certainEveryMs, undefined, { ref: false })
    }
  }

  /** A commit was told that this member is none. */
  disowned(): void {
    this.#lose('revoked')
    this.#joinAgain()
  }

  get #sessionMs(): number {
    return this.#of.cluster.target.sessionMs
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  async #run(): Promise<void> {
    while (this.#leaving === null) {
      try {
        if (this.#mustJoin) await this.#joinGroup()
        this.#joined.resolve()
        await this.#showLife()
      } catch (error) {
        if (this.#leaving !== null) return
        if (error instanceof Final) return this.#fail(error.reason)
        if (this.#of.cluster.ended.aborted) return this.#fail(this.#of.cluster.ended.reason)
        this.#elsewhere()
        if (this.isSilent) this.#expire()
        await sleep(againMs, undefined, { ref: false })
      }
    }
  }

  async #joinGroup(): Promise<void> {
    this.#mustJoin = false // unless something is told meanwhile
    this.#isJoining = true
    try {
      await this.#joinOnce()
    } catch (error) {
      this.#mustJoin = true
      throw error
    } finally {
      this.#isJoining = false
    }
  }

  async #joinOnce(): Promise<void> {
    const { group, reads, cluster } = this.#of
    const protocol = protocolOf(this.#of.order)
    const link = await this.#coordinator.link()
    let sentMs = performance.now()
    const metadata = subscriptionOf(cluster.client, reads, this.#owned, this.#generation)
    const joined = await link.call(
      ...([
        'joinGroup',
        group,
        this.#sessionMs,
        rebalanceMs,
        this.#memberId,
        null,
        'consumer',
      ] as const),
      ...[[{ name: protocol, metadata }], ''],
    )
    if (joined.errorCode === memberIdRequired) {
      this.#memberId = joined.memberId
      return await this.#joinOnce()
    }
    if (joined.errorCode === otherProtocol) throw new Final(await this.#refused())
    this.#check(joined.errorCode, 'to join')
    this.#memberId = joined.memberId
    this.#generation = joined.generationId
    this.#life.seen(sentMs)
    this.#leading.ended()
    const isLeader = joined.leader === joined.memberId
    const assignments = isLeader ? await this.#leading.assignments(joined.members) : []
    sentMs = performance.now()
    const synced = await link.call(
      ...(['syncGroup', group, joined.generationId, this.#memberId, null, 'consumer'] as const),
      ...[protocol, assignments],
    )
    this.#check(synced.errorCode, 'to be assigned its partitions')
    this.#life.seen(sentMs)
    const { assignedPartitions } = cluster.client.decodeConsumerProtocolAssignment(
      synced.assignment,
    )
    const own = assignedPartitions.find(({ topic }) => topic === reads.channel)
    this.#take(own?.partitions ?? [])
  }

  #take(assigned: readonly number[]): void {
    const added = assigned.filter((one) => !this.#owned.includes(one))
    const isToGo = (one: number) => !assigned.includes(one) && !this.#revoking.includes(one)
    const removed = this.#owned.filter(isToGo)
    this.#owned = [...this.#owned, ...added]
    this.#revoking = [...this.#revoking, ...removed]
    if (added.length > 0) this.#of.on.assigned(added)
    if (removed.length === 0) return
    const losses = this.#losses
    void this.#of.on.revoke(removed).then(() => {
      if (losses !== this.#losses) return
      const stays = (one: number) => !removed.includes(one)
      this.#owned = this.#owned.filter(stays)
      this.#revoking = this.#revoking.filter(stays)
      this.#joinAgain()
    })
  }

  /** Until it has to join again. */
  async #showLife(): Promise<void> {
    while (this.#leaving === null && !this.#mustJoin) {
      await sleep(Math.min(heartbeatMs, this.#sessionMs / 4), undefined, {
        signal: this.#wake.signal,
        ref: false,
      }).catch(() => {})
      if (this.#leaving !== null || this.#mustJoin) return
      const errorCode = await this.#beat()
      if (errorCode === rebalancing) this.#mustJoin = true
      if (errorCode === rebalancing) return
      this.#check(errorCode, 'to go on')
      await this.#look()
    }
  }

  /** @returns the error code of the answer */
  async #beat(): Promise<number> {
    const link = await this.#beating.link()
    const sentMs = performance.now()
    const { errorCode } = await link.call(
      ...(['heartbeat', this.#of.group, this.#generation, this.#memberId, null] as const),
    )
    if (errorCode === 0 || errorCode === rebalancing) this.#life.seen(sentMs)
    return errorCode
  }

  /** Who shares out sees that there are more partitions than there were; everybody, that there are none. */
  async #look(): Promise<void> {
    if (performance.now() - this.#lookedMs < lookMs) return
    this.#lookedMs = performance.now()
    const { cluster, reads } = this.#of
    const topics = await cluster.topics([...new Set([reads.channel, ...this.#leading.channels])])
    this.#missed = topics.has(reads.channel) ? 0 : this.#missed + 1
    if (this.#missed >= missesMax) throw new Final(gone(reads.channel))
    if (this.#leading.isOutdated(topics)) this.#mustJoin = true
  }

  #check(errorCode: number, what: string): void {
    if (errorCode === 0) return
    const error = protocolError(errorCode, 'source', `group "${this.#of.group}", ${what}`)
    if (errorCode === unknownMember || errorCode === illegalGeneration || errorCode === fenced) {
      this.#lose('revoked')
      this.#memberId = ''
      this.#mustJoin = true
    } else if (hasMoved(errorCode)) this.#elsewhere()
    if (final.has(errorCode)) throw new Final(this.#explained(errorCode, error))
    throw error
  }

  #explained(errorCode: number, error: NarrowcastError): NarrowcastError {
    if (errorCode === invalidSession) {
      const text = `the broker takes no session of ${this.#sessionMs} ms`
      const hint =
        'group.min.session.timeout.ms and group.max.session.timeout.ms of the broker are the limits: 6 s and 30 min unless they were set. URL option session is between them.'
      return kafkaError('INVALID_CONFIG', 'source', text, { hint })
    }
    return error
  }

  /** The members that are there share out in another way. */
  async #refused(): Promise<NarrowcastError> {
    const found = await orderOfMembers(await this.#beating.link(), this.#of.group)
    if (found !== 'nobody' && found !== 'others') return this.#of.otherOrder(found)
    const text = `group "${this.#of.group}" has members of another program, which share its partitions out otherwise`
    const hint = 'Use another group, or stop those members first: what they have committed stays.'
    return kafkaError('CONFLICT', 'source', text, { hint })
  }

  /** While it waits for the others to join: whether the group still knows it. */
  async #watch(): Promise<void> {
    const { silentMs } = this.#life
    if (!this.#isJoining || this.#owned.length === 0 || silentMs < this.#sessionMs / 2) return
    if (this.isSilent) {
      this.#expire()
      this.#coordinator.destroy()
      return
    }
    try {
      await this.#beat()
    } catch {
      // It is asked again, until the time is over.
    }
  }

  /** Others may have been given what was ours. */
  #expire(): void {
    this.#lose('expired')
    this.#mustJoin = true
  }

  #elsewhere(): void {
    this.#coordinator.leave()
    this.#beating.leave()
  }

  #lose(why: 'revoked' | 'expired'): void {
    this.#losses++
    if (this.#owned.length === 0) return
    this.#owned = []
    this.#revoking = []
    this.#of.on.lost(why)
  }

  #joinAgain(): void {
    this.#mustJoin = true
    this.#wake.abort()
    this.#wake = new AbortController()
  }

  #fail(error: NarrowcastError): void {
    this.#joined.reject(error)
    this.#of.on.failed(error)
  }

  async #leave(): Promise<void> {
    this.#joined.reject(kafkaError('CLOSED', 'source', 'it was closed'))
    this.#joined.promise.catch(() => {})
    this.#wake.abort()
    if (this.#watching !== null) clearInterval(this.#watching)
    this.#coordinator.close() // it may be waiting there for others
    this.#beating.close()
    await this.#running
    if (this.#memberId === '' || this.#of.cluster.ended.aborted) return
    const { cluster, group } = this.#of
    const coordinator = new Coordinator(cluster, group, leaveMsMax)
    const members = [{ memberId: this.#memberId, groupInstanceId: null, reason: '' }]
    const leaving = coordinator.link().then((link) => link.call('leaveGroup', group, members))
    // A broker that stands still finds out by itself.
    await Promise.race([leaving.catch(() => {}), sleep(leaveMsMax, undefined, { ref: false })])
    coordinator.leave()
  }
}

function gone(channel: string): NarrowcastError {
  return kafkaError('NOT_FOUND', 'source', `topic "${channel}" is gone`, { channel })
}

/** It is of no use to try again. */
class Final extends Error {
  readonly reason: NarrowcastError

  constructor(reason: NarrowcastError) {
    super(reason.message)
    this.reason = reason
  }
}
