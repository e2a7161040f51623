import { connect } from '../../connect.ts'
import { systemClock } from '../../core/clock.ts'
import type { Contract } from '../../core/contract.ts'
import { parseBrokerUrl } from '../../core/url.ts'
import type { Bus } from '../../runtime/api.ts'
import { codeNames, type Place } from '../actor/place.ts'
import type { Resumed } from '../actor/producer.ts'
import type { ActorId, LedgerFile } from '../evidence/evidence.ts'
import { Ledger } from '../evidence/ledger.ts'
import { readLedger, readLedgers } from '../evidence/readLedgers.ts'
import { ledgerName } from '../evidence/sidecar.ts'
import { CpuWatch } from '../instrument/cpuWatch.ts'
import type { RunPlan } from '../plan.ts'
import { ActorProcess } from './actorProcess.ts'
import type { ProxiedNetwork } from './proxiedNetwork.ts'
import type { Stage, StagedActor, StagedBroker, StagedProducer, StagedWorker } from './stage.ts'

/** By then an actor has drained, or never will. */
const leaveMsMax = 15_000

/** Each actor in a process of its own, on real time, with a ledger that outlives it. */
export class ProcessStage implements Stage {
  readonly clock = systemClock
  readonly isStoreShared: boolean
  readonly broker: StagedBroker | null
  readonly network: ProxiedNetwork | null
  readonly cpu = new CpuWatch()
  readonly #plan: RunPlan
  readonly #url: string
  readonly #folder: string
  readonly #actors: ActorProcess[] = []
  readonly #own: Ledger[] = []
  #isOver = false

  /**
   * `folder`: for ledgers; it is there, and empty. `broker`: null where it is not ours to end.
   * `network`: ends with the stage.
   */
  constructor(
    plan: RunPlan,
    url: string,
    folder: string,
    broker: StagedBroker | null = null,
    network: ProxiedNetwork | null = null,
  ) {
    this.#plan = plan
    this.#url = url
    this.isStoreShared = parseBrokerUrl(url).scheme === 'file'
    this.#folder = folder
    this.broker = broker
    this.network = network
    this.cpu.add('lab', () => process.pid)
    if (network) this.cpu.add('proxy', () => network.pid)
    if (broker) this.cpu.add('broker', () => broker.pid)
  }

  nowNs(): bigint {
    return process.hrtime.bigint()
  }

  async worker(id: ActorId, group: string | null): Promise<StagedWorker> {
    const actor = await this.#start(id, group)
    return { ...this.#staged(id, actor), probed: actor.probed }
  }

  async relay(id: ActorId): Promise<StagedActor> {
    return this.#staged(id, await this.#start(id, null))
  }

  async producer(id: ActorId): Promise<StagedProducer> {
    const actor = await this.#start(id, null)
    return {
      ...this.#staged(id, actor),
      async send(zeroNs: bigint, resumed: Resumed) {
        actor.say({ kind: 'send', zeroNs, resumed })
        await actor.succeeded()
      },
    }
  }

  async connect(): Promise<Bus> {
    return await connect(this.#url, { name: 'lab' })
  }

  book(id: ActorId, group: string | null): Place {
    const sidecar = { ...id, pid: process.pid, group, codes: codeNames }
    const ledger = new Ledger(this.#folder, sidecar)
    this.#own.push(ledger)
    return {
      clock: this.clock,
      nowNs: () => this.nowNs(),
      write: (entry, timeNs) => ledger.write(entry, timeNs),
    }
  }

  contract(found: Contract): Contract {
    return found
  }

  ledgers(): Promise<LedgerFile[]> {
    return readLedgers(this.#folder)
  }

  /** Nothing that was started here runs on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    this.cpu[Symbol.dispose]()
    await Promise.all(this.#actors.map((actor) => actor.end('SIGKILL')))
    await this.network?.[Symbol.asyncDispose]()
    for (const ledger of this.#own) ledger[Symbol.dispose]()
  }

  async #start(id: ActorId, group: string | null): Promise<ActorProcess> {
    if (this.#isOver) throw new Error(`lab: ${ledgerName(id)} was to start when the run was over`)
    const { url, enter } = (await this.network?.wayOf(id)) ?? { url: this.#url, enter: [] }
    const job = { id, group, url, plan: this.#plan, ledgers: this.#folder }
    const actor = new ActorProcess(job, enter)
    this.#actors.push(actor) // it is to be ended also when it never becomes ready
    await actor.ready()
    this.cpu.add(id.role, () => actor.pid)
    return actor
  }

  #staged(id: ActorId, actor: ActorProcess): StagedActor {
    return {
      id,
      ended: actor.ended,
      kill: () => actor.end('SIGKILL'),
      async leave() {
        const late = setTimeout(() => void actor.end('SIGKILL'), leaveMsMax)
        await actor.end('SIGTERM')
        clearTimeout(late)
      },
      freeze: () => actor.signal('SIGSTOP'),
      thaw: () => actor.signal('SIGCONT'),
      block: (forMs) => actor.say({ kind: 'block', forMs }),
      ledger: () => readLedger(this.#folder, ledgerName(id)),
    }
  }
}
