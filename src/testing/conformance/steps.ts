import assert from 'node:assert/strict'
import type { ChannelSpec, ReaderSpec } from '../../core/channel.ts'
import type { LostWhy, Publisher, Session, Source } from '../../core/driver.ts'
import { randomName } from '../../core/ids.ts'
import type {
  DeadLetter,
  Delivery,
  ErrorInfo,
  OutgoingMessage,
  PublishOutcome,
  Settlement,
  SettleOutcome,
  Token,
} from '../../core/message.ts'
import type { World } from './case.ts'

/** A lease that is meant to end, at any moment. */
export const shortLeaseMs = 250
/** A lease that is meant to end, but not before a loaded machine has done what comes first. */
export const endingLeaseMs = 1_500
/** A lease that is not to end while it is renewed. */
export const keptLeaseMs = 3_000
/** A delay that is meant to pass, but not before that either. */
export const seenDelayMs = 1_500

const batchMax = 500

/** The group of a case that needs only one; null on a queue. */
export function groupOf(world: World): string | null {
  return world.pattern === 'stream' ? 'first-group' : null
}

export function outgoing(id: string, over: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    id,
    key: null,
    timeMs: 1_700_000_000_000,
    headers: {},
    delayMs: 0,
    redrives: 0,
    dedupeId: null,
    type: 'conformance',
    source: 'narrowcast',
    body: JSON.stringify({ id }),
    ...over,
  }
}

/** `count` messages with the ids `<prefix>0`, `<prefix>1` … */
export function several(count: number, prefix = 'm'): OutgoingMessage[] {
  return Array.from({ length: count }, (_, n) => outgoing(`${prefix}${n}`))
}

/** Messages of these ids: `a1` has the key `a`, `-1` has none. */
export function byKey(...ids: string[]): OutgoingMessage[] {
  return ids.map((id) => outgoing(id, { key: id.startsWith('-') ? null : id.slice(0, 1) }))
}

export const idsOf = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(({ message }) => message.id)

/** A channel of its own, declared. */
export async function declare(world: World, over: Partial<ChannelSpec> = {}): Promise<ChannelSpec> {
  const channel = world.channel(over)
  const made = await world.session.admin.ensure(channel, world.signal)
  assert.equal(made.state, 'created')
  return channel
}

export async function publisherOf(
  world: World,
  channel: ChannelSpec,
  session: Session = world.session,
): Promise<Publisher> {
  return session.publisher(channel, world.signal)
}

/** Publishes and expects every message to be stored. */
export async function publish(
  world: World,
  channel: ChannelSpec,
  messages: readonly OutgoingMessage[],
  session: Session = world.session,
): Promise<PublishOutcome[]> {
  await using publisher = await publisherOf(world, channel, session)
  const outcomes: PublishOutcome[] = []
  const isByKey = world.order === 'block' || world.order === 'skip'
  const all = isByKey ? messages.map((one) => ({ ...one, key: one.key ?? one.id })) : messages
  for (let at = 0; at < all.length; at += batchMax) {
    const batch = all.slice(at, at + batchMax)
    outcomes.push(...(await world.until(publisher.publish(batch, world.signal))))
  }
  assert.equal(outcomes.length, messages.length)
  for (const outcome of outcomes) assert.equal(outcome.state, 'stored', JSON.stringify(outcome))
  return outcomes
}

/** A source with what it was told about lost tokens. */
export interface Opened {
  readonly name: string
  readonly source: Source
  readonly lost: { readonly tokens: readonly Token[] | 'all'; readonly why: LostWhy }[]
}

export interface OpenOptions extends Partial<ReaderSpec> {
  readonly session?: Session
}

