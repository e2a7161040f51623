import type { Driver } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { memory } from '../../drivers/memory/index.ts'
import { seededRandom } from '../../runtime/random.ts'
import { type VirtualClock, virtualClock } from '../virtualClock.ts'
import { check, type Published } from './check.ts'
import { faulty } from './faulty.ts'
import { Ledger } from './ledger.ts'
import { Member } from './member.ts'
import { calm, Network } from './network.ts'
import type { Outcome, SimulationWish } from './outcome.ts'
import { type Fault, longMs, type Plan, planOf, type Sent } from './plan.ts'
import { Process } from './process.ts'
import { witnessed } from './witnessed.ts'

/** Once nothing goes wrong any more, everything is worked off in this many leases. */
const leasesToDrain = 400

/** Runs the schedule of a seed. The same seed gives the same outcome. */
export async function simulate(seed: number, wish: SimulationWish = {}): Promise<Outcome> {
  const simulation = new Simulation(planOf(seed), wish)
  return simulation.run()
}

class Simulation {
  readonly plan: Plan
  readonly ledger: Ledger
  readonly published: Published[] = []
  readonly members: Member[] = []
  readonly #clock: VirtualClock
  readonly #random: () => number
  readonly #network: Network
  readonly #store: Driver
  readonly #never = new AbortController().signal
  readonly #closing: Promise<void>[] = []
  #isHealed = false
  #isOver = false
  #seeds: number
  readonly #hasBusPerChannel: boolean

