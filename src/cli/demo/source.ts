import type { Bus, Channel, ChannelOptions, Deliveries, OpenDelivery } from '../../runtime/api.ts'

/** What a pipeline reads from. */
export type Source = Pick<Bus, 'queue' | 'stream' | 'telemetry'>

/** Can be shut for a while: then nothing more is taken, and what was taken goes on. */
export interface Gate {
  isShut: boolean
  /** Resolves when it is open. */
  opened: Promise<void>
}

/** A source that stops taking while the gate is shut. One receive under way may still give one. */
export function gated(bus: Source, gate: Gate): Source {
  return withDeliveries(bus, (inner) => ({
    async *[Symbol.asyncIterator]() {
      for await (const delivery of inner) {
        yield delivery
        if (gate.isShut) await gate.opened
      }
    },
  }))
}

/**
 * The defect that the demo must find: messages are acked when they arrive, before anything is
 * written, so a kill loses what was in hand. For tests only (NARROWCAST_DEMO_BUG).
 */
export function ackBeforeWrite(bus: Source, onAck: (id: string) => void): Source {
  return withDeliveries(bus, (inner) => ({
    begin: async () => {},
    async *[Symbol.asyncIterator]() {
      for await (const delivery of inner) {
        await delivery.settle({ kind: 'ack' })
        onAck(delivery.message.id)
        yield replaced<OpenDelivery<unknown>>(delivery, { settle: async () => 'settled' })
      }
    },
  }))
}

type Members = (inner: Deliveries<unknown>) => Partial<Deliveries<unknown>>

function withDeliveries(bus: Source, members: Members): Source {
  const wrap = <In, Out>(channel: Channel<In, Out>): Channel<In, Out> =>
    replaced(channel, {
      deliveries: (options) => {
        const inner = channel.deliveries(options)
        return replaced(inner, members(inner as Deliveries<unknown>) as Partial<Deliveries<Out>>)
      },
    })
  const declare =
    (pattern: 'queue' | 'stream') =>
    <In, Out>(name: string, options?: ChannelOptions<In, Out>) =>
      wrap(bus[pattern](name, options))
  return { queue: declare('queue'), stream: declare('stream'), telemetry: bus.telemetry }
}

/** The same object, but for some of its members. */
function replaced<T extends object>(original: T, members: Partial<T>): T {
  return new Proxy(original, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name)
      const own: unknown = Reflect.get(target, name)
      return typeof own === 'function' ? own.bind(target) : own
    },
  })
}
