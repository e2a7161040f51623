import type { ChannelRef, ChannelSpec } from '../../core/channel.ts'
import type { Live, Publisher } from '../../core/driver.ts'
import { type Catalog, type Declaration, declarationOf } from './catalog.ts'

/** How often who publishes looks whether its channel is still declared. */
const lookEveryMs = 1_000

/**
 * Who publishes does not notice that its channel was removed, or the whole server flushed: the
 * channel goes on, and nobody would find it in the catalog. So it is declared again, as it was, by
 * a look that goes ahead of a batch now and then and that no batch waits for.
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
    // What ends a look ends the batch behind it too, which tells it.
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

/** The same for what is sent to workers. */
export function liveKeptDeclared(live: Required<Live>, catalog: Catalog): Live {
  const looks = new Map<string, Look>()
  const lookOf = (channel: ChannelSpec): Look => {
    const look =
      looks.get(channel.name) ?? new Look(catalog, channel, declarationOf(channel, 'list'))
    looks.set(channel.name, look)
    return look
  }
  return {
    subscribe: (channel, subscriber, on, signal) => live.subscribe(channel, subscriber, on, signal),
    workers: (channel, signal) => live.workers(channel, signal),
    send(channel, batch, lead, signal) {
      lookOf(channel).ahead()
      return live.send(channel, batch, lead, signal)
    },
    lead: (channel, candidate, on, signal) => live.lead(channel, candidate, on, signal),
  }
}
