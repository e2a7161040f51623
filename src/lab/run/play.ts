import type { Contract } from '../../core/contract.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import type { Bus } from '../../runtime/api.ts'
import { subscriberLeaseMs } from '../../runtime/live/liveWorker.ts'
import type { DepthSample, Evidence } from '../evidence/evidence.ts'
import { dueMs } from '../load.ts'
import { groupsOf, liveHoldMax, openChannel } from '../openChannel.ts'
import type { RunPlan } from '../plan.ts'
import { type RunTerms, termsOf } from '../termsOf.ts'
import { reachBarrier } from './barrier.ts'
import { Cast } from './cast.ts'
import { Chronicle } from './chronicle.ts'
import { depthsOf, leftIn, whenAllHaveLeft } from './depths.ts'
import { drainKept, drainLive } from './drain.ts'
import { Faults } from './faults.ts'
import { takeLeft, writeDead, writeLeft } from './leftovers.ts'
import { nanoseconds, Pace } from './pace.ts'
import type { AppliedFault, Watcher } from './result.ts'
import type { Stage } from './stage.ts'

export interface Played {
  readonly evidence: Evidence
  readonly contract: Contract
  readonly run: RunTerms
  /** When the load began. */
  readonly zeroNs: bigint
  readonly faults: readonly AppliedFault[]
  /** Every worker had handled a probe before the first message was sent. */
  readonly isBarrierReached: boolean
  /** Nothing was on its way any more before the time for draining was over. */
  readonly isDrained: boolean
}

/** From the phase of load to time zero. */
export const untilZeroMs = 500
const depthEveryMs = 500
/** By then what comes late has come. */
const lateMsMin = 5_000
/** A producer has its last answer so long after its last message was due, or never. */
const answeredMsMax = 120_000
const putBackMs = 1_000

const nobody: Watcher = { event: () => {}, depth: () => {}, phase: () => {} }

/**
 * Plays a plan to its end: everything is sent, everybody drains, and what is left is looked at.
 * `halted`: sends nothing more, heals, and drains. Whoever calls ends the stage.
 */
export async function play(
  plan: RunPlan,
  stage: Stage,
  watcher: Watcher = nobody,
  halted: AbortSignal = new AbortController().signal,
): Promise<Played> {
  return await new Play(plan, stage, watcher, halted).play()
}

class Play {
  readonly #plan: RunPlan
  readonly #stage: Stage
  readonly #watcher: Watcher
  readonly #halted: AbortSignal
  readonly #pace: Pace
  readonly #chronicle: Chronicle
  readonly #cast: Cast
  readonly #faults: Faults
  readonly #depth: DepthSample[] = []
  readonly #isKept: boolean
  #stored: number | 'unknown' = 0
  #zeroNs = 0n

  constructor(plan: RunPlan, stage: Stage, watcher: Watcher, halted: AbortSignal) {
    this.#plan = plan
    this.#stage = stage
    this.#watcher = watcher
    this.#halted = halted
    this.#isKept = !isLive(plan.channel.pattern)
    this.#pace = new Pace(stage.clock, () => stage.nowNs())
    this.#chronicle = new Chronicle(() => stage.nowNs(), watcher.event)
    this.#cast = new Cast(plan, stage, this.#pace, this.#chronicle)
    this.#faults = new Faults(this.#cast, this.#pace, this.#chronicle, stage)
  }

