import type { Driver, Live, Session } from '../src/core/driver.ts'
import { memory } from '../src/drivers/memory/index.ts'
import type { Watched } from '../src/runtime/api.ts'
import { createBus } from '../src/runtime/bus.ts'
import type { RelayOptions } from '../src/runtime/live/relayApi.ts'
import { virtualClock } from '../src/testing/virtualClock.ts'

/** `around` stands between the buses and the store. */
export async function scene(around: (live: Required<Live>) => Partial<Live> = () => ({})) {
  const clock = virtualClock()
  const store = memory({ clock })
  const driver: Driver = {
    ...store,
    async open(...args) {
      const session = await store.open(...args)
      const live = session.live as Required<Live>
      const bound = Object.fromEntries(
        (['subscribe', 'workers', 'send', 'lead'] as const).map((name) => [
          name,
          (live[name] as (...all: unknown[]) => unknown).bind(live),
        ]),
      ) as unknown as Required<Live>
      return new Proxy(session, {
        get(target, name) {
          if (name === 'live') return { ...bound, ...around(bound) }
          const value = Reflect.get(target, name) as unknown
          return typeof value === 'function' ? value.bind(target) : value
        },
      }) as Session
    },
  }
  const bus = await createBus(driver, { clock, seed: 1 })
  const rooms = bus.narrowcast<number>('rooms', { via: 'relay' })
  const seen: string[] = []
  const subscribe = async (name: string) => {
    const worker = rooms.subscribe((n) => void seen.push(`${name} ${n}`), { name })
    await clock.runUntil(worker.ready())
    return worker
  }
  const relay = async (options: RelayOptions = {}) => {
    const made = await clock.runUntil(bus.relay('rooms', options))
    const told = heard(made)
    return { relay: made, told }
  }
  return {
    ...{ clock, driver, bus, rooms, seen, subscribe, relay },
    publish: (n: number) => clock.runUntil(rooms.publish(n, { id: `m${n}` })),
    [Symbol.asyncDispose]: () => clock.runUntil(bus.close()),
  }
}

export function heard(relay: Watched) {
  const errors: [string | null, string][] = []
  relay.on('error', ({ id, error }) => errors.push([id, error.code]))
  return errors
}

/** The counts of a relay that was given nothing. */
export const none = {
  taken: 0,
  routed: 0,
  rerouted: 0,
  unknown: 0,
  noWorker: 0,
  held: 0,
  dropped: 0,
}
