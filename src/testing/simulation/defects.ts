import type { ReaderSpec } from '../../core/channel.ts'
import type { Clock } from '../../core/clock.ts'
import type { Driver, Publisher, Session, Source } from '../../core/driver.ts'
import type { Delivery, Settlement } from '../../core/message.ts'
import { memory } from '../../drivers/memory/index.ts'

type Make = (driver: Driver, clock: Clock) => Driver

/** One thing that is wrong, to see that the simulation finds it. */
export interface Defect {
  readonly name: string
  /** With the driver. */
  readonly make?: Make
  /** With every process: suspects are alone in their channel only. */
  readonly hasBusPerChannel?: true
}

const never = new AbortController().signal
const acked = ({ token }: Settlement): Settlement => ({ token, kind: 'ack' })
const positionOf = ({ position = '' }: Delivery) => position

export const defects: readonly Defect[] = [
  {
    name: 'acknowledges before the handler has ended',
    make: onSource((source) => ({
      async receive(room, signal) {
        const deliveries = await source.receive(room, signal)
        await source.settle(
          deliveries.map(({ token }) => ({ token, kind: 'ack' as const })),
          never,
        )
        return deliveries
      },
    })),
  },
  { name: 'does not renew', make: onSource(() => ({ renew: async () => [] })) },
  {
    name: 'says settled to whoever has lost it',
    make: onSource((source) => ({
      settle: async (batch) => (await source.settle(batch, never)).map(() => 'settled' as const),
    })),
  },
  { name: 'compares no tokens', make: settlesForAnybody },
  {
    name: 'names no end of its leases',
    make: onSource((source) => ({
      receive: async (room, signal) =>
        (await source.receive(room, signal)).map((one) => ({
          ...one,
          ownedUntilMs: Number.POSITIVE_INFINITY,
        })),
    })),
  },
  {
    name: 'says begun of what its take has not marked',
    make: onSource((source) => ({
      receive: async (room, signal) =>
        (await source.receive({ ...room, begins: false }, signal)).map((one) => ({
          ...one,
          isBegun: room.begins === true && one.crashes === 0,
        })),
    })),
  },
  {
    name: 'acknowledges what is to be retried',
    make: onSettle((one) => (one.kind === 'retry' ? acked(one) : one)),
  },
  {
    name: 'buries nothing',
    make: onSettle((one) => (one.kind === 'dead' ? acked(one) : one)),
  },
  {
    name: 'retries at once',
    make: onSettle((one) => (one.kind === 'retry' ? { ...one, delayMs: 0 } : one)),
  },
  {
    name: 'counts a release as a failure',
    make: onSettle((one) => {
      if (one.kind !== 'release') return one
      const error = { name: 'Error', message: 'released', worker: '', atMs: 0 }
      return { token: one.token, kind: 'retry', delayMs: one.delayMs, failures: 1, error }
    }),
  },
  {
    name: 'forgets crashes',
    make: onSource((source) => ({
      receive: async (room, signal) =>
        (await source.receive(room, signal)).map((one) => ({ ...one, crashes: 0 })),
    })),
  },
  { name: 'charges what a reader takes up again', make: chargesAgain },
  {
    name: 'charges what was only taken',
    make: onSession((session) => ({
      source: (channel, reader, on, signal) =>
        session.source(channel, { ...reader, charge: 'taken' }, on, signal),
    })),
  },
  { name: 'runs a suspect beside what another bus of its process runs', hasBusPerChannel: true },
  {
    name: 'hands out nothing that a reader could take up again',
    make: onSession((session) => ({
      source: (channel, reader, on, signal) =>
        session.source(channel, { ...reader, holding: allTokens(reader) }, on, signal),
    })),
  },
  {
    name: 'stores some messages twice',
    make: onPublisher((publisher) => ({
      async publish(batch, signal) {
        const outcomes = await publisher.publish(batch, signal)
        if (batch.some(({ id }) => id === 'm1')) await publisher.publish(batch.slice(0, 1), signal)
        return outcomes
      },
    })),
  },
  {
    name: 'says stored, and has it not',
    make: onPublisher((publisher) => ({
      async publish(batch, signal) {
        const kept = batch.filter(({ id }) => id !== 'm1')
        const outcomes = await publisher.publish(kept, signal)
        return batch.map(({ id }) =>
          id === 'm1'
            ? { state: 'stored', duplicate: false, position: '999' }
            : (outcomes[kept.findIndex((one) => one.id === id)] ?? {
                state: 'unknown',
                code: 'INTERNAL',
                message: 'no outcome',
              }),
        )
      },
    })),
  },
  {
    name: 'lets leases end by the wall clock',
    make: (_, clock) => memory({ clock: { ...clock, monotonicMs: () => clock.wallMs() } }),
  },
]

