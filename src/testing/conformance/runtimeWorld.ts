import { type Clock, systemClock } from '../../core/clock.ts'
import { type Contract, type ContractRow, contractRow } from '../../core/contract.ts'
import type { Driver, Session } from '../../core/driver.ts'
import { randomName } from '../../core/ids.ts'
import type { Pattern } from '../../core/message.ts'
import type { Bus, Channel, ChannelOptions } from '../../runtime/api.ts'
import { createBus } from '../../runtime/bus.ts'
import { seededRandom } from '../../runtime/random.ts'
import { type FaultyDriver, faulty } from '../simulation/faulty.ts'
import { Network, type Weather } from '../simulation/network.ts'
import { Process } from '../simulation/process.ts'
import { Tally } from './tally.ts'
import type { WorldOptions } from './world.ts'

/** A bus in a process of its own, which can be killed, frozen and cut off. */
export interface Node {
  readonly bus: Bus
  readonly process: Process
  readonly network: Network
  readonly driver: FaultyDriver
  channel<T>(options?: ChannelOptions<T>): Channel<T>
}

/** What a case of the runtime works in: one channel of one store, and processes that share it. */
export interface RuntimeWorld extends AsyncDisposable {
  readonly pattern: Pattern
  /** The pattern, and of a narrowcast who picks the worker. */
  readonly row: ContractRow
  readonly claimed: Contract
  readonly isExact: boolean
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly name: string
  /** What has gone through all of its sessions. */
  readonly tally: Pick<Tally, 'in' | 'out' | 'inFlight'>
  /** `{ group }` on a stream, nothing on a queue. */
  readonly group: { readonly group?: string }
  /** `around`: what lies between the runtime of that process and its connection. */
  node(weather?: Partial<Weather>, around?: (driver: Driver) => Driver): Promise<Node>
  pass(ms: number): Promise<void>
  until<T>(promise: Promise<T>): Promise<T>
}

const never = new AbortController().signal
const fair: Weather = { latencyMsMax: 0, replyLost: 0, refused: 0, unknown: 0 }
const virtualMsMax = 86_400_000

/** Disposing closes the buses that live, and what the dead have left open in this process. */
export function createRuntimeWorld(options: WorldOptions): RuntimeWorld {
  const { driver, pattern, via = 'direct', clock, signal = never } = options
  const row = contractRow({ pattern, via })
  const claimed = driver.contracts[row]
  if (!claimed) throw new Error(`${driver.name} has no ${row}`)
  const given = via === 'relay' ? { via } : {}
  const sessions: Session[] = []
  const nodes: Node[] = []
  const tally = new Tally()
  const name = `conformance.${randomName()}`
  const until: RuntimeWorld['until'] = (promise) =>
    clock ? clock.runUntil(promise, virtualMsMax) : promise
  const random = seededRandom(1)

  async function node(
    weather: Partial<Weather> = {},
    around: (driver: Driver) => Driver = (same) => same,
  ): Promise<Node> {
    const time = clock ?? systemClock
    const process = new Process(`node-${nodes.length}`, time)
    const network = new Network(time, random, { ...fair, ...weather })
    const cut = faulty(kept(driver, sessions, tally), process, network)
    const bus = await until(createBus(around(cut), { clock: process.clock, seed: nodes.length }))
    const made: Node = {
      bus,
      process,
      network,
      driver: cut,
      channel: (wish) => bus[pattern](name, { ...given, ...wish }),
    }
    nodes.push(made)
    return made
  }

  return {
    pattern,
    row,
    claimed,
    isExact: clock !== undefined,
    signal,
    clock: clock ?? systemClock,
    name,
    tally,
    group: pattern === 'stream' ? { group: 'first-group' } : {},
    node,
    pass: (ms) => (clock ? clock.advance(ms) : systemClock.sleep(ms, signal)),
    until,
    async [Symbol.asyncDispose]() {
      const living = nodes.filter(({ process }) => !process.isDead)
      for (const { process } of living) process.thaw()
      await until(Promise.all(living.map(({ bus }) => bus.close({ timeoutMs: 1_000 }))))
      for (const session of sessions) await session[Symbol.asyncDispose]()
    },
  }
}

/** Notes every session: a process that was killed closes nothing. */
function kept(driver: Driver, sessions: Session[], tally: Tally): Driver {
  return {
    name: driver.name,
    contracts: driver.contracts,
    async open(on, abort) {
      const session = tally.of(await driver.open(on, abort))
      sessions.push(session)
      return session
    },
  }
}
