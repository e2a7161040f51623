import { setTimeout as wait } from 'node:timers/promises'
import type { Channel, Subscription } from '../../src/index.ts'
import type { Bus } from '../../src/runtime/api.ts'
import type { Came, Data, Task, Way } from './way.ts'

type Package = typeof import('../../src/index.ts')

/** The sources, unless a process is to load the package as it is published. */
const entry = process.env.NARROWCAST_BENCH_ENTRY ?? '../../src/index.ts'
const { connect, NarrowcastError } = (await import(entry)) as Package

const holdMax = 1_000_000

/** What a user writes: `connect(url)` and a channel, with nothing but the defaults. */
function channelOf(bus: Bus, { kind, channel, batch, inFlight }: Task): Channel<Data> {
  const options = { inFlightMax: Math.max(1_000, 2 * batch * inFlight) }
  if (kind === 'queue') return bus.queue<Data>(channel, options)
  if (kind === 'stream') return bus.stream<Data>(channel, options)
  if (kind === 'broadcast') return bus.broadcast<Data>(channel, options)
  if (kind === 'direct') return bus.narrowcast<Data>(channel, options)
  if (kind === 'relay') return bus.narrowcast<Data>(channel, { ...options, via: 'relay' })
  throw new Error(`narrowcast has no way "${kind}"`)
}

const isLive = ({ kind }: Task) => kind !== 'queue' && kind !== 'stream'

function subscribe(channel: Channel<Data>, task: Task, came: Came): Subscription {
  const handler = (data: Data) => came.message(data)
  if (isLive(task)) return channel.subscribe(handler, { concurrency: 100, holdMax })
  const group = task.kind === 'stream' ? { group: task.group } : {}
  const { concurrency } = task
  if (!task.isBatch) return channel.subscribe(handler, { ...group, concurrency })
  return channel.subscribe(
    async (batch) => {
      for (const { data } of batch) came.message(data)
    },
    { ...group, concurrency, batch: { size: 500, waitMsMax: 0 } },
  )
}

/** Everything by the public interface. */
export const narrowcast: Way = {
  async producer(task) {
    const bus: Bus = await connect(task.url)
    const channel = channelOf(bus, task)
    await channel.opened()
    return {
      one: (data) => channel.publish(data),
      async many(batch) {
        const answers = await channel.publishMany(batch.map((data) => ({ data })))
        for (const answer of answers) if (answer instanceof NarrowcastError) throw answer
      },
      [Symbol.asyncDispose]: () => bus.close(),
    }
  },
  async consumer(task) {
    const bus: Bus = await connect(task.url)
    const channel = channelOf(bus, task)
    await channel.opened()
    return {
      async start(came) {
        const subscription = subscribe(channel, task, came)
        subscription.on('settled', ({ kind, outcome }) => {
          if (kind === 'ack' && outcome !== 'late') came.settled(1)
        })
        subscription.on('error', ({ error }) => {
          queueMicrotask(() => {
            throw error // ends this process: what a listener throws is only told
          })
        })
        await subscription.ready()
        // A publisher learns of a worker by asking; a relay keeps what it was told.
        if (isLive(task)) await wait(50)
      },
      [Symbol.asyncDispose]: () => bus.close(),
    }
  },
  async between({ url, channel }) {
    const bus: Bus = await connect(url)
    const relay = await bus.relay(channel)
    await relay.ready()
    return { [Symbol.asyncDispose]: () => bus.close() }
  },
}
