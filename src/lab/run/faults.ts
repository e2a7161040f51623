import { type FaultTarget, lengthMs, type PlannedFault } from '../plan.ts'
import type { ProxyRule } from '../proxy/rule.ts'
import type { Cast } from './cast.ts'
import type { Chronicle } from './chronicle.ts'
import { inHand } from './ledgerReading.ts'
import { nanoseconds, type Pace } from './pace.ts'
import type { AppliedFault } from './result.ts'
import type { Stage, StagedActor, StagedBroker, StagedNetwork } from './stage.ts'

/** How long a fault waits for a worker that has something in hand. */
const untilBusyMsMax = 2_000
const pollMs = 25

/** Applies the faults of a plan at their times, and heals them. */
export class Faults {
  readonly #cast: Cast
  readonly #pace: Pace
  readonly #chronicle: Chronicle
  readonly #stage: Pick<Stage, 'broker' | 'network'>
  readonly #applied: AppliedFault[] = []
  /** Workers that were told to leave. */
  #turns = 0
  /** One after the other, so that two that come at once hit two. */
  #last: Promise<unknown> = Promise.resolve()
  /** What ends the broker waits until it is there again. */
  #brokerBack: Promise<unknown> = Promise.resolve()

  constructor(
    cast: Cast,
    pace: Pace,
    chronicle: Chronicle,
    stage: Pick<Stage, 'broker' | 'network'>,
  ) {
    this.#cast = cast
    this.#pace = pace
    this.#chronicle = chronicle
    this.#stage = stage
  }

  /** By the time at which they were applied. */
  get applied(): AppliedFault[] {
    return this.#applied.toSorted((a, b) => a.appliedMs - b.appliedMs)
  }

  /** Resolves when all were applied and healed. `halted`: heals at once, and applies no more. */
  async run(faults: readonly PlannedFault[], zeroNs: bigint, halted: AbortSignal): Promise<void> {
    let healed = Promise.resolve()
    const all = faults.map((fault) => {
      const before = healed
      healed = this.#inTime(fault, before, zeroNs, halted)
      return healed
    })
    await this.#pace.all(all)
  }

