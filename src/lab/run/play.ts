import type { ChannelRef } from '../../core/channel.ts'
import type { Contract } from '../../core/contract.ts'
import type { Bus } from '../../runtime/api.ts'
import type {
  ActorEventName,
  ActorId,
  DepthSample,
  Evidence,
  LabEvent,
} from '../evidence/evidence.ts'
import { openChannel, type RunPlan } from '../plan.ts'
import { type RunTerms, termsOf } from '../termsOf.ts'
import { depthOf, writeLeftovers } from './leftovers.ts'
import type { Stage, StagedWorker } from './stage.ts'

export interface Played {
  readonly evidence: Evidence
  readonly run: RunTerms
  /** Nothing was left in the broker before the time for draining was over. */
  readonly isDrained: boolean
}

const untilZeroMs = 500
const restartAfterMs = 500
/** How long a kill waits for a worker that has something in hand. */
const untilBusyMsMax = 2_000
/** How long a drain goes on while the broker holds no less than before. */
const stillMsMax = 60_000
const pollMs = 100
const depthEveryMs = 500
const never = new AbortController().signal

/** Plays a plan to its end: everything is sent, everybody drains, and what is left is looked at. */
export async function play(plan: RunPlan, stage: Stage): Promise<Played> {
  return await new Play(plan, stage).play()
}

class Play {
  readonly #plan: RunPlan
  readonly #stage: Stage
  readonly #channel: ChannelRef
  readonly #events: LabEvent[] = []
  readonly #depth: DepthSample[] = []
  /** Those that live, by number. */
  readonly #workers = new Map<number, StagedWorker>()
  readonly #toldToEnd = new Map<StagedWorker, 'KILL' | 'LEAVE'>()
  /** How often each number has started. */
  readonly #starts: number[] = []

  constructor(plan: RunPlan, stage: Stage) {
    this.#plan = plan
    this.#stage = stage
    this.#channel = { name: plan.channel.name, pattern: 'queue' }
  }

