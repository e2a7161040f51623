import { fromTheBeginning, type Resumed } from '../actor/producer.ts'
import type { ActorId } from '../evidence/evidence.ts'
import { groupsOf } from '../openChannel.ts'
import type { RunPlan } from '../plan.ts'
import type { Chronicle } from './chronicle.ts'
import { inHand, lastNs, resumedFrom } from './ledgerReading.ts'
import type { Pace } from './pace.ts'
import type { Ending, Stage, StagedActor, StagedProducer, StagedWorker } from './stage.ts'

/** Two, so that one stands by. */
const relays = 2
const restartAfterMs = 500

/** Who lives: starts actors, ends them, and writes down both. */
export class Cast {
  readonly #plan: RunPlan
  readonly #stage: Stage
  readonly #pace: Pace
  readonly #chronicle: Chronicle
  readonly #workers = new Map<number, StagedWorker>()
  /** Those that are about to be among them, by role and number. */
  readonly #starting = new Map<string, Promise<unknown>>()
  readonly #relays = new Map<number, StagedActor>()
  readonly #producers = new Map<number, StagedProducer>()
  readonly #told = new Map<StagedActor, 'KILL' | 'LEAVE'>()
  readonly #frozen = new Set<StagedActor>()
  /** How often each actor has started. */
  readonly #starts = new Map<string, number>()
  /** Producers that were ended before their time, until they are to start anew. */
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>()
  #isLeaving = false
  #isHalted = false

  constructor(plan: RunPlan, stage: Stage, pace: Pace, chronicle: Chronicle) {
    this.#plan = plan
    this.#stage = stage
    this.#pace = pace
    this.#chronicle = chronicle
  }