export async function openReader(
  world: World,
  channel: ChannelSpec,
  options: OpenOptions = {},
): Promise<Opened> {
  const { session = world.session, ...over } = options
  const lost: Opened['lost'] = []
  const name = over.reader ?? `reader-${randomName()}`
  const spec: ReaderSpec = {
    reader: name,
    worker: { id: `worker-${name}`, incarnation: 'one' },
    group: groupOf(world),
    holding: [],
    hold: { messages: 10_000, bytes: 64 * 1_048_576 },
    leaseMs: channel.leaseMs,
    charge: 'taken',
    from: 'first',
    order: world.order,
    ...over,
  }
  const events = {
    lost: (tokens: readonly Token[] | 'all', why: LostWhy) => lost.push({ tokens, why }),
  }
  const source = await session.source(channel, spec, events, world.signal)
  return { name, source, lost }
}

export interface TakeRoom {
  readonly begins?: boolean
  readonly messages?: number
  readonly bytes?: number
}

/** One `receive`, which must bring something. */
export async function receive(
  world: World,
  { source }: Opened,
  { messages = 1_000, bytes = 64 * 1_048_576, begins = false }: TakeRoom = {},
): Promise<Delivery[]> {
  const got = await world.until(source.receive({ messages, bytes, begins }, world.signal))
  world.signal.throwIfAborted()
  assert.ok(got.length > 0, 'receive resolved with nothing, and nobody had aborted it')
  assert.ok(got.length <= messages, `receive brought ${got.length}, with room for ${messages}`)
  return got
}

/** Receives until `count` deliveries are here. */
export async function take(
  world: World,
  opened: Opened,
  count: number,
  room: TakeRoom = {},
): Promise<Delivery[]> {
  const all: Delivery[] = []
  while (all.length < count) {
    const messages = Math.min(room.messages ?? 1_000, count - all.length)
    all.push(...(await receive(world, opened, { ...room, messages })))
  }
  return all
}

/** Receives for a while and expects nothing. */
export async function takeNothing(world: World, { source }: Opened, ms = 40): Promise<void> {
  const abort = new AbortController()
  const room = { messages: 1_000, bytes: 1_048_576 }
  const receiving = source.receive(room, AbortSignal.any([abort.signal, world.signal]))
  await world.pass(ms)
  abort.abort()
  assert.deepEqual(idsOf(await world.until(receiving)), [])
}

export async function settle(
  world: World,
  { source }: Opened,
  batch: readonly Settlement[],
): Promise<SettleOutcome[]> {
  const outcomes = await world.until(source.settle(batch, world.signal))
  assert.equal(outcomes.length, batch.length, 'one outcome per settlement')
  return outcomes
}

/** What a settlement that was carried out is answered: a broker that says nothing has been sent it. */
export function done({ claimed }: Pick<World, 'claimed'>): SettleOutcome {
  return claimed.settle === 'confirmed' ? 'settled' : 'sent'
}

/** Acknowledges and expects each to be settled. */
export async function ack(
  world: World,
  opened: Opened,
  deliveries: readonly Delivery[],
): Promise<void> {
  const acks = deliveries.map(({ token }) => ({ token, kind: 'ack' }) as const)
  const outcomes = await settle(world, opened, acks)
  assert.deepEqual(outcomes, Array(acks.length).fill(done(world)))
}

export function failure(over: Partial<ErrorInfo> = {}): ErrorInfo {
  return {
    name: 'Error',
    message: 'it broke',
    worker: 'worker-x',
    atMs: 1_700_000_000_123,
    ...over,
  }
}

export function letter(
  world: World,
  channel: ChannelSpec,
  over: Partial<DeadLetter> = {},
): DeadLetter {
  return {
    cause: 'verdict',
    reason: 'of no use',
    error: null,
    failures: 0,
    crashes: 0,
    redrives: 0,
    firstFailedMs: null,
    diedMs: 1_700_000_000_456,
    channel: channel.name,
    group: groupOf(world),
    worker: 'worker-x',
    ...over,
  }
}

/** Looks again until the check holds; the last failure counts. */
export async function eventually(world: World, check: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await check()
    } catch (error) {
      if (tries >= 200 || world.signal.aborted) throw error
      await world.pass(25)
    }
  }
}

/** The call must be there: the contract says so. */
export function offered<F>(call: F | undefined, name: string): F {
  assert.ok(call, `the contract offers ${name}, the driver has no such call`)
  return call
}