  async play(): Promise<Played> {
    const observer = { role: 'deadReader', actor: 0, incarnation: 0 } as const
    const { bus, place } = await this.#stage.observer(observer)
    await using _ = bus
    const contract = await openChannel(bus, this.#plan.channel).opened()
    const watching = new AbortController()
    const [isDrained] = await Promise.all([
      this.#act(bus).finally(() => watching.abort()),
      this.#watchDepth(bus, watching.signal),
    ])
    await writeLeftovers(bus, this.#channel, this.#plan.run.name, place)
    this.#depth.push(await depthOf(bus, this.#channel, this.#stage.nowNs()))
    const events = this.#events.sort((a, b) => Number(a.fromNs - b.fromNs))
    const evidence = { ledgers: await this.#stage.ledgers(), events, depth: this.#depth }
    return { evidence, run: this.#terms(contract), isDrained }
  }

  /** Until all actors have ended. @returns whether the broker was empty by then. */
  async #act(bus: Bus): Promise<boolean> {
    await this.#startWorkers()
    const ids = Array.from({ length: this.#plan.load.producers }, (_, actor) => {
      return { role: 'producer', actor, incarnation: 0 } as const
    })
    const producers = await Promise.all(ids.map((id) => this.#stage.producer(id)))
    const zeroNs = this.#stage.nowNs() + nanoseconds(untilZeroMs)
    await Promise.all([...producers.map((one) => one.send(zeroNs)), this.#killAll(zeroNs)])
    await this.#leaveAll()
    await this.#startWorkers() // fresh and healthy ones
    const isDrained = await this.#drain(bus)
    await this.#leaveAll()
    return isDrained
  }

  async #startWorkers(): Promise<void> {
    const numbers = Array.from({ length: this.#plan.load.workers }, (_, actor) => actor)
    await Promise.all(numbers.map((actor) => this.#startWorker(actor)))
  }

  async #startWorker(actor: number): Promise<void> {
    const incarnation = this.#starts[actor] ?? 0
    this.#starts[actor] = incarnation + 1
    const id = { role: 'worker', actor, incarnation } as const
    const worker = await this.#told('SUBSCRIBED', id, () => this.#stage.worker(id))
    this.#workers.set(actor, worker)
    void worker.ended.then(async (isWell) => {
      if (this.#workers.get(actor) === worker) this.#workers.delete(actor)
      const told = this.#toldToEnd.get(worker)
      const isAsTold = told === 'KILL' || (told === 'LEAVE' && isWell)
      if (!isAsTold) await this.#told('EXIT', id, async () => {})
    })
  }

  async #killAll(zeroNs: bigint): Promise<void> {
    for (const killMs of this.#plan.killsAtMs) {
      await this.#sleepUntil(zeroNs + nanoseconds(killMs))
      const worker = await this.#busiest()
      if (!worker) continue
      await this.#end('KILL', worker, () => worker.kill())
      await this.#stage.clock.sleep(restartAfterMs, never)
      await this.#startWorker(worker.id.actor)
    }
  }

  /** One that has something in hand; where all are idle for long, any; null: none lives. */
  async #busiest(): Promise<StagedWorker | null> {
    const untilNs = this.#stage.nowNs() + nanoseconds(untilBusyMsMax)
    for (;;) {
      const living = [...this.#workers.values()]
      const hands = await Promise.all(living.map((worker) => worker.inHand()))
      const most = Math.max(...hands)
      if (most > 0 || this.#stage.nowNs() >= untilNs) {
        return living[hands.indexOf(most)] ?? null
      }
      await this.#stage.clock.sleep(pollMs, never)
    }
  }

  async #leaveAll(): Promise<void> {
    await Promise.all(
      [...this.#workers.values()].map((worker) => this.#end('LEAVE', worker, () => worker.leave())),
    )
  }

  /** Waits until nothing is left, and then so long that what comes late has come. */
  async #drain(bus: Bus): Promise<boolean> {
    let least = Number.POSITIVE_INFINITY
    let leastNs = this.#stage.nowNs()
    while (least > 0 && this.#stage.nowNs() < leastNs + nanoseconds(stillMsMax)) {
      const nowNs = this.#stage.nowNs()
      const left = leftIn(await depthOf(bus, this.#channel, nowNs))
      if (left < least) {
        least = left
        leastNs = nowNs
      }
      if (left > 0) await this.#stage.clock.sleep(pollMs, never)
    }
    await this.#stage.clock.sleep(3 * this.#plan.channel.leaseMs, never)
    return least === 0
  }

  async #watchDepth(bus: Bus, stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      this.#depth.push(await depthOf(bus, this.#channel, this.#stage.nowNs()))
      await this.#stage.clock.sleep(depthEveryMs, stopping)
    }
  }

  #terms(contract: Contract): RunTerms {
    const { load, channel } = this.#plan
    const { leaseMs, attempts, deliveriesMax, dedupeWindowMs, order } = channel
    return termsOf(this.#stage.contract(contract), {
      ...{ attempts, deliveriesMax },
      ...{ pattern: 'queue', leaseMs, dedupeWindowMs, order, onFailure: 'skip' },
      inHandMax: 2 * load.concurrency, // what runs, and what is being settled
      isRetentionReached: false,
    })
  }

  async #sleepUntil(timeNs: bigint): Promise<void> {
    const ms = Number(timeNs - this.#stage.nowNs()) / 1e6
    if (ms > 0) await this.#stage.clock.sleep(ms, never)
  }

  async #end(
    how: 'KILL' | 'LEAVE',
    worker: StagedWorker,
    call: () => Promise<void>,
  ): Promise<void> {
    this.#toldToEnd.set(worker, how)
    await this.#told(how, worker.id, call)
  }

  /** An event that lasts as long as the call. */
  async #told<T>(event: ActorEventName, id: ActorId, call: () => Promise<T>): Promise<T> {
    const fromNs = this.#stage.nowNs()
    const result = await call()
    this.#events.push({ event, ...id, fromNs, toNs: this.#stage.nowNs() })
    return result
  }
}

/** What is not told is taken for something: nobody can say that it is empty. */
function leftIn({ waiting, inFlight, scheduled }: DepthSample): number {
  return [waiting, inFlight, scheduled].reduce<number>(
    (sum, count) => sum + (count === 'unknown' ? 1 : count),
    0,
  )
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6))
}
