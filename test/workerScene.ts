import type { ChannelSpec } from '../src/core/channel.ts'
import type { Driver, Source, SourceEvents } from '../src/core/driver.ts'
import { memory } from '../src/drivers/memory/index.ts'
import type { Bus, ChannelOptions, SubscriptionEvents, Watched } from '../src/runtime/api.ts'
import { createBus } from '../src/runtime/bus.ts'
import { faulty } from '../src/testing/simulation/faulty.ts'
import { calm, Network } from '../src/testing/simulation/network.ts'
import { Process } from '../src/testing/simulation/process.ts'
import { type VirtualClock, virtualClock } from '../src/testing/virtualClock.ts'

export const fast = { backoff: { delayMsMin: 1, delayMsMax: 1 } }
export const channel = { name: 'orders', pattern: 'queue' } as const

export async function open(options: ChannelOptions<string> = {}) {
  const clock = virtualClock()
  const store = memory({ clock })
  const bus = await createBus(store, { clock, seed: 1 })
  const orders = bus.queue<string>('orders', { ...fast, ...options })
  /** Publishes unchecked, from another bus. */
  const publishAs = async (data: string) => {
    await using other = await createBus(store, { clock, seed: 2 })
    await other.queue<string>('orders').publish(data)
  }
  return { clock, bus, orders, publishAs }
}

/** Collects every event of one kind. */
export function heard<E extends keyof SubscriptionEvents>(
  from: Watched,
  event: E,
): SubscriptionEvents[E][] {
  const all: SubscriptionEvents[E][] = []
  from.on(event, (what) => all.push(what))
  return all
}

export const depth = async (bus: Bus) => (await bus.admin.depths([channel]))[0]

/** A process that is killed by its messages, beside the one that the test runs in. */
export async function openDying(clock: VirtualClock, store: Driver) {
  const process = new Process('dying', clock)
  const driver = faulty(store, process, new Network(clock, () => 0, calm))
  const bus = await clock.runUntil(createBus(driver, { clock: process.clock, seed: 1 }))
  return { process, bus }
}

/** The same driver, with every source changed by the test. */
export function onSource(
  store: Driver,
  change: (source: Source, spec: ChannelSpec, events: SourceEvents) => void,
): Driver {
  return {
    ...store,
    async open(on, signal) {
      const session = await store.open(on, signal)
      const open = session.source.bind(session)
      session.source = async (spec, reader, events, abort) => {
        const source = await open(spec, reader, events, abort)
        change(source, spec, events)
        return source
      }
      return session
    },
  }
}
