import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Driver } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { dead, retry } from '../../core/verdict.ts'
import type {
  Bus,
  Channel,
  ChannelOptions,
  Deliveries,
  OpenDelivery,
  Received,
  Subscription,
} from '../../runtime/api.ts'
import { createBus } from '../../runtime/bus.ts'
import type { FaultyDriver } from './faulty.ts'
import { handle } from './handler.ts'
import type { Handed } from './judge.ts'
import type { Ledger } from './ledger.ts'
import { type Behaviour, lineOf, longMs, type Plan } from './plan.ts'
import type { Process } from './process.ts'

/** A process with its bus and the channels of the schedule. */
export class Member {
  readonly process: Process
  readonly driver: FaultyDriver
  readonly group: string | null
  readonly role: 'publisher' | 'worker'
  /** What was told as late: `<line>/<position>`. */
  readonly toldLate: string[] = []
  isClosing = false
  /** It was closed in a hurry: what its handlers say then is not waited for. */
  isHurried = false
  readonly #plan: Plan
  readonly #ledger: Ledger
  readonly #buses = new Map<string, Promise<Bus>>()
  readonly #channels = new Map<string, Promise<Channel<Behaviour>>>()
  #running = new Set<Handed>()

  constructor(
    of: Pick<Member, 'process' | 'driver' | 'group' | 'role'> & {
      /** As no process should: what one bus runs, another knows nothing of. */
      readonly hasBusPerChannel: boolean
    },
    plan: Plan,
    ledger: Ledger,
    seed: number,
  ) {
    this.process = of.process
    this.driver = of.driver
    this.group = of.group
    this.role = of.role
    this.#plan = plan
    this.#ledger = ledger
    let bus: Promise<Bus> | null = null
    for (const channel of plan.channels) {
      if (!bus || of.hasBusPerChannel) bus = this.#open(of.driver, seed)
      bus.catch((error: unknown) => ledger.problem(`${this.process.name}: ${String(error)}`))
      this.#buses.set(channel, bus)
    }
  }

  channel(name: string): Promise<Channel<Behaviour>> {
    let channel = this.#channels.get(name)
    if (!channel) {
      channel = this.#openChannel(name)
      this.#channels.set(name, channel)
    }
    return channel
  }

