import { memory } from '../drivers/memory/index.ts'
import type { Bus } from '../runtime/api.ts'
import { createBus } from '../runtime/bus.ts'
import { seededRandom } from '../runtime/random.ts'
import { faulty } from './simulation/faulty.ts'
import { Network } from './simulation/network.ts'
import { Process } from './simulation/process.ts'
import { type VirtualClock, virtualClock } from './virtualClock.ts'

/** For tests of your own handlers: a store in memory, time that you move, a process that crashes. */
export interface TestWorld extends AsyncDisposable {
  /** Stands still until it is told to move; leases, retries, delays and limits go by it. */
  readonly clock: VirtualClock
  /** The bus of the process that lives now. */
  readonly bus: Bus
  /** Lets so much time pass, and everything happen that is due in it. */
  pass(ms: number): Promise<void>
  /** Lets time pass until the promise settles. @throws an Error when nothing will happen any more */
  until<T>(promise: Promise<T>): Promise<T>
  /**
   * Ends the process as `kill -9` does and starts another one on the same store: nothing that its
   * bus was asked for goes on, and nobody says goodbye. What it held comes again after its lease,
   * with `crashes` counted. A handler of yours is in this process all the same: what it waits for
   * by itself goes on. @returns the bus of the new process
   */
  crashRestart(): Promise<Bus>
}

const calm = { latencyMsMax: 0, replyLost: 0, refused: 0, unknown: 0 }

/** `seed` decides the jitter of retries. @default 1 */
export async function testWorld({ seed = 1 }: { seed?: number } = {}): Promise<TestWorld> {
  const clock = virtualClock()
  const store = memory({ clock })
  const random = seededRandom(seed)
  let started = 0
  const start = async () => {
    const process = new Process(`process ${++started}`, clock)
    const driver = faulty(store, process, new Network(clock, random, calm))
    const bus = await clock.runUntil(
      createBus(driver, { clock: process.clock, seed: seed + started }),
    )
    return { process, bus }
  }
  let living = await start()
  return {
    clock,
    get bus() {
      return living.bus
    },
    pass: (ms) => clock.advance(ms),
    until: (promise) => clock.runUntil(promise),
    async crashRestart() {
      living.process.kill()
      living = await start()
      return living.bus
    },
    [Symbol.asyncDispose]: () => clock.runUntil(living.bus.close()),
  }
}
