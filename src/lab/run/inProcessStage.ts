import type { Contract } from '../../core/contract.ts'
import type { Driver } from '../../core/driver.ts'
import type { Bus } from '../../runtime/api.ts'
import { createBus } from '../../runtime/bus.ts'
import { seededRandom } from '../../runtime/random.ts'
import { faulty } from '../../testing/simulation/faulty.ts'
import { Network } from '../../testing/simulation/network.ts'
import { Process } from '../../testing/simulation/process.ts'
import type { VirtualClock } from '../../testing/virtualClock.ts'
import { codeNames, type Place } from '../actor/place.ts'
import { produce } from '../actor/producer.ts'
import { work } from '../actor/worker.ts'
import { actorName } from '../checker/intervals.ts'
import type { ActorId, LedgerFile } from '../evidence/evidence.ts'
import { openChannel, type RunPlan } from '../plan.ts'
import { MemoryLedger } from './memoryLedger.ts'
import type { Stage, StagedProducer, StagedWorker } from './stage.ts'

const calm = { latencyMsMax: 0, replyLost: 0, refused: 0, unknown: 0 }

interface Connected {
  readonly process: Process
  readonly bus: Bus
  readonly place: Place
  readonly ledger: MemoryLedger
}

/** All actors in this process on virtual time, so that a run is over at once; one that is killed is dropped. */
export class InProcessStage implements Stage {
  readonly clock: VirtualClock
  readonly #plan: RunPlan
  readonly #broker: Driver
  readonly #ledgers: MemoryLedger[] = []

  constructor(plan: RunPlan, broker: Driver, clock: VirtualClock) {
    this.#plan = plan
    this.#broker = broker
    this.clock = clock
  }

  nowNs(): bigint {
    return BigInt(Math.round(this.clock.monotonicMs() * 1e6))
  }

  async worker(id: ActorId): Promise<StagedWorker> {
    const { process, bus, place, ledger } = await this.#connect(id)
    const { run, load } = this.#plan
    const { concurrency, handlerMs } = load
    const channel = openChannel(bus, this.#plan.channel)
    const subscription = work({ channel, run, concurrency, handlerMs }, place)
    await subscription.ready()
    const { promise: ended, resolve: end } = Promise.withResolvers<boolean>()
    process.onKill(() => end(false))
    return {
      id,
      ended,
      inHand: async () => ledger.inHand,
      kill: async () => process.kill(),
      leave: async () => {
        await subscription.drain()
        await bus.close()
        end(true)
      },
    }
  }

  async producer(id: ActorId): Promise<StagedProducer> {
    const { bus, place } = await this.#connect(id)
    const { run, load, seed } = this.#plan
    const channel = openChannel(bus, this.#plan.channel)
    const whose = { producer: id.actor, incarnation: id.incarnation }
    return {
      async send(zeroNs) {
        await produce({ channel, load, seed, run, ...whose, zeroNs }, place)
        await bus.close()
      },
    }
  }

  observer(id: ActorId): Promise<Connected> {
    return this.#connect(id)
  }

  /** The store lives on beside the processes that die here. */
  contract(found: Contract): Contract {
    return { ...found, survives: { ...found.survives, 'worker-crash': 'yes' } }
  }

  async ledgers(): Promise<LedgerFile[]> {
    return this.#ledgers.map((ledger) => ledger.file())
  }

  async #connect(id: ActorId): Promise<Connected> {
    const process = new Process(actorName(id), this.clock)
    const { seed } = this.#plan
    const random = seededRandom(seed + this.#ledgers.length)
    const driver = faulty(this.#broker, process, new Network(this.clock, random, calm))
    const ledger = new MemoryLedger({ ...id, pid: 1, group: null, codes: codeNames })
    this.#ledgers.push(ledger)
    const bus = await createBus(driver, { clock: process.clock, seed })
    const place: Place = {
      clock: process.clock,
      nowNs: () => this.nowNs(),
      write: (entry, timeNs) => {
        if (!process.isDead) ledger.write(entry, timeNs)
      },
    }
    return { process, bus, place, ledger }
  }
}
