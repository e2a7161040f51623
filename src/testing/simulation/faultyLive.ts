import type { Lead, Live, LiveEvents, LiveSource, SendOutcome } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Connection } from './network.ts'

const never = new AbortController().signal

/** The live patterns as one process has them; `lose` breaks its connection. */
export function faultyLive(live: Live, connection: Connection, lose: () => void): Live {
  const leads = new WeakMap<Lead, Lead>()
  const { workers, send, lead } = live
  return {
    subscribe: async (channel, subscriber, on) =>
      faultySource(
        await connection.call(() => live.subscribe(channel, subscriber, heard(on), never)),
      ),
    ...(workers && {
      workers: (channel) => connection.call(() => workers.call(live, channel, never)),
    }),
    ...(send && {
      send: async (channel, batch, leading) => {
        const { network } = connection
        const unknown = (): SendOutcome[] => batch.map(() => 'unknown')
        const attempt = async () => {
          if (network.happens('refused')) {
            throw new NarrowcastError('UNAVAILABLE', 'the broker cannot do it now')
          }
          if (network.happens('unknown')) return unknown()
          const fence = leading && (leads.get(leading) ?? leading)
          const outcomes = await send.call(live, channel, batch, fence, never)
          return network.happens('unknown') ? unknown() : outcomes
        }
        return connection.call(attempt, lose)
      },
    }),
    ...(lead && {
      lead: async (channel, candidate, on, signal) => {
        const granted = await connection.waiting(signal, (atBroker) =>
          lead.call(live, channel, candidate, heard(on), atBroker),
        )
        const made = Object.assign(faultySource(granted), { fence: granted.fence })
        leads.set(made, granted)
        return made
      },
    }),
  }

  function faultySource(source: LiveSource): LiveSource {
    return {
      leaseMs: source.leaseMs,
      resumed: source.resumed,
      receive: (room, signal) =>
        connection.waiting(signal, (atBroker) => source.receive(room, atBroker)),
      renew: () => connection.call(() => source.renew(never), lose),
      stop: () => connection.call(() => source.stop(never), lose),
      [Symbol.asyncDispose]: () => connection.last(async () => source[Symbol.asyncDispose]()),
    }
  }

  function heard(on: LiveEvents): LiveEvents {
    const { process } = connection
    return {
      gap(missed, why) {
        if (process.isDead || connection.isBroken) return
        if (process.isFrozen) void process.gate().then(() => on.gap(missed, why))
        else on.gap(missed, why)
      },
    }
  }
}