  async #inTime(
    fault: PlannedFault,
    before: Promise<void>,
    zeroNs: bigint,
    halted: AbortSignal,
  ): Promise<void> {
    if (fault.pauseMs !== undefined) {
      await before
      await this.#pace.sleep(fault.pauseMs, halted)
    }
    await this.#pace.until(zeroNs + nanoseconds(fault.atMs), halted)
    const apply = async () => {
      if (!halted.aborted) await this.#apply(fault, zeroNs, halted)
    }
    const applied = isOfBroker(fault) ? this.#brokerBack.then(apply) : apply()
    if (isOfBroker(fault)) this.#brokerBack = applied.catch(() => {}) // told by who waits for it
    await applied
  }

  async #apply(fault: PlannedFault, zeroNs: bigint, halted: AbortSignal): Promise<void> {
    const sinceZeroMs = (timeNs: bigint) => Number(timeNs - zeroNs) / 1e6
    const struck = this.#last.then(() => this.#strike(fault))
    this.#last = struck.catch(() => {}) // told by who waits for it
    const target = await struck
    if (target === null) return
    await this.#pace.sleep(lengthMs(fault), halted)
    await this.#heal(fault, target.actors)
    const { kind, atMs: plannedMs } = fault
    const { name } = target
    const held = kind === 'network' ? null : target.inHand
    const appliedMs = sinceZeroMs(target.timeNs)
    const times = { plannedMs, appliedMs, endedMs: sinceZeroMs(this.#pace.nowNs()) }
    this.#applied.push({ kind, target: name, inHand: held, ...times })
  }

  /** Null: nobody is there. */
  async #strike(fault: PlannedFault): Promise<Struck | null> {
    const target = await this.#targetOf(fault)
    if (target === null) return null
    const timeNs = this.#pace.nowNs()
    await this.#hit(fault, target.actors)
    return { ...target, timeNs }
  }

  async #targetOf(fault: PlannedFault): Promise<Target | null> {
    if (!('target' in fault) && fault.kind !== 'leave') {
      const actors = fault.kind === 'broker-freeze' ? this.#cast.everybody : []
      return { name: 'the broker', actors, inHand: null }
    }
    if (fault.kind === 'leave') return await targetOf(this.#nextInTurn())
    if (fault.target === 'busiest') return await this.#busiest()
    return await targetOf(await this.#actorsOf(fault.target))
  }

  #nextInTurn(): readonly StagedActor[] {
    const { workers } = this.#cast
    const next = workers[this.#turns++ % workers.length]
    return next ? [next] : []
  }

  async #actorsOf(target: Exclude<FaultTarget, 'busiest'>): Promise<readonly StagedActor[]> {
    if (target === 'workers') return this.#cast.workers
    if (target === 'producers') return this.#cast.producers
    const one = await this.#cast.leadingRelay()
    return one ? [one] : []
  }

  /** Where all are idle for long, any; null: none lives. */
  async #busiest(): Promise<Target | null> {
    const untilNs = this.#pace.nowNs() + nanoseconds(untilBusyMsMax)
    for (;;) {
      const worker = await this.#cast.busiest()
      if (worker === null) return null
      // While all were looked at it may have ended what it had.
      const target = await targetOf([worker])
      if (target === null || (target.inHand ?? 0) > 0 || this.#pace.nowNs() >= untilNs)
        return target
      await this.#pace.sleep(pollMs)
    }
  }

  async #hit(fault: PlannedFault, actors: readonly StagedActor[]): Promise<void> {
    if (fault.kind === 'kill') await this.#each(actors, (one) => this.#cast.kill(one))
    else if (fault.kind === 'stop') await this.#each(actors, (one) => this.#cast.freeze(one))
    else if (fault.kind === 'block')
      await this.#each(actors, (one) => this.#cast.block(one, fault.forMs))
    else if (fault.kind === 'leave') await this.#each(actors, (one) => this.#cast.leave(one))
    else if (fault.kind === 'network') await this.#each(actors, (one) => this.#cut(one, fault.rule))
    else if (fault.kind === 'broker-freeze') this.#freezeBroker(actors)
    else await this.#endBroker(fault.kind)
  }

  async #cut({ id }: StagedActor, rule: ProxyRule): Promise<void> {
    const span = await this.#network.set(id, rule)
    this.#chronicle.note({ event: 'NET_ON', ...id, ...span })
  }

  async #mend({ id }: StagedActor): Promise<void> {
    const span = await this.#network.heal(id)
    this.#chronicle.note({ event: 'NET_OFF', ...id, ...span })
  }

  get #network(): StagedNetwork {
    const { network } = this.#stage
    if (network) return network
    throw new Error('lab: no proxy lies between the actors and the broker')
  }

  async #heal(fault: PlannedFault, actors: readonly StagedActor[]): Promise<void> {
    if (fault.kind === 'stop') return await this.#each(actors, (one) => this.#cast.thaw(one))
    if (fault.kind === 'block') return await this.#each(actors, (one) => this.#cast.unblock(one))
    if (fault.kind === 'network') return await this.#each(actors, (one) => this.#mend(one))
    if (fault.kind === 'kill' || fault.kind === 'leave') {
      return await this.#each(actors, ({ id }) => this.#cast.start(id))
    }
    if (fault.kind === 'broker-freeze') return this.#thawBroker(actors)
    const fromNs = this.#pace.nowNs()
    const { broker } = this.#stage
    await (broker ? broker.start() : this.#cast.startAll())
    this.#chronicle.note({ event: 'BROKER_UP', fromNs, toNs: this.#pace.nowNs() })
  }

  /** To everybody it is as if the network stood still. */
  #freezeBroker(actors: readonly StagedActor[]): void {
    this.#ofAll('NET_ON', actors, () => this.#ownBroker.freeze())
  }

  #thawBroker(actors: readonly StagedActor[]): void {
    this.#ofAll('NET_OFF', actors, () => this.#ownBroker.thaw())
  }

  #ofAll(event: 'NET_ON' | 'NET_OFF', actors: readonly StagedActor[], call: () => void): void {
    const fromNs = this.#pace.nowNs()
    call()
    const toNs = this.#pace.nowNs()
    for (const { id } of actors) this.#chronicle.note({ event, ...id, fromNs, toNs })
  }

  get #ownBroker(): StagedBroker {
    const { broker } = this.#stage
    if (broker) return broker
    throw new Error('lab: no broker runs beside the actors')
  }

  async #endBroker(kind: 'broker-stop' | 'broker-crash'): Promise<void> {
    const isCrash = kind === 'broker-crash'
    const fromNs = this.#pace.nowNs()
    const { broker } = this.#stage
    if (!broker) await this.#cast.endAll(isCrash ? 'KILL' : 'LEAVE')
    else await (isCrash ? broker.crash() : broker.stop())
    const how = isCrash ? 'crash' : 'stop'
    this.#chronicle.note({ event: 'BROKER_DOWN', how, fromNs, toNs: this.#pace.nowNs() })
  }

  async #each(
    actors: readonly StagedActor[],
    call: (actor: StagedActor) => Promise<void>,
  ): Promise<void> {
    await this.#pace.all(actors.map(call))
  }
}

function isOfBroker({ kind }: PlannedFault): boolean {
  return kind === 'broker-stop' || kind === 'broker-crash' || kind === 'broker-freeze'
}

interface Target {
  readonly name: string
  readonly actors: readonly StagedActor[]
  readonly inHand: number | null
}

interface Struck extends Target {
  readonly timeNs: bigint
}

/** Null: of nobody. Only workers have messages in hand. */
async function targetOf(actors: readonly StagedActor[]): Promise<Target | null> {
  if (actors.length === 0) return null
  const isOfWorkers = actors.every(({ id }) => id.role === 'worker')
  const held = await Promise.all(actors.map(async (one) => inHand(await one.ledger())))
  return {
    name: actors.map(({ id }) => `${id.role} ${id.actor}`).join(', '),
    actors,
    inHand: isOfWorkers ? held.reduce((sum, count) => sum + count, 0) : null,
  }
}