  constructor(plan: Plan, { defect, isTraced = false, settle }: SimulationWish) {
    this.plan = plan
    this.#seeds = plan.seed * 1_000
    this.#clock = virtualClock(undefined, settle)
    this.#random = seededRandom(plan.seed ^ 0x5bd1e995)
    const store = memory({ clock: this.#clock })
    this.#hasBusPerChannel = defect?.hasBusPerChannel ?? false
    this.#store = defect?.make ? defect.make(store, this.#clock) : store
    const { attempts, deliveriesMax, backoff, worker, dedupe, leaseMs } = plan
    this.ledger = new Ledger({
      attempts,
      deliveriesMax,
      // A handler's own delay, or that of the policy; what is busy waits up to a lease.
      backoffMsMax: Math.max(backoff.delayMsMax, leaseMs),
      dedupeOnConsume: dedupe === 'consume',
      hasPolicy: worker !== 'deliveries',
      nowMs: () => this.#clock.monotonicMs(),
      isTraced,
    })
    this.#network = new Network(this.#clock, this.#random, plan.weather, this.ledger.tally)
  }

  async run(): Promise<Outcome> {
    const { ledger, plan } = this
    try {
      await this.#clock.runUntil(this.#live(), longMs)
      // Whoever was killed last is forgotten then, and handlers of what was given up have ended.
      await this.#clock.advance(4 * plan.leaseMs)
      ledger.problems.push(...(await check(this, this.#store)))
    } catch (error) {
      ledger.problem(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    const { problems, trace, tally } = ledger
    return { plan, problems, trace, tally, virtualMs: this.#clock.monotonicMs() }
  }

  async #live(): Promise<void> {
    const { groups, workersPerGroup, faults, activeMs, leaseMs, messages } = this.plan
    for (const group of groups) {
      for (let n = 0; n < workersPerGroup; n++) this.#spawnWorker(group)
    }
    const publishing = this.#publishAll(messages)
    for (const fault of faults) void this.#strike(fault)
    await this.#clock.sleep(activeMs, this.#never)
    this.#heal()
    await publishing
    // What a dead process had sent may still arrive.
    await this.#clock.sleep(2 * leaseMs, this.#never)
    for (let n = 0; !(this.#isDrained() || this.ledger.problems.length > 0); n++) {
      if (n > leasesToDrain) {
        ledgerEnds(this)
        break
      }
      await this.#clock.sleep(leaseMs, this.#never)
    }
    this.#isOver = true
    for (const member of this.#living()) this.#close(member)
    await Promise.all(this.#closing)
  }

  #close(member: Member, timeoutMs = longMs): void {
    const killed = Promise.withResolvers<void>()
    member.process.onKill(killed.resolve)
    this.#closing.push(Promise.race([member.close(timeoutMs), killed.promise]))
  }

  #isDrained(): boolean {
    const isAnswered = this.published.every(
      ({ answer, by }) => answer !== null || by.process.isDead,
    )
    return isAnswered && this.ledger.unended(this.plan.groups).length === 0
  }

  #heal(): void {
    this.#isHealed = true
    this.#network.weather = calm
    this.#network.isDown = false
    for (const { process } of this.members) process.thaw()
  }

  #living(): Member[] {
    return this.members.filter(({ process, isClosing }) => !process.isDead && !isClosing)
  }

  #spawn(role: Member['role'], group: string | null): Member {
    const process = new Process(`${role}-${this.members.length}`, this.#clock)
    const driver = faulty(witnessed(this.#store, process, this.ledger), process, this.#network)
    const member = new Member(
      { process, driver, role, group, hasBusPerChannel: this.#hasBusPerChannel },
      this.plan,
      this.ledger,
      this.#seeds++,
    )
    this.members.push(member)
    return member
  }

  /** A worker that is killed comes back after a while. */
  #spawnWorker(group: string | null): void {
    const member = this.#spawn('worker', group)
    const pauseMs = Math.floor(this.#random() * this.plan.leaseMs)
    member.process.onKill(() => {
      void this.#clock.sleep(pauseMs, this.#never).then(() => {
        if (!this.#isOver) this.#spawnWorker(group)
      })
    })
    void member.work()
  }

  async #publishAll(messages: readonly Sent[]): Promise<void> {
    let member = this.#spawn('publisher', null)
    for (const sent of messages.toSorted((a, b) => a.atMs - b.atMs)) {
      const waitMs = sent.atMs - this.#clock.monotonicMs()
      if (waitMs > 0) await this.#clock.sleep(waitMs, this.#never)
      if (member.process.isDead) member = this.#spawn('publisher', null)
      void this.#publish(member, sent)
    }
  }

  async #publish(by: Member, { id, channel: name, behaviour, delayMs }: Sent): Promise<void> {
    const published: Published = { id, by, answer: null }
    this.published.push(published)
    const channel = await by.channel(name)
    try {
      published.answer = await channel.publish(behaviour, { id, delayMs })
    } catch (error) {
      if (!(error instanceof NarrowcastError)) throw error
      published.answer = error
    }
  }

  async #strike(fault: Fault): Promise<void> {
    await this.#clock.sleep(fault.atMs, this.#never)
    if (this.#isHealed) return
    this.ledger.note(() => `fault: ${JSON.stringify(fault)}`)
    const living = this.#living()
    const victim = living[Math.floor(this.#random() * living.length)]
    const { tally } = this.ledger
    if (fault.kind === 'wallJump') {
      this.#clock.jumpWall(fault.ms)
      if (fault.ms !== 0) tally.add(`the wall clock jumps ${fault.ms > 0 ? 'forward' : 'back'}`)
    } else if (fault.kind === 'outage') {
      tally.add('the broker is away')
      await this.#cut(fault.ms)
    } else if (!victim) return
    else if (fault.kind === 'kill') {
      tally.add('a process is killed')
      victim.process.kill()
    } else if (fault.kind === 'drop') {
      tally.add('a connection is dropped', victim.driver.drop())
    } else if (fault.kind === 'freeze') {
      tally.add('a process is frozen')
      victim.process.freeze()
      await this.#clock.sleep(fault.ms, this.#never)
      victim.process.thaw()
    } else if (fault.kind === 'deploy' && victim.role === 'worker') {
      this.#spawnWorker(victim.group)
      this.#close(victim, fault.ms)
      tally.add(fault.ms < longMs ? 'a worker is drained in a hurry' : 'a worker is drained')
    }
  }

  async #cut(ms: number): Promise<void> {
    this.#network.isDown = true
    for (const { driver } of this.members) driver.drop()
    await this.#clock.sleep(ms, this.#never)
    this.#network.isDown = false
  }
}

function ledgerEnds({ ledger, plan, published }: Simulation): void {
  const open = published.filter(({ answer, by }) => answer === null && !by.process.isDead)
  const missing = ledger.unended(plan.groups)
  ledger.problem(
    `not worked off: ${missing.join(', ') || 'nothing'}; without an answer: ${open.map(({ id }) => id).join(', ') || 'nothing'}`,
  )
}
