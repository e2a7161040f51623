import type { ChannelRef, ChannelSpec } from '../../core/channel.ts'
import type { Live, LiveSource, Publisher } from '../../core/driver.ts'
import { type Catalog, type Declaration, declarationOf } from './catalog.ts'

/** How often who publishes or listens looks whether its channel is still declared. */
const lookEveryMs = 1_000

/**
 * Who publishes, or listens live, does not notice that its channel was removed, or the whole server
 * flushed: the channel goes on, and nobody would find it in the catalog. So it is declared again,
 * as it was, by a look that goes ahead of a batch or a renewal now and then and that none waits for.
 */
class Look {
  readonly #declare: () => Promise<unknown>
  #lookedMs = performance.now()

  constructor(catalog: Catalog, channel: ChannelRef, declared: Declaration) {
    this.#declare = () => catalog.declare(channel, declared)
  }

  ahead(): void {
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs < lookEveryMs) return
    this.#lookedMs = nowMs
    // What ends a look ends the batch or the session behind it too, which tells it.
    this.#declare().catch(() => undefined)
  }
}

export function keptDeclared(
  publisher: Publisher,
  catalog: Catalog,
  channel: ChannelRef,
  declared: Declaration,
): Publisher {
  const look = new Look(catalog, channel, declared)
  return {
    publish(batch, signal) {
      look.ahead()
      return publisher.publish(batch, signal)
    },
    [Symbol.asyncDispose]: () => publisher[Symbol.asyncDispose](),
  }
}

/** The same for what is sent to workers, and for who listens. */
export function liveKeptDeclared(live: Required<Live>, catalog: Catalog): Live {
  const looks = new Map<string, Look>()
  const lookOf = (channel: ChannelSpec): Look => {
    const look =
      looks.get(channel.name) ?? new Look(catalog, channel, declarationOf(channel, 'list'))
    looks.set(channel.name, look)
    return look
  }
  return {
    subscribe: async (channel, subscriber, on, signal) =>
      looking(await live.subscribe(channel, subscriber, on, signal), lookOf(channel)),
    workers: (channel, signal) => live.workers(channel, signal),
    send(channel, batch, lead, signal) {
      lookOf(channel).ahead()
      return live.send(channel, batch, lead, signal)
    },
    lead: async (channel, candidate, on, signal) =>
      looking(await live.lead(channel, candidate, on, signal), lookOf(channel)),
  }
}

/** Whoever listens renews, whether anything comes or not. */
function looking<S extends LiveSource>(source: S, look: Look): S {
  const renew = source.renew.bind(source)
  source.renew = (signal) => {
    look.ahead()
    return renew(signal)
  }
  return source
}