function onSession(change: (session: Session) => Partial<Session>): Make {
  return (driver) => ({
    ...driver,
    async open(on, signal) {
      const session = await driver.open(on, signal)
      const marks = session.marks?.bind(session)
      return {
        info: session.info,
        admin: session.admin,
        contract: (channel, abort) => session.contract(channel, abort),
        publisher: (channel, abort) => session.publisher(channel, abort),
        source: (channel, reader, events, abort) => session.source(channel, reader, events, abort),
        ...(marks ? { marks } : {}),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
        ...change(session),
      }
    },
  })
}

function onPublisher(change: (publisher: Publisher) => Partial<Publisher>): Make {
  return onSession((session) => ({
    async publisher(channel, signal) {
      const publisher = await session.publisher(channel, signal)
      return {
        publish: (batch, abort) => publisher.publish(batch, abort),
        [Symbol.asyncDispose]: () => publisher[Symbol.asyncDispose](),
        ...change(publisher),
      }
    },
  }))
}

function onSource(change: (source: Source, reader: ReaderSpec) => Partial<Source>): Make {
  return onSession((session) => ({
    async source(channel, reader, on, signal) {
      const source = await session.source(channel, reader, on, signal)
      return {
        leaseMs: source.leaseMs,
        receive: (room, abort) => source.receive(room, abort),
        settle: (batch, abort) => source.settle(batch, abort),
        renew: (begun, abort) => source.renew(begun, abort),
        stop: (abort) => source.stop(abort),
        [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
        ...change(source, reader),
      }
    },
  }))
}

function onSettle(change: (settlement: Settlement) => Settlement): Make {
  return onSource((source) => ({ settle: (batch) => source.settle(batch.map(change), never) }))
}

/** Whoever settles a message settles it, for its present owner too. */
function settlesForAnybody(driver: Driver, clock: Clock): Driver {
  const owners = new Map<string, { source: Source; delivery: Delivery }>()
  const positions = new Map<string, string>()
  const keyOf = ({ reader, serial }: Delivery['token']) => `${reader}#${serial}`
  return onSource((source, { group }) => ({
    async receive(room, signal) {
      const deliveries = await source.receive(room, signal)
      for (const delivery of deliveries) {
        const place = `${group}/${positionOf(delivery)}`
        owners.set(place, { source, delivery })
        positions.set(keyOf(delivery.token), place)
      }
      return deliveries
    },
    async settle(batch, signal) {
      const outcomes = await source.settle(batch, signal)
      for (const [n, settlement] of batch.entries()) {
        const owner = owners.get(positions.get(keyOf(settlement.token)) ?? '')
        if (outcomes[n] !== 'late' || !owner) continue
        await owner.source.settle([{ ...settlement, token: owner.delivery.token }], signal)
        outcomes[n] = 'settled'
      }
      return outcomes
    },
  }))(driver, clock)
}

/** A reader that reopens is charged for what it had in hand. */
function chargesAgain(driver: Driver, clock: Clock): Driver {
  const had = new Map<string, Set<string>>()
  return onSource((source, { reader }) => {
    const earlier = had.get(reader) ?? new Set<string>()
    const now = new Set(earlier)
    had.set(reader, now)
    return {
      async receive(room, signal) {
        const deliveries = await source.receive(room, signal)
        return deliveries.map((delivery) => {
          const position = positionOf(delivery)
          now.add(position)
          const isAgain = earlier.has(position) && delivery.failures === 0
          return isAgain ? { ...delivery, crashes: Number(delivery.crashes) + 1 } : delivery
        })
      },
    }
  })(driver, clock)
}

/** As if the runtime still had in hand whatever it was ever given. */
function allTokens({ reader }: ReaderSpec): ReaderSpec['holding'] {
  return Array.from({ length: 200 }, (_, serial) => ({ reader, serial }))
}