  /** Those that live, do not stand still, and are not about to end. */
  get workers(): readonly StagedWorker[] {
    const isFree = (one: StagedWorker) => !this.#frozen.has(one) && !this.#told.has(one)
    return [...this.#workers.values()].filter(isFree)
  }

  get producers(): readonly StagedProducer[] {
    return [...this.#producers.values()]
  }

  /** All that are there, whatever is done to them. */
  get everybody(): readonly StagedActor[] {
    return [...this.producers, ...this.#workers.values(), ...this.#relays.values()]
  }

  /** The one that has written down a decision last. */
  async leadingRelay(): Promise<StagedActor | null> {
    let leading: { relay: StagedActor; ns: bigint } | null = null
    for (const relay of this.#relays.values()) {
      const ns = lastNs(await relay.ledger()) ?? -1n
      if (leading === null || ns > leading.ns) leading = { relay, ns }
    }
    return leading?.relay ?? null
  }

  async startRelays(): Promise<void> {
    const { pattern, via } = this.#plan.channel
    if (pattern !== 'narrowcast' || via !== 'relay') return
    // One after the other: the first one leads.
    for (let actor = 0; actor < relays; actor++) await this.#startRelay(actor)
  }

  /** Anew, in the place of one that has ended. */
  async start({ role, actor }: ActorId): Promise<void> {
    if (role === 'producer') this.#goOn(actor)
    else await (role === 'relay' ? this.#startRelay(actor) : this.#startWorker(actor))
  }

  async #startRelay(actor: number): Promise<void> {
    const id = this.#next('relay', actor)
    await this.#start(`relay ${actor}`, async () => {
      const relay = await this.#chronicle.told('READY', id, () => this.#stage.relay(id))
      this.#joined(this.#relays, relay)
    })
  }

  /** Those that are not there. */
  async startWorkers(): Promise<void> {
    this.#isLeaving = false
    const groups = groupsOf(this.#plan.channel).length
    const numbers = Array.from({ length: this.#plan.load.workers * groups }, (_, actor) => actor)
    await this.#pace.all(numbers.map((actor) => this.#startWorker(actor)))
  }

  /** One that is there, or about to be, is not started again. */
  async #startWorker(actor: number): Promise<void> {
    if (this.#workers.has(actor)) return
    const name = `worker ${actor}`
    await (this.#starting.get(name) ?? this.#start(name, () => this.#newWorker(actor)))
  }

  async #newWorker(actor: number): Promise<void> {
    const groups = groupsOf(this.#plan.channel)
    const group = groups[actor % groups.length] as string | null
    const id = this.#next('worker', actor)
    const worker = await this.#chronicle.told('SUBSCRIBED', id, () => this.#stage.worker(id, group))
    this.#joined(this.#workers, worker)
  }

  #start<T>(name: string, starts: () => Promise<T>): Promise<T> {
    const starting = starts().finally(() => this.#starting.delete(name))
    this.#starting.set(name, starting)
    return starting
  }

  /** All of them are connected, and have been told nothing yet. */
  async startProducers(): Promise<void> {
    const { producers } = this.#plan.load
    const numbers = Array.from({ length: producers }, (_, actor) => actor)
    await this.#pace.all(numbers.map((actor) => this.#startProducer(actor)))
  }

  /** Everything of the plan, over as many starts of each producer as it takes. */
  async sendAll(zeroNs: bigint): Promise<void> {
    await this.#pace.all([...this.#producers.values()].map((one) => this.#sendAll(one, zeroNs)))
  }

  /** They send nothing new. Resolves when what is open was answered. */
  async haltProducers(): Promise<void> {
    this.#isHalted = true
    await this.#pace.all([...this.#producers.values()].map((one) => this.#end('LEAVE', one)))
  }

  async kill(actor: StagedActor): Promise<void> {
    if (actor.id.role === 'producer') this.#hold(actor.id.actor)
    await this.#end('KILL', actor)
  }

  async leave(actor: StagedActor): Promise<void> {
    await this.#end('LEAVE', actor)
  }

  /** The workers, and with them nobody who still has something to route to them. */
  async leaveWorkers(): Promise<void> {
    this.#isLeaving = true
    await this.#pace.all([...this.#starting.values()])
    await this.#pace.all([...this.#workers.values()].map((one) => this.leave(one)))
  }

  async leaveRelays(): Promise<void> {
    await this.#pace.all([...this.#relays.values()].map((one) => this.leave(one)))
  }

  /** Ends every process at once, as whoever embeds its broker ends with it. */
  async endAll(how: 'KILL' | 'LEAVE'): Promise<void> {
    this.#isLeaving = true
    await this.#pace.all([...this.#starting.values()])
    for (const { id } of this.producers) this.#hold(id.actor)
    await this.#pace.all(this.everybody.map((one) => this.#end(how, one)))
  }

  async startAll(): Promise<void> {
    await this.startRelays()
    await this.startWorkers()
    for (const actor of [...this.#waiting.keys()]) this.#goOn(actor)
  }

  async freeze(actor: StagedActor): Promise<void> {
    this.#frozen.add(actor)
    await this.#chronicle.told('STOP', actor.id, () => actor.freeze())
  }

  async thaw(actor: StagedActor): Promise<void> {
    await this.#chronicle.told('CONT', actor.id, () => actor.thaw())
    this.#frozen.delete(actor)
  }

  async block(actor: StagedActor, forMs: number): Promise<void> {
    this.#frozen.add(actor)
    await this.#chronicle.told('BLOCK', actor.id, () => actor.block(forMs))
  }

  async unblock(actor: StagedActor): Promise<void> {
    await this.#chronicle.told('UNBLOCK', actor.id, () => actor.thaw())
    this.#frozen.delete(actor)
  }

  /** The one with the most in hand; where several have as much, the first. */
  async busiest(): Promise<StagedWorker | null> {
    const found = await Promise.all(
      this.workers.map(async (worker) => ({ worker, inHand: inHand(await worker.ledger()) })),
    )
    const most = Math.max(...found.map((one) => one.inHand))
    return found.find((one) => one.inHand === most)?.worker ?? null
  }

  /** Bytes in the ledgers of the workers that live. */
  async written(): Promise<number> {
    const ledgers = await Promise.all([...this.#workers.values()].map((one) => one.ledger()))
    return ledgers.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  #next(role: ActorId['role'], actor: number): ActorId {
    const name = `${role} ${actor}`
    const incarnation = this.#starts.get(name) ?? 0
    this.#starts.set(name, incarnation + 1)
    return { role, actor, incarnation }
  }

  async #startProducer(actor: number): Promise<StagedProducer> {
    const id = this.#next('producer', actor)
    return await this.#start(`producer ${actor}`, async () => {
      const producer = await this.#chronicle.told('READY', id, () => this.#stage.producer(id))
      this.#joined(this.#producers, producer)
      return producer
    })
  }

  async #sendAll(first: StagedProducer, zeroNs: bigint): Promise<void> {
    let resumed: Resumed = fromTheBeginning
    for (let one = first; ; one = await this.#startProducer(one.id.actor)) {
      await one.send(zeroNs, resumed)
      await one.ended
      const waiting = this.#waiting.get(one.id.actor)
      if (!waiting) return
      resumed = resumedFrom(await one.ledger(), resumed)
      await this.#pace.all([waiting.promise])
      if (this.#isHalted) return
    }
  }

  #hold(producer: number): void {
    this.#waiting.set(producer, Promise.withResolvers())
  }

  #goOn(producer: number): void {
    this.#waiting.get(producer)?.resolve()
    this.#waiting.delete(producer)
  }

  async #end(how: 'KILL' | 'LEAVE', actor: StagedActor): Promise<void> {
    this.#told.set(actor, how)
    const call = () => (how === 'KILL' ? actor.kill() : actor.leave())
    await this.#chronicle.told(how, actor.id, call)
  }

  #joined<T extends StagedActor>(living: Map<number, T>, one: T): void {
    living.set(one.id.actor, one)
    const left = one.ended.then(async (ending) => {
      if (living.get(one.id.actor) === one) living.delete(one.id.actor)
      await this.#ended(one, ending)
    })
    left.catch((error: unknown) => this.#pace.breakOff(error))
  }

  async #ended(one: StagedActor, ending: Ending): Promise<void> {
    if (this.#pace.isBroken) return // whoever ends them all ended it
    const told = this.#told.get(one)
    const { role, actor } = one.id
    if (told === 'KILL' || (told === 'LEAVE' && ending === 'well')) return
    if (role === 'producer' && ending === 'well') return
    const toNs = this.#pace.nowNs()
    const fromNs = lastNs(await one.ledger()) ?? toNs
    const isKiller = role === 'worker' && ending === 'killed' && this.#plan.load.killers > 0
    this.#chronicle.note({ event: isKiller ? 'KILL' : 'EXIT', ...one.id, fromNs, toNs })
    if (!isKiller || this.#isLeaving) return
    await this.#pace.sleep(restartAfterMs)
    if (!this.#isLeaving) await this.#startWorker(actor)
  }
}
