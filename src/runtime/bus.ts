import { type Clock, systemClock } from '../core/clock.ts'
import type { Driver } from '../core/driver.ts'
import { NarrowcastError } from '../core/errors.ts'
import { randomName } from '../core/ids.ts'
import type { Pattern } from '../core/message.ts'
import type { Bus, Channel, ChannelOptions, DeclareChannel } from './api.ts'
import { busAdmin } from './busAdmin.ts'
import { whole } from './checks.ts'
import type { ChannelDefaults } from './config.ts'
import { Connection } from './connection.ts'
import { withDeadline } from './deadline.ts'
import { Declarations } from './declarations.ts'
import { Gate } from './gate.ts'
import { healthOf } from './health.ts'
import type { BusRelay } from './live/busRelay.ts'
import { openRelay } from './live/openRelay.ts'
import { seededRandom } from './random.ts'
import type { LoadOf } from './strategies/leastBusy.ts'

export interface BusOptions {
  /** Label of the worker ids. @default 'worker' */
  name?: string
  clock?: Clock
  /** Of the jitter. @default random */
  seed?: number
  /** What a channel is given when its call does not say. */
  channelDefaults?: (name: string, pattern: Pattern) => ChannelDefaults
  /** What telemetry knows of the workers. @default there is none */
  load?: LoadOf
  /** Ends the first connect. */
  signal?: AbortSignal
}

const closeMsDefault = 10_000

/** Opens a driver. @throws what the driver's `open` throws: CONNECT_FAILED, STORE_UNUSABLE, … */
export async function createBus(driver: Driver, options: BusOptions = {}): Promise<Bus> {
  const clock = options.clock ?? systemClock
  const random = options.seed === undefined ? Math.random : seededRandom(options.seed)
  const connection = new Connection(driver, clock, random)
  const { info } = await connection.open(options.signal ?? new AbortController().signal)
  const gate = new Gate()
  const incarnation = randomName()
  const workerRef = (label: string | null) => ({
    id: `${label ?? options.name ?? 'worker'}-${randomName()}`,
    incarnation,
  })
  const host = { connection, gate, clock, random, workerRef, load: options.load ?? null }
  const declarations = new Declarations(host, options.channelDefaults ?? (() => ({})))
  const relays = new Set<BusRelay>()
  let closing: Promise<void> | null = null

  const declare =
    (pattern: Pattern): DeclareChannel =>
    <In, Out>(name: string, wish: ChannelOptions<In, Out> = {}) => {
      if (closing !== null) throw new NarrowcastError('CLOSED', 'the bus was closed')
      const channel = declarations.declare(pattern, name, wish as ChannelOptions<never>)
      return channel as unknown as Channel<In, Out>
    }

  async function close(timeoutMs: number): Promise<void> {
    try {
      await withDeadline(clock, timeoutMs, null, null, async (deadline) => {
        deadline.addEventListener('abort', () => connection.giveUp())
        const ended = await Promise.allSettled([
          ...[...relays].map((one) => one[Symbol.asyncDispose]()),
          ...declarations.channels.map((one) => one.close(timeoutMs, deadline)),
        ])
        for (const one of ended) if (one.status === 'rejected') throw one.reason
      })
    } finally {
      await connection.close()
    }
  }

  const closeOnce = (timeoutMs: number): Promise<void> => {
    closing ??= close(timeoutMs)
    return closing
  }
  return {
    driver: driver.name,
    info,
    contracts: driver.contracts,
    admin: busAdmin(connection),
    broadcast: declare('broadcast'),
    narrowcast: declare('narrowcast'),
    queue: declare('queue'),
    stream: declare('stream'),
    relay: async (name, wish = {}) => {
      if (closing !== null) throw new NarrowcastError('CLOSED', 'the bus was closed')
      return openRelay(host, relays, name, wish)
    },
    health: () =>
      healthOf(
        connection.trouble,
        closing !== null,
        declarations.channels.flatMap(({ health }) => health),
      ),
    close: ({ timeoutMs } = {}) => closeOnce(whole('timeoutMs', timeoutMs, closeMsDefault, 0)),
    [Symbol.asyncDispose]: () => closeOnce(closeMsDefault),
  }
}
