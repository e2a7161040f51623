import type { ChannelRef } from '../../core/channel.ts'
import type { Publisher } from '../../core/driver.ts'
import type { Catalog, Declaration } from './catalog.ts'

/** How often a publisher looks whether its channel is still declared. */
const lookEveryMs = 1_000

/**
 * A publisher does not notice that its channel was removed, or the whole server flushed: what it
 * stores makes the key anew, which nobody would find in the catalog. So it has it declared again,
 * as it was, by a look that goes ahead of a batch now and then and that no batch waits for.
 */
export function keptDeclared(
  publisher: Publisher,
  catalog: Catalog,
  channel: ChannelRef,
  declared: Declaration,
): Publisher {
  let lookedMs = performance.now()
  return {
    publish(batch, signal) {
      const nowMs = performance.now()
      if (nowMs - lookedMs >= lookEveryMs) {
        lookedMs = nowMs
        // What ends a look ends the batch behind it too, which tells it.
        catalog.declare(channel, declared).catch(() => undefined)
      }
      return publisher.publish(batch, signal)
    },
    [Symbol.asyncDispose]: () => publisher[Symbol.asyncDispose](),
  }
}
