import type { Clock } from '../../core/clock.ts'
import type { Contract } from '../../core/contract.ts'
import type { Driver } from '../../core/driver.ts'
import type { Bus } from '../../runtime/api.ts'
import { createBus } from '../../runtime/bus.ts'
import { seededRandom } from '../../runtime/random.ts'
import { faulty } from '../../testing/simulation/faulty.ts'
import { Network } from '../../testing/simulation/network.ts'
import { Process } from '../../testing/simulation/process.ts'
import { actorLabel } from '../actor/actorLabel.ts'
import { codeNames, type Place } from '../actor/place.ts'
import { produce } from '../actor/producer.ts'
import { relay } from '../actor/relay.ts'
import { work } from '../actor/worker.ts'
import { actorName } from '../checker/intervals.ts'
import type { ActorId, LedgerFile } from '../evidence/evidence.ts'
import { openChannel } from '../openChannel.ts'
import type { RunPlan } from '../plan.ts'
import { MemoryLedger } from './memoryLedger.ts'
import type { Ending, Stage, StagedActor, StagedProducer, StagedWorker } from './stage.ts'

const calm = { latencyMsMax: 0, replyLost: 0, refused: 0, unknown: 0 }

interface Connected {
  readonly process: Process
  readonly bus: Bus
  readonly place: Place
  readonly ledger: MemoryLedger
}

/** All actors in this process; one that is killed is dropped. On a virtual clock a run is over at once. */
export class InProcessStage implements Stage {
  readonly clock: Clock
  /** It lives on beside the processes that die here. */
  readonly broker = null
  readonly isStoreShared = false
  readonly network = null
  readonly cpu = null
  readonly #plan: RunPlan
  readonly #driver: Driver
  readonly #ledgers: MemoryLedger[] = []
  readonly #processes: Process[] = []

  constructor(plan: RunPlan, driver: Driver, clock: Clock) {
    this.#plan = plan
    this.#driver = driver
    this.clock = clock
  }

  nowNs(): bigint {
    return BigInt(Math.round(this.clock.monotonicMs() * 1e6))
  }

  async worker(id: ActorId, group: string | null): Promise<StagedWorker> {
    const connected = await this.#connect(id, group)
    const { process, bus, place } = connected
    const { run, load } = this.#plan
    const { promise: probed, resolve } = Promise.withResolvers<void>()
    const subscription = work(
      {
        ...{ channel: openChannel(bus, this.#plan.channel), run, group },
        concurrency: load.concurrency,
        handlerMs: id.actor === 0 ? load.handlerMs * load.slowFactor : load.handlerMs,
        probed: resolve,
        async die() {
          process.kill()
          return await new Promise<never>(() => {})
        },
      },
      place,
    )
    await subscription.ready()
    return { ...staged(id, connected, async () => void (await subscription.drain())), probed }
  }

  async relay(id: ActorId): Promise<StagedActor> {
    const connected = await this.#connect(id, null)
    const { name: channel, leaseMs } = this.#plan.channel
    const job = { channel, leaseMs, run: this.#plan.run }
    const running = await relay(connected.bus, job, connected.place)
    return staged(id, connected, () => running.close())
  }

  async producer(id: ActorId): Promise<StagedProducer> {
    const connected = await this.#connect(id, null)
    const { bus, place } = connected
    const { run, load, seed } = this.#plan
    const channel = openChannel(bus, this.#plan.channel)
    const whose = { producer: id.actor, incarnation: id.incarnation }
    const halting = new AbortController()
    const actor = staged(id, connected, async () => halting.abort())
    return {
      ...actor,
      async send(zeroNs, resumed) {
        const halted = halting.signal
        const job = { channel, load, seed, run, ...whose, zeroNs, resumed, halted }
        const end = await Promise.race([produce(job, place), actor.ended])
        if (end !== 'killed' && !halted.aborted) await actor.leave()
      },
    }
  }

  async connect(): Promise<Bus> {
    return await this.#bus(this.#process('lab'))
  }

  book(id: ActorId, group: string | null): Place {
    return this.#place(this.#process(actorName(id)), this.#ledger(id, group))
  }

  /** The store lives on beside the processes that die here. */
  contract(found: Contract): Contract {
    return { ...found, survives: { ...found.survives, 'worker-crash': 'yes' } }
  }

  async ledgers(): Promise<LedgerFile[]> {
    return this.#ledgers.map((ledger) => ledger.file())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) process.kill()
  }

  async #connect(id: ActorId, group: string | null): Promise<Connected> {
    const process = this.#process(actorName(id))
    const ledger = this.#ledger(id, group)
    const bus = await this.#bus(process, actorLabel(id))
    return { process, bus, ledger, place: this.#place(process, ledger) }
  }

  #process(name: string): Process {
    const process = new Process(name, this.clock)
    this.#processes.push(process)
    return process
  }

  async #bus(process: Process, name?: string): Promise<Bus> {
    const { seed } = this.#plan
    const random = seededRandom(seed + this.#processes.length)
    const driver = faulty(this.#driver, process, new Network(this.clock, random, calm))
    return await createBus(driver, { clock: process.clock, seed, ...(name && { name }) })
  }

  #ledger(id: ActorId, group: string | null): MemoryLedger {
    const ledger = new MemoryLedger({ ...id, pid: 1, group, codes: codeNames })
    this.#ledgers.push(ledger)
    return ledger
  }

  #place(process: Process, ledger: MemoryLedger): Place {
    return {
      clock: process.clock,
      nowNs: () => this.nowNs(),
      write: (entry, timeNs) => {
        if (!process.isDead) ledger.write(entry, timeNs)
      },
    }
  }
}

function staged(
  id: ActorId,
  { process, bus, ledger }: Connected,
  drain: () => Promise<void>,
): StagedActor {
  const { promise: ended, resolve: end } = Promise.withResolvers<Ending>()
  process.onKill(() => end('killed'))
  return {
    id,
    ended,
    kill: async () => process.kill(),
    async leave() {
      await drain()
      await bus.close()
      end('well')
    },
    freeze: () => process.freeze(),
    thaw: () => process.thaw(),
    block: () => process.freeze(), // and whoever blocked it thaws it
    ledger: async () => ledger.file(),
  }
}
