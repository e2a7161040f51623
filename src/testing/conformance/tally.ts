import type { Session, Source } from '../../core/driver.ts'

/** What went through the sessions of a world, for brokers that do not tell it. */
export class Tally {
  /** Messages that were stored. */
  in = 0
  /** Messages that were acknowledged. */
  out = 0
  readonly #held = new Map<Source, Set<number>>()

  get inFlight(): number {
    return [...this.#held.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** The same session, of which this keeps count. */
  of(session: Session): Session {
    const { marks } = session
    const hands = new Set<Set<number>>()
    return {
      info: session.info,
      admin: session.admin,
      ...(session.live ? { live: session.live } : {}),
      ...(marks ? { marks: marks.bind(session) } : {}),
      contract: session.contract.bind(session),
      publisher: async (channel, signal) => {
        const publisher = await session.publisher(channel, signal)
        return {
          publish: async (batch, abort) => {
            const outcomes = await publisher.publish(batch, abort)
            this.in += outcomes.filter((one) => one.state === 'stored' && !one.duplicate).length
            return outcomes
          },
          [Symbol.asyncDispose]: () => publisher[Symbol.asyncDispose](),
        }
      },
      source: async (channel, reader, on, signal) => {
        const held = new Set<number>()
        hands.add(held)
        const lost: typeof on.lost = (tokens, why) => {
          if (tokens === 'all') held.clear()
          else for (const { serial } of tokens) held.delete(serial)
          on.lost(tokens, why)
        }
        const source = await session.source(channel, reader, { ...on, lost }, signal)
        this.#held.set(source, held)
        return this.#counting(source, held)
      },
      [Symbol.asyncDispose]: async () => {
        await session[Symbol.asyncDispose]()
        for (const held of hands) held.clear()
      },
    }
  }

  #counting(source: Source, held: Set<number>): Source {
    const { deliverable } = source
    return {
      leaseMs: source.leaseMs,
      renew: source.renew.bind(source),
      ...(deliverable ? { deliverable: deliverable.bind(source) } : {}),
      receive: async (room, signal) => {
        const got = await source.receive(room, signal)
        for (const { token } of got) held.add(token.serial)
        return got
      },
      settle: async (batch, signal) => {
        const outcomes = await source.settle(batch, signal)
        batch.forEach(({ token, kind }, at) => {
          if (!held.delete(token.serial)) return
          if (kind === 'ack' && outcomes[at] !== 'late') this.out++
        })
        return outcomes
      },
      stop: async (signal) => {
        const got = await source.stop(signal)
        for (const { token } of got) held.add(token.serial)
        return got
      },
      [Symbol.asyncDispose]: async () => {
        await source[Symbol.asyncDispose]()
        held.clear()
      },
    }
  }
}
