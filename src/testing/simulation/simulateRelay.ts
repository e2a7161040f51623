import type { Clock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { memory } from '../../drivers/memory/index.ts'
import type { Bus, Watched } from '../../runtime/api.ts'
import { createBus } from '../../runtime/bus.ts'
import type { Relay } from '../../runtime/live/relayApi.ts'
import { seededRandom } from '../../runtime/random.ts'
import { virtualClock } from '../virtualClock.ts'
import { type FaultyDriver, faulty } from './faulty.ts'
import { calm, Network } from './network.ts'
import type { Outcome, SimulationWish } from './outcome.ts'
import { longMs } from './plan.ts'
import { Process } from './process.ts'
import { RelayBook, witnessedLive } from './relayBook.ts'
import { type RelayFault, type RelayPlan, relayPlanOf } from './relayPlan.ts'

type Role = 'publisher' | 'relay' | 'worker'

interface Member {
  readonly role: Role
  readonly process: Process
  readonly driver: FaultyDriver
  readonly bus: Promise<Bus>
  isLeaving: boolean
}

const never = new AbortController().signal
const name = 'rooms'

/** Runs the schedule of a narrowcast by relay. The same seed gives the same outcome. */
export async function simulateRelay(seed: number, wish: SimulationWish = {}): Promise<Outcome> {
  const clock = virtualClock(undefined, wish.settle)
  const plan = relayPlanOf(seed)
  const world = new RelayWorld(plan, clock, wish.isTraced ?? false, (ms) => clock.jumpWall(ms))
  const { book } = world
  try {
    await clock.runUntil(world.live(), longMs)
  } catch (error) {
    book.problem(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const { problems, trace, tally } = book
  return { plan, problems, trace, tally, virtualMs: clock.monotonicMs() }
}

class RelayWorld {
  readonly book: RelayBook
  readonly #plan: RelayPlan
  readonly #clock: Clock
  readonly #jumpWall: (ms: number) => void
  readonly #network: Network
  readonly #store
  readonly #members: Member[] = []
  readonly #relays = new Map<Process, Relay>()
  #isHealed = false

  constructor(plan: RelayPlan, clock: Clock, isTraced: boolean, jumpWall: (ms: number) => void) {
    this.#plan = plan
    this.#clock = clock
    this.#jumpWall = jumpWall
    this.book = new RelayBook(() => clock.monotonicMs(), isTraced)
    const random = seededRandom(plan.seed ^ 0x5bd1e995)
    this.#network = new Network(clock, random, plan.weather, this.book.tally)
    this.#store = memory({ clock })
  }

  async live(): Promise<void> {
    const { relays, workers, faults, activeMs, leaseMs } = this.#plan
    for (let n = 0; n < relays; n++) this.#spawn('relay')
    for (let n = 0; n < workers; n++) this.#spawn('worker')
    const publishing = this.#publishAll()
    for (const fault of faults) void this.#strike(fault)
    await this.#clock.sleep(activeMs, never)
    this.#isHealed = true
    this.#network.weather = calm
    this.#network.isDown = false
    for (const { process } of this.#members) process.thaw()
    await publishing
    await this.#clock.sleep(10 * leaseMs, never)
    const living = this.#members.filter(({ process }) => !process.isDead)
    await Promise.all(living.map((member) => this.#close(member)))
    for (const [process, relay] of this.#relays) {
      if (!process.isDead) this.book.closed(process, relay)
    }
  }

  #spawn(role: Role): Member {
    const process = new Process(`${role}-${this.#members.length}`, this.#clock)
    const driver = faulty(witnessedLive(this.#store, process, this.book), process, this.#network)
    const seed = this.#plan.seed * 100 + this.#members.length
    const open = () => createBus(driver, { clock: process.clock, seed })
    const member: Member = {
      role,
      process,
      driver,
      bus: patiently(process.clock, open),
      isLeaving: false,
    }
    this.#members.push(member)
    process.onKill(() => {
      this.book.note(() => `${process.name} is killed`)
      if (!this.#isHealed) this.#spawn(role)
    })
    const begins = { publisher: async () => {}, relay: this.#relay, worker: this.#work }[role]
    begins.call(this, member).catch((error: unknown) => {
      const isClosed = error instanceof NarrowcastError && error.code === 'CLOSED'
      if (!(isClosed && member.isLeaving)) this.book.problem(`${process.name}: ${String(error)}`)
    })
    return member
  }

  async #relay({ bus, process }: Member): Promise<void> {
    const { leaseMs, holdMs } = this.#plan
    const open = await bus
    const relay = await patiently(process.clock, () =>
      open.relay(name, {
        ...{ leaseMs, strategy: 'random' }, // others go by names, which no seed draws
        ...(holdMs !== null && { hold: { messages: 3, ms: holdMs } }),
        onDecision: (made) => {
          for (const one of made) this.book.decided(one)
        },
      }),
    )
    this.#listen(relay, process)
    this.#relays.set(process, relay)
  }

  async #work({ bus, process }: Member): Promise<void> {
    const channel = (await bus).narrowcast<number>(name, { via: 'relay' })
    const worker = channel.subscribe(async (ms, { message }) => {
      this.book.runs(process, message.id)
      await process.clock.sleep(ms, never)
    })
    this.#listen(worker, process)
  }

  #listen(watched: Watched, { name: by }: Process): void {
    watched.on('error', ({ id, error }) =>
      this.book.note(() => `${by}: error ${id ?? ''} ${error.code} ${error.message}`),
    )
  }

  /** As in a deployment: in order, and another comes. */
  #leave(member: Member): void {
    void this.#close(member)
    this.#spawn(member.role)
  }

  async #close(member: Member): Promise<void> {
    member.isLeaving = true
    await (await member.bus).close({ timeoutMs: longMs })
  }

  async #publishAll(): Promise<void> {
    const { bus } = this.#spawn('publisher')
    const channel = (await bus).narrowcast<number>(name, {
      via: 'relay',
      publish: { retry: false },
    })
    for (const [n, atMs] of this.#plan.publishMs.entries()) {
      const waitMs = atMs - this.#clock.monotonicMs()
      if (waitMs > 0) await this.#clock.sleep(waitMs, never)
      void channel.publish(n * 10, { id: `m${n}`, key: `k${n % 3}` }).catch((error: unknown) => {
        if (!(error instanceof NarrowcastError)) throw error
        this.book.note(() => `publish of m${n}: ${error.code}`)
      })
    }
  }

  async #strike({ kind, atMs, ms, victim }: RelayFault): Promise<void> {
    await this.#clock.sleep(atMs, never)
    const living = this.#members.filter(
      ({ role, process, isLeaving }) => role !== 'publisher' && !process.isDead && !isLeaving,
    )
    const member = living[victim % living.length]
    if (this.#isHealed || !member) return
    const { process, driver } = member
    this.book.note(() => `fault: ${kind} ${process.name} ${ms}`)
    if (kind === 'kill') process.kill()
    else if (kind === 'leave') this.#leave(member)
    else if (kind === 'drop') driver.drop()
    else if (kind === 'wallJump') this.#jumpWall(ms)
    else if (kind === 'freeze') {
      process.freeze()
      await this.#clock.sleep(ms, never)
      process.thaw()
    } else {
      this.#network.isDown = true
      for (const one of this.#members) one.driver.drop()
      await this.#clock.sleep(ms, never)
      this.#network.isDown = false
    }
  }
}

/** The first connect, and the opening of a relay, are the caller's to repeat. */
async function patiently<T>(clock: Clock, open: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await open()
    } catch (error) {
      if (!(error instanceof NarrowcastError && error.retryable)) throw error
      await clock.sleep(50, never)
    }
  }
}
