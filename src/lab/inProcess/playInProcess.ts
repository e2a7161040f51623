import type { ChannelRef } from '../../core/channel.ts'
import type { DeadEntry, Driver, Page, Stored } from '../../core/driver.ts'
import type { Bus, Channel, Subscription } from '../../runtime/api.ts'
import { createBus } from '../../runtime/bus.ts'
import { seededRandom } from '../../runtime/random.ts'
import { faulty } from '../../testing/simulation/faulty.ts'
import { Network } from '../../testing/simulation/network.ts'
import { Process } from '../../testing/simulation/process.ts'
import { type VirtualClock, virtualClock } from '../../testing/virtualClock.ts'
import { codeNames, type Place } from '../actor/place.ts'
import { produce } from '../actor/producer.ts'
import { work } from '../actor/worker.ts'
import { actorName } from '../checker/intervals.ts'
import type {
  ActorEventName,
  ActorId,
  DepthSample,
  Evidence,
  LabEvent,
} from '../evidence/evidence.ts'
import { identityOfId } from '../identity.ts'
import type { Load } from '../load.ts'
import { type RunTerms, termsOf } from '../termsOf.ts'
import { MemoryLedger } from './memoryLedger.ts'

/** What happens on a queue in memory, in one process and on virtual time, so that it is over at once. */
export interface InProcessPlan {
  readonly load: Load
  readonly seed: number
  readonly leaseMs: number
  readonly attempts: number
  readonly dedupeWindowMs: number | null
  readonly order: 'none' | 'key'
  /** Each kills one worker, in turn, so long after time zero; it starts anew. */
  readonly killsAtMs: readonly number[]
  /** The broker that actors connect to. */
  broker(clock: VirtualClock): Driver
}

export interface Played {
  readonly evidence: Evidence
  readonly run: RunTerms
}

const channelName = 'lab'
const channelRef: ChannelRef = { name: channelName, pattern: 'queue' }
const pageSize = 1_000
const run = { name: 'r1', number: 1n }
const untilZeroMs = 500
const restartAfterMs = 500
const drainMsMax = 60_000
const pollMs = 100
const calm = { latencyMsMax: 0, replyLost: 0, refused: 0, unknown: 0 }
const never = new AbortController().signal

/** Plays a plan to its end: everything is sent, everybody drains, and what is left is looked at. */
export async function playInProcess(plan: InProcessPlan): Promise<Played> {
  const clock = virtualClock()
  return await clock.runUntil(new Play(plan, clock).play())
}

interface Worker {
  readonly id: ActorId
  readonly process: Process
  readonly bus: Bus
  readonly subscription: Subscription
}

class Play {
  readonly #plan: InProcessPlan
  readonly #clock: VirtualClock
  readonly #broker: Driver
  readonly #ledgers: MemoryLedger[] = []
  readonly #events: LabEvent[] = []
  readonly #depth: DepthSample[] = []
  /** Those that live, by number. */
  readonly #workers: Worker[] = []
  /** How often each number has started. */
  readonly #starts: number[] = []
  #connected = 0

  constructor(plan: InProcessPlan, clock: VirtualClock) {
    this.#plan = plan
    this.#clock = clock
    this.#broker = plan.broker(clock)
  }

  async play(): Promise<Played> {
    await this.#startWorkers()
    const zeroMs = this.#clock.monotonicMs() + untilZeroMs
    const producers = Array.from({ length: this.#plan.load.producers }, (_, producer) =>
      this.#produce(producer, zeroMs),
    )
    await Promise.all([...producers, this.#killAll(zeroMs)])
    await this.#leaveAll()
    await this.#startWorkers() // fresh and healthy ones
    const terms = await this.#empty()
    await this.#leaveAll()
    const ledgers = this.#ledgers.map((ledger) => ledger.file())
    return { evidence: { ledgers, events: this.#events, depth: this.#depth }, run: terms }
  }

  async #startWorkers(): Promise<void> {
    for (let worker = 0; worker < this.#plan.load.workers; worker++) {
      await this.#startWorker(worker)
    }
  }

  async #startWorker(actor: number): Promise<void> {
    const incarnation = this.#starts[actor] ?? 0
    this.#starts[actor] = incarnation + 1
    const id = { role: 'worker', actor, incarnation } as const
    const { process, bus, place } = await this.#connect(id)
    const { concurrency, handlerMs } = this.#plan.load
    const channel = this.#channel(bus)
    const subscription = work({ channel, run, concurrency, handlerMs }, place)
    await subscription.ready()
    this.#tell('SUBSCRIBED', id)
    this.#workers[actor] = { id, process, bus, subscription }
  }

  async #produce(producer: number, zeroMs: number): Promise<void> {
    const { load, seed } = this.#plan
    const id = { role: 'producer', actor: producer, incarnation: 0 } as const
    const { bus, place } = await this.#connect(id)
    const zeroNs = nanoseconds(zeroMs)
    const channel = this.#channel(bus)
    await produce({ channel, load, seed, run, producer, incarnation: 0, zeroNs }, place)
    await bus.close()
  }

  async #killAll(zeroMs: number): Promise<void> {
    for (const [at, killMs] of this.#plan.killsAtMs.entries()) {
      await this.#clock.sleep(zeroMs + killMs - this.#clock.monotonicMs(), never)
      const { id, process } = this.#workers[at % this.#workers.length] as Worker
      process.kill()
      this.#tell('KILL', id)
      await this.#clock.sleep(restartAfterMs, never)
      await this.#startWorker(id.actor)
    }
  }

  async #leaveAll(): Promise<void> {
    for (const { id, bus, subscription } of this.#workers) {
      this.#tell('LEAVE', id)
      await subscription.drain()
      await bus.close()
      this.#tell('EXIT', id)
    }
  }