  async #openChannel(name: string): Promise<Channel<Behaviour>> {
    const bus = (await this.#buses.get(name)) as Bus
    return bus[this.#plan.pattern]<Behaviour>(name, channelOptions(this.#plan, this.role))
  }

  async work(): Promise<void> {
    await Promise.all(this.#plan.channels.map((name) => this.#workOn(name)))
  }

  async #workOn(name: string): Promise<void> {
    const channel = await this.channel(name)
    if (this.isClosing) return
    const group = this.group === null ? {} : { group: this.group }
    const { worker, concurrency, batchSize, runMsMax } = this.#plan
    if (worker === 'deliveries') {
      const deliveries = channel.deliveries({ ...group, holdMax: concurrency * 2 })
      this.#listen(deliveries, name)
      void this.#iterate(deliveries)
      return
    }
    const options = { ...group, concurrency, runMsMax, abortMs: 100 }
    if (worker === 'single') {
      const one = (_: Behaviour, delivery: Received<Behaviour>) => this.#one(delivery, concurrency)
      this.#listen(channel.subscribe(one, options), name)
      return
    }
    const batch = { size: batchSize, waitMsMax: 10 }
    this.#listen(
      channel.subscribe(
        async (all) => {
          const most = concurrency * batchSize
          const isAlone = all.length === 1
          if (!isAlone && all.some(({ crashes }) => crashes !== 0)) {
            this.#ledger.problem(`${this.process.name}: a suspect in a batch of ${all.length}`)
          }
          const asked = all.map((one) => this.#one(one, most).catch(() => retry()))
          return Promise.all(asked)
        },
        { ...options, batch },
      ),
      name,
    )
  }

  async close(timeoutMs = longMs): Promise<void> {
    this.isClosing = true
    this.isHurried = timeoutMs < longMs
    try {
      const buses = await Promise.all(new Set(this.#buses.values()))
      await Promise.all(buses.map((bus) => bus.close({ timeoutMs })))
    } catch (error) {
      this.#ledger.problem(`${this.process.name}: close: ${String(error)}`)
    }
  }

  #listen(watched: Subscription | Deliveries<Behaviour>, channel: string): void {
    const line = lineOf(channel, this.group)
    watched.on('late', ({ position }) => {
      this.#ledger.tally.add('a holder is told that it was late')
      this.toldLate.push(`${line}/${position}`)
    })
    watched.on('stuck', ({ position }) => {
      this.#ledger.tally.add('a handler is given up')
      const isIt = ({ track }: Handed) => track.line === line && track.position === position
      for (const handed of this.#running) if (isIt(handed)) this.#running.delete(handed)
    })
    const { name } = this.process
    watched.on('error', ({ id, error }) =>
      this.#ledger.note(() => `${name}: error ${id ?? ''} ${error.code} ${error.message}`),
    )
    watched.on('lost', ({ deliveries }) => {
      for (const { position } of deliveries) {
        this.#ledger.told(this.process, line, position ?? '')
      }
    })
  }

  /** Runs a handler, and looks who runs beside it. */
  async #one(delivery: Received<Behaviour>, most: number) {
    const isSuspect = delivery.crashes !== 0
    const isOfBatch = this.#plan.worker === 'batch'
    const handling = handle(delivery, this.process, this.#ledger, isOfBatch)
    const handed = this.#ledger.handedAs(delivery.message)
    const others = [...this.#running]
    this.#running.add(handed)
    const all = most * this.#plan.channels.length
    if (others.length >= all) {
      this.#ledger.problem(`${this.process.name}: ${others.length + 1} handlers, at most ${all}`)
    }
    const hasSuspect = isSuspect || others.some((one) => one.delivery.crashes !== 0)
    if (hasSuspect && others.length > 0) {
      this.#ledger.problem(`${this.process.name}: a suspect does not run alone`)
    }
    try {
      return await handling
    } finally {
      this.#running.delete(handed)
      if (!this.isClosing) this.#ledger.ended(handed)
    }
  }

  async #iterate(deliveries: Deliveries<Behaviour>): Promise<void> {
    for await (const delivery of deliveries) {
      await this.#begin(deliveries, delivery)
      void this.#settle(delivery)
    }
  }

  async #begin(deliveries: Deliveries<Behaviour>, delivery: OpenDelivery<Behaviour>) {
    for (;;) {
      try {
        await deliveries.begin(delivery)
        return
      } catch (error) {
        if (this.isClosing || delivery.signal.aborted) return
        if (!(error instanceof NarrowcastError)) throw error
        await this.process.clock.sleep(20, delivery.signal)
      }
    }
  }

  /** The caller's own policy: that of the runtime is not applied to open deliveries. */
  async #settle(delivery: OpenDelivery<Behaviour>): Promise<void> {
    const { attempts, deliveriesMax } = this.#plan
    const isWorn = delivery.failures + 1 >= attempts || Number(delivery.crashes) >= deliveriesMax
    const handed = this.#ledger.handedAs(delivery.message)
    const bury = () => {
      this.#ledger.ends(handed, 'dead')
      return dead('worn out')
    }
    let verdict = null
    if (Number(delivery.crashes) >= deliveriesMax) verdict = bury()
    else {
      verdict = await handle(delivery, this.process, this.#ledger).catch(() => null)
      if (verdict?.kind === 'retry') verdict = isWorn ? bury() : verdict
      else if (verdict === null) verdict = isWorn ? bury() : retry({ delayMs: 10 })
    }
    try {
      await delivery.settle(verdict ?? { kind: 'ack' })
    } catch (error) {
      if (!this.isClosing) this.#ledger.problem(`${this.process.name}: settle: ${String(error)}`)
    }
  }

  #open(driver: Driver, seed: number): Promise<Bus> {
    const { clock } = this.process
    return openWithPatience(() => createBus(driver, { clock, seed }), clock.sleep)
  }
}

/** The first connect is the caller's to repeat. */
async function openWithPatience(
  open: () => Promise<Bus>,
  sleep: Process['clock']['sleep'],
): Promise<Bus> {
  const never = new AbortController().signal
  for (;;) {
    try {
      return await open()
    } catch (error) {
      if (!(error instanceof NarrowcastError && error.retryable)) throw error
      await sleep(50, never)
    }
  }
}

function channelOptions(plan: Plan, role: Member['role']): ChannelOptions<Behaviour> {
  const { dedupe, leaseMs, attempts, deliveriesMax, backoff, retry: again } = plan
  return {
    leaseMs,
    attempts,
    deliveriesMax,
    backoff,
    publish: { retry: again, timeoutMs: 5_000 },
    ...(dedupe === 'none' ? {} : { dedupe: { on: dedupe, windowMs: longMs } }),
    ...(role === 'worker' ? { schema } : {}),
  }
}

const schema: StandardSchemaV1<Behaviour> = {
  '~standard': {
    version: 1,
    vendor: 'narrowcast',
    validate(value) {
      const behaviour = value as Behaviour
      if (behaviour.kind !== 'invalid') return { value: behaviour }
      return { issues: [{ message: 'is meant not to fit' }] }
    },
  },
}
