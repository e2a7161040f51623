import { controlChannel, isOwnChannel, telemetryChannel, type WorkerRef } from '../core/channel.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { Driver } from '../core/driver.ts'
import { randomName } from '../core/ids.ts'
import { isLive, type Pattern } from '../core/message.ts'
import type { Bus, Channel, ChannelOptions, DeclareChannel } from './api.ts'
import { busAdmin } from './busAdmin.ts'
import type { BusChannel } from './busChannel.ts'
import { whole } from './checks.ts'
import { busClosed } from './closedErrors.ts'
import type { ChannelDefaults } from './config.ts'
import { Connection } from './connection.ts'
import { withDeadline } from './deadline.ts'
import { type AnyChannel, Declarations } from './declarations.ts'
import { Gate } from './gate.ts'
import { healthOf } from './health.ts'
import type { BusRelay } from './live/busRelay.ts'
import { openRelay } from './live/openRelay.ts'
import { seededRandom } from './random.ts'
import type { LoadOf } from './strategies/leastBusy.ts'
import { BusTelemetry } from './telemetry/busTelemetry.ts'
import { obey } from './telemetry/control.ts'
import { framesMax } from './telemetry/frames.ts'
import type { Tracing } from './tracing.ts'
import { untilAborted } from './untilAborted.ts'

export interface BusOptions {
  /** Label of the worker ids. @default 'worker' */
  name?: string
  clock?: Clock
  /** Of the jitter. @default random */
  seed?: number
  /** What a channel is given when its call does not say. */
  channelDefaults?: (name: string, pattern: Pattern) => ChannelDefaults
  /** Tells others once a second what this bus has come to. @default false */
  telemetry?: boolean
  /** Ends a worker that `narrowcast.control` says is to end. @default false */
  control?: boolean
  /** What is known of the workers. @default what telemetry tells, where that is on */
  load?: LoadOf
  /** Follows what is published and worked on. @default nobody */
  tracing?: Tracing
  /** Ends the first connect. */
  signal?: AbortSignal
}

type OwnChannel = BusChannel<unknown, unknown>

const closeMsDefault = 10_000
/** A frame that does not get through in time is covered by the next. */
const ownOptions = {
  inFlightMax: 2 * framesMax, // all frames of one telling, and an order or two
  publish: { timeoutMs: 1_000, retry: false },
} as const

/** Opens a driver. @throws what the driver's `open` throws: CONNECT_FAILED, STORE_UNUSABLE, … */
export async function createBus(driver: Driver, options: BusOptions = {}): Promise<Bus> {
  const clock = options.clock ?? systemClock
  const random = options.seed === undefined ? Math.random : seededRandom(options.seed)
  const connection = new Connection(driver, clock, random)
  const { info } = await connection.open(options.signal ?? new AbortController().signal)
  const gate = new Gate((isQuiet) => connection.quiet(isQuiet))
  const incarnation = randomName()
  const workerRef = (label: string | null) => ({
    id: `${label ?? options.name ?? 'worker'}-${randomName()}`,
    incarnation,
  })
  const isTold = options.telemetry && driver.contracts.broadcast
  const toldLoad = isTold ? (worker: WorkerRef) => telemetry.load(worker) : null
  const load = options.load ?? toldLoad
  const tracing = options.tracing ?? null
  const host = { connection, gate, clock, random, workerRef, load, tracing }
  const declarations = new Declarations(host, options.channelDefaults ?? (() => ({})))
  const relays = new Set<BusRelay>()
  const own = (name: string) =>
    driver.contracts.broadcast
      ? (declarations.declare('broadcast', name, ownOptions) as unknown as OwnChannel)
      : null
  const others = () => usersChannels(declarations)
  const telemetry = new BusTelemetry(
    {
      bus: incarnation,
      channel: () => own(telemetryChannel),
      channels: others,
      relays: () => [...relays].map(({ frame }) => frame),
      control: options.control ?? false,
    },
    options.telemetry ?? false,
  )
  // Not awaited: who is told to stop need not wait for who is told to drain.
  if (options.control) own(controlChannel)?.subscribe((data: unknown) => obey(data, others()))
  const parts = { connection, declarations, relays, telemetry }
  let closing: Promise<void> | null = null

  const declare =
    (pattern: Pattern): DeclareChannel =>
    <In, Out>(name: string, wish: ChannelOptions<In, Out> = {}) => {
      if (closing !== null) throw busClosed()
      const channel = declarations.declare(pattern, name, wish as ChannelOptions<never>)
      return channel as unknown as Channel<In, Out>
    }

  const closeOnce = (timeoutMs: number): Promise<void> => {
    closing ??= closeAll(parts, clock, timeoutMs)
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
      if (closing !== null) throw busClosed()
      return openRelay(host, relays, name, wish)
    },
    telemetry: {
      add: (section) => telemetry.add(section),
      watch: async () => {
        if (closing !== null) throw busClosed()
        return telemetry.watch()
      },
    },
    health: () =>
      healthOf(
        connection.trouble,
        closing !== null,
        others().flatMap(({ health }) => health),
        others().flatMap(({ refusal }) => refusal ?? []),
      ),
    close: ({ timeoutMs } = {}) => closeOnce(whole('timeoutMs', timeoutMs, closeMsDefault, 0)),
    [Symbol.asyncDispose]: () => closeOnce(closeMsDefault),
  }
}

interface Parts {
  readonly connection: Connection
  readonly declarations: Declarations
  readonly relays: ReadonlySet<BusRelay>
  readonly telemetry: BusTelemetry
}

/** Ends what works first, then tells the last of it, then ends what it was told by. */
async function closeAll(parts: Parts, clock: Clock, timeoutMs: number): Promise<void> {
  const { connection, declarations, relays, telemetry } = parts
  const endMs = clock.monotonicMs() + timeoutMs
  try {
    await withDeadline(clock, timeoutMs, null, null, async (deadline) => {
      deadline.addEventListener('abort', () => connection.giveUp())
      const leftMs = () => Math.max(0, Math.ceil(endMs - clock.monotonicMs()))
      const close = (one: AnyChannel) => one.close(leftMs(), deadline)
      const channels = usersChannels(declarations)
      const live = channels.filter(({ pattern }) => isLive(pattern))
      const ended = await Promise.allSettled([
        closeLive(live, relays, close, deadline),
        ...channels.filter((one) => !live.includes(one)).map(close),
      ])
      await telemetry.close({ tells: connection.trouble === null })
      await Promise.all(declarations.channels.map(close))
      for (const one of ended) if (one.status === 'rejected') throw one.reason
    })
  } finally {
    await connection.close()
  }
}

/** On a live pattern a message that meets nobody is gone: who takes goes after who gives. */
async function closeLive(
  channels: readonly AnyChannel[],
  relays: ReadonlySet<BusRelay>,
  close: (one: AnyChannel) => Promise<void>,
  deadline: AbortSignal,
): Promise<void> {
  await Promise.all(channels.map((one) => one.flush(deadline)))
  const relayed = Promise.all([...relays].map((one) => one.close(deadline)))
  await untilAborted(relayed, deadline).catch(() => undefined) // awaited below
  await Promise.all([relayed, ...channels.map(close)])
}

/** All but those of our own. */
function usersChannels({ channels }: Declarations): readonly AnyChannel[] {
  return channels.filter(({ name }) => !isOwnChannel(name))
}
