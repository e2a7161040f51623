import type { ChannelSpec, Ordering } from '../../core/channel.ts'
import { systemClock } from '../../core/clock.ts'
import { contractRow } from '../../core/contract.ts'
import type { Driver, Session } from '../../core/driver.ts'
import { randomName } from '../../core/ids.ts'
import type { Pattern } from '../../core/message.ts'
import type { VirtualClock } from '../virtualClock.ts'
import type { World } from './case.ts'

export interface WorldOptions {
  readonly driver: Driver
  readonly pattern: Pattern
  /** Of a narrowcast: who picks the worker. @default 'direct' */
  readonly via?: ChannelSpec['via']
  /** The clock that the driver was given; without it real time passes. */
  readonly clock?: VirtualClock
  /** In which order the cases read. @default as the group has it */
  readonly order?: Ordering
  readonly signal?: AbortSignal
}

const never = new AbortController().signal
/** Nothing in a case takes longer on a clock of its own. */
const virtualMsMax = 86_400_000

/** Opens a first session. Disposing closes every session that the case has opened. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const { driver, pattern, via = 'direct', clock, order = null, signal = never } = options
  const row = contractRow({ pattern, via })
  const claimed = driver.contracts[row]
  if (!claimed) throw new Error(`${driver.name} has no ${row}`)
  const sessions: Session[] = []
  const open = async () => {
    const session = await driver.open({ closed: () => {} }, signal)
    sessions.push(session)
    return session
  }
  const run = randomName()
  let channels = 0
  return {
    driver,
    pattern,
    row,
    claimed,
    isExact: clock !== undefined,
    order,
    signal,
    session: await open(),
    open,
    channel: (over = {}) =>
      channelSpec(`conformance.${run}.${++channels}`, pattern, { via, ...over }),
    pass: (ms) => (clock ? clock.advance(ms) : systemClock.sleep(ms, signal)),
    until: (promise) => (clock ? clock.runUntil(promise, virtualMsMax) : promise),
    wallMs: () => (clock ?? systemClock).wallMs(),
    async [Symbol.asyncDispose]() {
      for (const session of sessions.reverse()) await session[Symbol.asyncDispose]()
    },
  }
}

function channelSpec(name: string, pattern: Pattern, over: Partial<ChannelSpec>): ChannelSpec {
  return {
    name,
    pattern,
    via: 'direct',
    leaseMs: 30_000,
    envelope: true,
    payloadBytesMax: 1_048_576,
    dedupeWindowMs: null,
    retention: { ageMs: null, messages: null, bytes: null },
    ...over,
  }
}
