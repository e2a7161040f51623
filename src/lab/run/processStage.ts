import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '../../connect.ts'
import { systemClock } from '../../core/clock.ts'
import type { Contract } from '../../core/contract.ts'
import type { Bus } from '../../runtime/api.ts'
import { codeNames, type Place } from '../actor/place.ts'
import { eachRecord } from '../checker/recordCursor.ts'
import type { ActorId, LedgerFile } from '../evidence/evidence.ts'
import { Ledger } from '../evidence/ledger.ts'
import { readLedgers } from '../evidence/readLedgers.ts'
import { recordTypes } from '../evidence/record.ts'
import { ledgerName } from '../evidence/sidecar.ts'
import type { RunPlan } from '../plan.ts'
import { ActorProcess } from './actorProcess.ts'
import type { Stage, StagedProducer, StagedWorker } from './stage.ts'

const { recv, done } = recordTypes
const thrown = recordTypes.throw
/** By then a worker has drained, or never will. */
const leaveMsMax = 15_000

/** Each actor in a process of its own, on real time, with a ledger that outlives it. */
export class ProcessStage implements Stage, AsyncDisposable {
  readonly clock = systemClock
  readonly #plan: RunPlan
  readonly #url: string
  readonly #folder: string
  readonly #actors: ActorProcess[] = []
  readonly #own: Ledger[] = []
  #isOver = false

  /** `folder`: for ledgers; it is there, and empty. */
  constructor(plan: RunPlan, url: string, folder: string) {
    this.#plan = plan
    this.#url = url
    this.#folder = folder
  }

  nowNs(): bigint {
    return process.hrtime.bigint()
  }

  async worker(id: ActorId): Promise<StagedWorker> {
    const actor = await this.#start(id)
    return {
      id,
      ended: actor.ended,
      inHand: () => this.#inHand(id),
      kill: () => actor.end('SIGKILL'),
      async leave() {
        const late = setTimeout(() => void actor.end('SIGKILL'), leaveMsMax)
        await actor.end('SIGTERM')
        clearTimeout(late)
      },
    }
  }

  async producer(id: ActorId): Promise<StagedProducer> {
    const actor = await this.#start(id)
    return {
      async send(zeroNs) {
        actor.say({ kind: 'send', zeroNs })
        await actor.succeeded()
      },
    }
  }

  async observer(id: ActorId): Promise<{ bus: Bus; place: Place }> {
    const sidecar = { ...id, pid: process.pid, group: null, codes: codeNames }
    const ledger = new Ledger(this.#folder, sidecar)
    this.#own.push(ledger)
    const place: Place = {
      clock: this.clock,
      nowNs: () => this.nowNs(),
      write: (entry, timeNs) => ledger.write(entry, timeNs),
    }
    return { bus: await connect(this.#url, { name: 'lab' }), place }
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
    await Promise.all(this.#actors.map((actor) => actor.end('SIGKILL')))
    for (const ledger of this.#own) ledger[Symbol.dispose]()
  }

  async #start(id: ActorId): Promise<ActorProcess> {
    if (this.#isOver) throw new Error(`lab: ${ledgerName(id)} was to start when the run was over`)
    const job = { id, url: this.#url, plan: this.#plan, ledgers: this.#folder }
    const actor = new ActorProcess(job)
    this.#actors.push(actor) // it is to be ended also when it never becomes ready
    await actor.ready()
    return actor
  }

  /** As its ledger says; a message may have come or gone since. */
  async #inHand(id: ActorId): Promise<number> {
    const bytes = await readFile(join(this.#folder, `${ledgerName(id)}.bin`))
    let count = 0
    eachRecord(bytes, 0n, ({ type }) => {
      if (type === recv) count++
      else if (type === done || type === thrown) count--
    })
    return count
  }
}