  async play(): Promise<Played> {
    this.#watcher.phase('starting')
    await using bus = await this.#stage.connect()
    const contract = await openChannel(bus, this.#plan.channel).opened()
    const isBarrierReached = await this.#unlessHalted(() => this.#start(bus))
    const isDrained = await this.#act(bus)
    if (this.#isKept) await this.#writeLeftovers(bus, contract)
    const { events } = this.#chronicle
    const evidence = { ledgers: await this.#stage.ledgers(), events, depth: this.#depth }
    const { applied: faults } = this.#faults
    const run = this.#terms(contract)
    return { evidence, contract, run, zeroNs: this.#zeroNs, faults, isBarrierReached, isDrained }
  }

  /** Before anything is sent there is nothing to drain or to judge. */
  async #unlessHalted<T>(call: () => Promise<T>): Promise<T> {
    const stop = () => this.#pace.breakOff(this.#halted.reason)
    this.#halted.addEventListener('abort', stop, { once: true })
    try {
      this.#halted.throwIfAborted()
      return await call()
    } finally {
      this.#halted.removeEventListener('abort', stop)
    }
  }

  /** @returns whether everybody who is to hear hears. */
  async #start(bus: Bus): Promise<boolean> {
    await this.#cast.startRelays()
    if (!this.#plan.load.startsLate) await this.#cast.startWorkers()
    await this.#cast.startProducers()
    this.#watcher.phase('probing')
    const isReached = await reachBarrier(bus, this.#plan, this.#cast.workers, this.#pace)
    if (this.#isKept) {
      await drainKept(() => this.#look(bus), this.#pace)
      const [now] = await this.#look(bus)
      this.#stored = now?.stored ?? 'unknown'
    }
    return isReached
  }

  /** Until all actors have ended. @returns whether nothing was on its way by then. */
  async #act(bus: Bus): Promise<boolean> {
    this.#watcher.phase('load')
    this.#zeroNs = this.#stage.nowNs() + nanoseconds(untilZeroMs)
    const watching = new AbortController()
    const watched = this.#isKept ? this.#watchDepth(bus, watching.signal) : Promise.resolve()
    const acted = this.#loadAndDrain(bus).finally(() => watching.abort())
    await this.#pace.all<unknown>([watched, acted])
    return await acted
  }

  async #loadAndDrain(bus: Bus): Promise<boolean> {
    const halt = () => {
      this.#watcher.phase('halting')
      void this.#cast.haltProducers()
    }
    this.#halted.addEventListener('abort', halt, { once: true })
    if (this.#halted.aborted) halt()
    const isSent = new AbortController()
    const sent = this.#cast.sendAll(this.#zeroNs).finally(() => isSent.abort())
    const faults = this.#faults.run(this.#plan.faults, this.#zeroNs, this.#halted)
    await this.#pace.all([sent, faults, this.#deadline(isSent.signal)])
    this.#watcher.phase('draining')
    return await (this.#isKept ? this.#drainKept(bus) : this.#drainLive())
  }

  /**
   * Fresh and healthy workers take what the others have left; once more, where a broker that does not
   * tell what is in hand has some again when those have left, too.
   */
  async #drainKept(bus: Bus): Promise<boolean> {
    await this.#cast.leaveWorkers()
    this.#keep(await this.#look(bus).catch(orAway))
    for (let before = Number.POSITIVE_INFINITY; ; ) {
      await this.#cast.startWorkers()
      const isDrained = await drainKept(() => this.#look(bus), this.#pace)
      this.#watcher.phase('listening')
      await this.#pace.sleep(Math.max(3 * this.#plan.channel.leaseMs, lateMsMin))
      await this.#cast.leaveWorkers()
      if (!isDrained || !(await this.#hidesWhatIsInHand(bus))) return isDrained
      const left = await this.#leftByAll(bus)
      if (left === 0 || left >= before) return left === 0
      before = left
      this.#watcher.phase('draining')
    }
  }

  async #hidesWhatIsInHand(bus: Bus): Promise<boolean> {
    return (await this.#look(bus)).some(({ inFlight }) => inFlight === 'unknown')
  }

  /** A broker puts back what others had in hand when it has time. */
  async #leftByAll(bus: Bus): Promise<number> {
    await this.#pace.sleep(putBackMs)
    return leftIn(await this.#look(bus))
  }

  /** What a live worker has not been sent is sent to nobody. */
  async #drainLive(): Promise<boolean> {
    const isDrained = await drainLive(() => this.#cast.written(), this.#pace)
    await this.#cast.leaveRelays()
    await this.#cast.leaveWorkers()
    return isDrained
  }

  /** @throws where a producer never comes to an end: nobody could say what it is waiting for. */
  async #deadline(isSent: AbortSignal): Promise<void> {
    const { load, faults } = this.#plan
    const last = dueMs(load, load.messages)
    const down = faults.reduce((sum, one) => sum + ('forMs' in one ? one.forMs : 0), 0)
    await this.#pace.until(this.#zeroNs + nanoseconds(last + down + answeredMsMax), isSent)
    if (isSent.aborted) return
    throw new NarrowcastError('INTERNAL', 'lab: a producer has not come to its end', {
      operation: 'run an actor',
    })
  }

  async #look(bus: Bus): Promise<DepthSample[]> {
    return await depthsOf(bus, this.#plan.channel, this.#stage.nowNs(), this.#stored)
  }

  /** While the broker is away, or has lost the channel in a crash, nobody can tell. */
  async #watchDepth(bus: Bus, stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      this.#keep(await this.#look(bus).catch(orAway))
      await this.#pace.sleep(depthEveryMs, stopping)
    }
  }

  #keep(samples: readonly DepthSample[]): void {
    for (const sample of samples) this.#watcher.depth(sample)
    this.#depth.push(...samples)
  }

  async #writeLeftovers(bus: Bus, { peek }: Contract): Promise<void> {
    const { channel, run } = this.#plan
    const groups = groupsOf(channel)
    const isShown = peek !== 'no'
    // What can only be taken is counted before.
    if (!isShown) this.#depth.push(...whenAllHaveLeft(await this.#look(bus)))
    for (const [actor, group] of groups.entries()) {
      const place = this.#stage.book({ role: 'deadReader', actor, incarnation: 0 }, group)
      await writeDead(bus, channel, group, run.name, place)
      // Of a stream the settled are still there: who has drained it has left nothing.
      if (group !== null) continue
      if (isShown) await writeLeft(bus, channel, run.name, place)
      else await takeLeft(openChannel(bus, channel), run.name, place)
    }
    if (isShown) this.#depth.push(...(await this.#look(bus)))
  }

  #terms(contract: Contract): RunTerms {
    const { load, channel } = this.#plan
    const { pattern, leaseMs, attempts, deliveriesMax, dedupeWindowMs, order } = channel
    return termsOf(this.#stage.contract(contract), {
      ...{ pattern, attempts, deliveriesMax, dedupeWindowMs, order, onFailure: 'skip' },
      leaseMs: this.#isKept ? leaseMs : subscriberLeaseMs,
      isStoreShared: this.#stage.isStoreShared,
      // What runs, and what is being settled or waits for a handler.
      inHandMax: load.concurrency + (this.#isKept ? load.concurrency : liveHoldMax),
      isRetentionReached: false,
    })
  }
}

function orAway(error: unknown): DepthSample[] {
  if (error instanceof NarrowcastError && error.code !== 'INTERNAL') return []
  throw error
}