  /** Waits until nothing is left and nothing comes, then writes down what is left all the same. */
  async #empty(): Promise<RunTerms> {
    const id = { role: 'deadReader', actor: 0, incarnation: 0 } as const
    const { bus, place } = await this.#connect(id)
    const contract = await this.#channel(bus).opened()
    const untilMs = this.#clock.monotonicMs() + drainMsMax
    while (this.#clock.monotonicMs() < untilMs && !(await isEmpty(bus))) {
      await this.#clock.sleep(pollMs, never)
    }
    await this.#clock.sleep(3 * this.#plan.leaseMs, never)
    await writeLeftovers(bus, place)
    this.#depth.push(await lastWords(bus, place.nowNs()))
    await bus.close()
    const { load, leaseMs, dedupeWindowMs, order } = this.#plan
    // The store lives on beside the processes that die here.
    const survives = { ...contract.survives, 'worker-crash': 'yes' } as const
    const inHandMax = 2 * load.concurrency
    const settings = { pattern: 'queue', leaseMs, inHandMax, dedupeWindowMs } as const
    return termsOf(
      { ...contract, survives },
      { ...settings, isRetentionReached: false, order, onFailure: 'skip' },
    )
  }

  async #connect(id: ActorId): Promise<{ process: Process; bus: Bus; place: Place }> {
    const process = new Process(actorName(id), this.#clock)
    const random = seededRandom(this.#plan.seed + ++this.#connected)
    const driver = faulty(this.#broker, process, new Network(this.#clock, random, calm))
    const bus = await createBus(driver, { clock: process.clock, seed: this.#plan.seed })
    const sidecar = { ...id, pid: 1, group: null, codes: codeNames }
    const ledger = new MemoryLedger(sidecar)
    this.#ledgers.push(ledger)
    const place: Place = {
      clock: process.clock,
      nowNs: () => nanoseconds(this.#clock.monotonicMs()),
      write: (entry, timeNs) => {
        if (!process.isDead) ledger.write(entry, timeNs)
      },
    }
    return { process, bus, place }
  }

  #channel(bus: Bus): Channel<Uint8Array> {
    const { leaseMs, attempts, dedupeWindowMs, order } = this.#plan
    return bus.queue(channelName, {
      ...{ codec: 'bytes', leaseMs, attempts, order, publish: { retry: false } },
      ...(dedupeWindowMs !== null && { dedupe: { on: 'publish', windowMs: dedupeWindowMs } }),
    })
  }

  #tell(event: ActorEventName, id: ActorId): void {
    const nowNs = nanoseconds(this.#clock.monotonicMs())
    this.#events.push({ event, ...id, fromNs: nowNs, toNs: nowNs })
  }
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6))
}

async function lastWords(bus: Bus, timeNs: bigint): Promise<DepthSample> {
  const [depth] = await bus.admin.depths([channelRef])
  if (!depth) throw new Error(`the broker does not know ${channelName} any more`)
  const { waiting, inFlight, scheduled, dead } = depth
  return { timeNs, group: null, waiting, inFlight, scheduled, dead, stored: depth.in }
}

async function isEmpty(bus: Bus): Promise<boolean> {
  const [depth] = await bus.admin.depths([channelRef])
  return depth?.waiting === 0 && depth.inFlight === 0 && depth.scheduled === 0
}

/** One record for each dead letter, and for each message that is still there. */
async function writeLeftovers(bus: Bus, place: Place): Promise<void> {
  let cursor: string | null = null
  do {
    const query = { cursor, limit: pageSize, newestFirst: false }
    const page: Page<DeadEntry> = await bus.admin.deadLetters(channelRef, null, query)
    for (const { message, letter } of page.items) {
      const about = identityOfId(run.name, message.id)
      if (about)
        place.write({ type: 'dead', message: about, count: letter.failures }, place.nowNs())
    }
    cursor = page.cursor
  } while (cursor !== null)
  do {
    const query = { cursor, limit: pageSize, newestFirst: false, from: 'first' } as const
    const page: Page<Stored> = await bus.admin.peek(channelRef, query)
    for (const { message } of page.items) {
      const about = identityOfId(run.name, message.id)
      if (about) place.write({ type: 'left', message: about }, place.nowNs())
    }
    cursor = page.cursor
  } while (cursor !== null)
}
