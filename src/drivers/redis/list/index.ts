import type { ChannelSpec, ReaderSpec } from '../../../core/channel.ts'
import { systemClock } from '../../../core/clock.ts'
import type { SourceEvents } from '../../../core/driver.ts'
import type { Engine } from '../engine.ts'
import { redisMarks } from '../marks.ts'
import type { Context } from '../session.ts'
import { listAdmin } from './admin.ts'
import { ListPublisher } from './publisher.ts'
import { Queue } from './queue.ts'
import { openReader } from './readers.ts'
import { ListSource } from './source.ts'

/** Queues that are kept as lists: `LRANGE orders 0 -1` shows what waits. */
export function listEngine(context: Context): Engine {
  const { catalog, opened, home, checkOpen } = context
  const queueOf = (channel: string) => new Queue(channel, home(channel))
  const sources = new Set<ListSource>()

  async function source(channel: ChannelSpec, spec: ReaderSpec, on: SourceEvents) {
    const queue = queueOf(channel.name)
    const ownedUntilMs = systemClock.monotonicMs() + spec.leaseMs
    const reader = await openReader(queue, { name: channel.name, pattern: 'queue' }, spec)
    for (const before of sources) if (before.isOf(channel, spec)) await before.replaced()
    const closed = (one: ListSource) => {
      sources.delete(one)
      opened.delete(one)
    }
    const options = { queue, channel, spec, on, opened: reader, ownedUntilMs, checkOpen, closed }
    const made = new ListSource(options)
    sources.add(made)
    opened.add(made)
    try {
      await queue.home.subscribe(queue.layout.wake, made.ring)
      return made
    } catch (error) {
      await made[Symbol.asyncDispose]()
      throw error
    }
  }

  return {
    async publisher(channel) {
      const declared = await catalog.find(channel.name)
      const { dedupeWindowMs } = declared ?? channel
      return new ListPublisher({
        queue: queueOf(channel.name),
        spec: channel,
        dedupeWindowMs,
        checkOpen,
      })
    },
    source,
    marks({ name }) {
      const { home: server, layout } = queueOf(name)
      return redisMarks(server, (id) => layout.seen(id))
    },
    admin: listAdmin(queueOf),
  }
}
