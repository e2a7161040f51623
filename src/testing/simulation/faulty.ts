import type { ChannelSpec } from '../../core/channel.ts'
import type {
  Admin,
  Driver,
  Live,
  Marks,
  Publisher,
  Session,
  SessionEvents,
  Source,
} from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../../core/message.ts'
import { faultyLive } from './faultyLive.ts'
import { Connection, type Network } from './network.ts'
import type { Process } from './process.ts'

const never = new AbortController().signal
const nobody = { messages: 0, oldestMs: 0 }

/** A driver as one process has it: over connections that are slow, and break. */
export interface FaultyDriver extends Driver {
  /** Breaks every connection that is open, and says how many that were. */
  drop(): number
}

export function faulty(driver: Driver, process: Process, network: Network): FaultyDriver {
  const open = new Set<FaultySession>()
  const isLease = Object.values(driver.contracts).some(
    ({ fencing }) => fencing === 'connection' || fencing === 'generation',
  )
  return {
    name: driver.name,
    contracts: driver.contracts,
    async open(on) {
      await process.gate()
      await network.travel()
      await process.gate()
      if (network.isDown) {
        throw new NarrowcastError('CONNECT_FAILED', `${process.name}: the broker is away`)
      }
      const session = new FaultySession(
        await driver.open({ closed: () => {} }, never),
        new Connection(process, network),
        on,
        isLease,
      )
      open.add(session)
      return session
    },
    drop() {
      const { size } = open
      for (const session of open) session.drop()
      open.clear()
      return size
    },
  }
}

class FaultySession implements Session {
  readonly info: Session['info']
  readonly admin: Admin
  readonly live?: Live
  readonly #session: Session
  readonly #connection: Connection
  readonly #on: SessionEvents
  /** What it holds goes to others when its connection ends. */
  readonly #isLease: boolean

  constructor(session: Session, connection: Connection, on: SessionEvents, isLease: boolean) {
    this.#session = session
    this.#connection = connection
    this.#on = on
    this.#isLease = isLease
    connection.process.onKill(() => this.#ended())
    this.info = session.info
    if (session.live) this.live = faultyLive(session.live, connection, () => this.drop())
    this.admin = {
      ...session.admin,
      ensure: (channel) => connection.call(() => session.admin.ensure(channel, never)),
    }
  }

  drop(): void {
    this.#connection.break((error) => this.#on.closed(error))
    this.#ended()
  }

  #ended(): void {
    if (this.#isLease) void this.#session[Symbol.asyncDispose]()
  }

  contract(channel: ChannelSpec) {
    return this.#connection.call(() => this.#session.contract(channel, never))
  }

  async publisher(channel: ChannelSpec): Promise<Publisher> {
    const publisher = await this.#connection.call(() => this.#session.publisher(channel, never))
    return {
      publish: (batch) => this.#publish(publisher, batch),
      [Symbol.asyncDispose]: async () => {},
    }
  }

  async source(...[channel, reader, on]: Parameters<Session['source']>): Promise<Source> {
    const connection = this.#connection
    const { process } = connection
    let isOver = false
    const source = await connection.call(() =>
      this.#session.source(
        channel,
        reader,
        {
          lost(tokens, why) {
            if (process.isDead || connection.isBroken) return
            if (!process.isFrozen) on.lost(tokens, why)
            else void process.gate().then(() => isOver || on.lost(tokens, why))
          },
        },
        never,
      ),
    )
    const lose = () => this.drop()
    return {
      leaseMs: source.leaseMs,
      receive: (room, signal) =>
        connection.waiting(signal, (atBroker) => source.receive(room, atBroker)),
      settle: (batch) => this.#mayFail(() => source.settle(batch, never)),
      renew: (begun) => connection.call(() => source.renew(begun, never), lose),
      ...(source.deliverable && {
        deliverable: () => connection.call(async () => source.deliverable?.(never) ?? nobody),
      }),
      stop: () => connection.call(() => source.stop(never), lose),
      [Symbol.asyncDispose]: async () => {
        isOver = true
        await connection.last(async () => source[Symbol.asyncDispose]())
      },
    }
  }

  marks(channel: ChannelSpec, group: string | null, windowMs: number): Marks {
    const marks = this.#session.marks?.(channel, group, windowMs)
    if (!marks) throw new Error('the driver lends no marks')
    return {
      claim: (ids, by, leaseMs) => this.#mayFail(() => marks.claim(ids, by, leaseMs, never)),
      finish: (ids, by, keepMs) => this.#mayFail(() => marks.finish(ids, by, keepMs, never)),
    }
  }

  /** What a process leaves behind when it does not die: nothing, if its connection still stands. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.last(async () => this.#session[Symbol.asyncDispose]())
  }

  /** Fails before it is done, or is done and nobody says so. */
  async #mayFail<T>(run: () => Promise<T>): Promise<T> {
    const { network } = this.#connection
    return this.#connection.call(
      async () => {
        if (network.happens('refused')) {
          throw new NarrowcastError('UNAVAILABLE', 'the broker cannot do it now')
        }
        const answer = await run()
        if (network.happens('unknown')) throw new NarrowcastError('TIMEOUT', 'no answer in time')
        return answer
      },
      () => this.drop(),
    )
  }

  async #publish(
    publisher: Publisher,
    batch: readonly OutgoingMessage[],
  ): Promise<PublishOutcome[]> {
    const { network } = this.#connection
    const all = (
      state: 'refused' | 'unknown',
      code: 'UNAVAILABLE' | 'TIMEOUT' | 'CONNECTION_LOST',
    ) => batch.map((): PublishOutcome => ({ state, code, message: 'as the weather is' }))
    if (this.#connection.isBroken) return all('refused', 'CONNECTION_LOST')
    const attempt = async () => {
      if (network.happens('refused')) return all('refused', 'UNAVAILABLE')
      if (network.happens('unknown')) return all('unknown', 'TIMEOUT')
      const outcomes = await publisher.publish(batch, never)
      return network.happens('unknown') ? all('unknown', 'TIMEOUT') : outcomes
    }
    try {
      return await this.#connection.call(attempt, () => this.drop())
    } catch {
      return all('unknown', 'CONNECTION_LOST')
    }
  }
}
