import type { WorkerRef } from '../../core/channel.ts'
import type { Driver, Lead, Live, SendOutcome } from '../../core/driver.ts'
import type { OutgoingMessage } from '../../core/message.ts'
import type { Relay, RelayDecision } from '../../runtime/live/relayApi.ts'
import { Tally } from './happenings.ts'
import type { Process } from './process.ts'

/** What really happened at the store of a narrowcast, and in the handlers of its workers. */
export class RelayBook {
  readonly problems: string[] = []
  readonly trace: string[] = []
  readonly tally = new Tally()
  readonly #nowMs: () => number
  readonly #isTraced: boolean
  readonly #handed = new Map<string, WorkerRef>()
  readonly #ran = new Set<string>()
  #leads: Process | null = null

  constructor(nowMs: () => number, isTraced: boolean) {
    this.#nowMs = nowMs
    this.#isTraced = isTraced
  }

  note(text: () => string): void {
    if (this.#isTraced) this.trace.push(`${this.#nowMs()} ms: ${text()}`)
  }

  problem(text: string): void {
    this.problems.push(`${this.#nowMs()} ms: ${text}`)
  }

  granted(process: Process): void {
    this.note(() => `${process.name} leads`)
    if (this.#leads !== null && this.#leads !== process) this.tally.add('a relay takes over')
    this.#leads = process
  }

  sent(process: Process, { id }: OutgoingMessage, to: WorkerRef, outcome: SendOutcome): void {
    this.note(() => `${process.name} sends ${id} to ${to.id}: ${outcome}`)
    if (outcome === 'fenced') this.tally.add('a relay is fenced')
    if (outcome !== 'handed') return
    const before = this.#handed.get(id)
    if (before) this.problem(`message ${id} was given to ${before.id}, and to ${to.id}`)
    this.#handed.set(id, to)
    if (this.#leads === process) return
    this.problem(`${process.name} gave ${id} to ${to.id}, though ${this.#leads?.name} leads`)
  }

  decided({ kind }: RelayDecision): void {
    if (kind === 'rerouted') this.tally.add('a message is sent to another worker')
    if (kind === 'no-worker') this.tally.add('a message finds no worker')
  }

  runs(process: Process, id: string): void {
    this.note(() => `${process.name} runs ${id}`)
    if (this.#ran.has(id)) this.problem(`message ${id} ran twice`)
    if (!this.#handed.has(id)) this.problem(`message ${id} ran, and nobody had sent it`)
    this.#ran.add(id)
  }

  /** A relay has come to its end: its books must add up. */
  closed(process: Process, { counts }: Relay): void {
    const { taken, routed, unknown, noWorker, held, dropped } = counts
    if (taken === routed + unknown + noWorker + held + dropped) return
    this.problem(`the books of ${process.name} do not add up: ${JSON.stringify(counts)}`)
  }
}

/** The store as one process has it, with every grant and every send noted before any network. */
export function witnessedLive(driver: Driver, process: Process, book: RelayBook): Driver {
  return {
    name: driver.name,
    contracts: driver.contracts,
    async open(on, signal) {
      const session = await driver.open(on, signal)
      const live = session.live as Required<Live>
      return {
        info: session.info,
        admin: session.admin,
        contract: (channel, abort) => session.contract(channel, abort),
        publisher: (channel, abort) => session.publisher(channel, abort),
        source: (channel, reader, events, abort) => session.source(channel, reader, events, abort),
        live: {
          subscribe: (channel, subscriber, events, abort) =>
            live.subscribe(channel, subscriber, events, abort),
          workers: (channel, abort) => live.workers(channel, abort),
          async send(channel, batch, lead, abort) {
            const outcomes = await live.send(channel, batch, lead, abort)
            for (const [n, { to, message }] of batch.entries()) {
              book.sent(process, message, to, outcomes[n] as SendOutcome)
            }
            return outcomes
          },
          async lead(channel, candidate, events, abort): Promise<Lead> {
            const lead = await live.lead(channel, candidate, events, abort)
            book.granted(process)
            return lead
          },
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}
