import assert from 'node:assert/strict'
import type { ChannelSpec, SubscriberSpec, WorkerRef } from '../../core/channel.ts'
import type { GapWhy, Lead, Live, LiveSource, SendOutcome, Session } from '../../core/driver.ts'
import { randomName } from '../../core/ids.ts'
import type { Count, IncomingMessage, OutgoingMessage, PublishOutcome } from '../../core/message.ts'
import type { World } from './case.ts'
import { offered, publish, type TakeRoom } from './steps.ts'

export function liveOf(session: Session): Live {
  return offered(session.live, 'live')
}

/** One live subscriber, or the relay that leads, with what it was told. */
export interface Joined<S extends LiveSource = LiveSource> {
  readonly worker: WorkerRef
  readonly source: S
  readonly gaps: { readonly missed: Count; readonly why: GapWhy }[]
}

export interface JoinOptions extends Partial<SubscriberSpec> {
  readonly session?: Session
  readonly signal?: AbortSignal
}

function subscriber(channel: ChannelSpec, over: Partial<SubscriberSpec>): SubscriberSpec {
  return {
    worker: { id: `worker-${randomName()}`, incarnation: 'one' },
    leaseMs: channel.leaseMs,
    hold: { messages: 10_000, bytes: 64 * 1_048_576 },
    ...over,
  }
}

export async function subscribe(
  world: World,
  channel: ChannelSpec,
  { session = world.session, signal = world.signal, ...over }: JoinOptions = {},
): Promise<Joined> {
  const spec = subscriber(channel, over)
  const gaps: Joined['gaps'] = []
  const on = { gap: (missed: Count, why: GapWhy) => gaps.push({ missed, why }) }
  const subscribing = liveOf(session).subscribe(channel, spec, on, signal)
  return { worker: spec.worker, source: await world.until(subscribing), gaps }
}

/** Resolves when it leads. */
export async function lead(
  world: World,
  channel: ChannelSpec,
  { session = world.session, signal = world.signal, ...over }: JoinOptions = {},
): Promise<Joined<Lead>> {
  const spec = subscriber(channel, over)
  const gaps: Joined['gaps'] = []
  const on = { gap: (missed: Count, why: GapWhy) => gaps.push({ missed, why }) }
  const live = liveOf(session)
  const leading = offered(live.lead, 'lead').call(live, channel, spec, on, signal)
  return { worker: spec.worker, source: await leading, gaps }
}

/** Whoever is handed messages on this row: a subscriber, a worker, the relay that leads. */
export function join(
  world: World,
  channel: ChannelSpec,
  options: JoinOptions = {},
): Promise<Joined> {
  if (world.row !== 'narrowcast-relay') return subscribe(world, channel, options)
  return world.until(lead(world, channel, options))
}

export async function send(
  world: World,
  channel: ChannelSpec,
  to: readonly WorkerRef[],
  messages: readonly OutgoingMessage[],
  by: Lead | null = null,
  session: Session = world.session,
): Promise<SendOutcome[]> {
  const live = liveOf(session)
  const batch = messages.flatMap((message) => to.map((worker) => ({ to: worker, message })))
  const sending = offered(live.send, 'send').call(live, channel, batch, by, world.signal)
  const outcomes = await world.until(sending)
  assert.equal(outcomes.length, batch.length, 'one outcome per message')
  return outcomes
}

/**
 * Hands messages to who has joined; returns to how many receivers each of them went, and 1 for any
 * number where that is not counted.
 */
export async function hand(
  world: World,
  channel: ChannelSpec,
  { worker }: Joined,
  messages: readonly OutgoingMessage[],
  session: Session = world.session,
): Promise<number[]> {
  if (world.row === 'narrowcast') {
    const outcomes = await send(world, channel, [worker], messages, null, session)
    return outcomes.map((outcome) => {
      assert.ok(outcome === 'handed' || outcome === 'nobody', outcome)
      return outcome === 'handed' ? 1 : 0
    })
  }
  const outcomes = await publish(world, channel, messages, session)
  return outcomes.map((outcome) => {
    return receiversOf(world, outcome) ?? 1
  })
}

/** What `hand` returns where nobody is there: where publishers are told nothing, that too. */
export const toNobody = ({ claimed }: World): number => (claimed.receivers === 'no' ? 1 : 0)

/** What its publisher was told; null: somebody was there, and it was told no more. */
export function receiversOf({ claimed }: World, outcome: PublishOutcome): number | null {
  assert.ok(outcome.state === 'stored')
  const { receivers = null } = outcome
  if (claimed.receivers === 'counted') assert.ok(receivers !== null)
  else assert.ok(receivers === null || (receivers === 0 && claimed.receivers === 'whether-any'))
  return receivers
}

export const handedIds = (messages: readonly IncomingMessage[]): string[] =>
  messages.map(({ id }) => id)

/** One `receive`, which must bring something. */
export async function receiveLive(
  world: World,
  { source }: Joined,
  { messages = 1_000, bytes = 64 * 1_048_576 }: TakeRoom = {},
): Promise<IncomingMessage[]> {
  const got = await world.until(source.receive({ messages, bytes }, world.signal))
  world.signal.throwIfAborted()
  assert.ok(got.length > 0, 'receive resolved with nothing, and nobody had aborted it')
  assert.ok(got.length <= messages, `receive brought ${got.length}, with room for ${messages}`)
  return got
}

/** The ids of the next `count` messages. */
export async function takeIds(
  world: World,
  joined: Joined,
  count: number,
  room: TakeRoom = {},
): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const messages = Math.min(room.messages ?? 1_000, count - ids.length)
    ids.push(...handedIds(await receiveLive(world, joined, { ...room, messages })))
  }
  return ids
}

/** Receives for a while and expects nothing. */
export async function takeNoMessage(world: World, { source }: Joined, ms = 40): Promise<void> {
  const abort = new AbortController()
  const room = { messages: 1_000, bytes: 1_048_576 }
  const receiving = source.receive(room, AbortSignal.any([abort.signal, world.signal]))
  await world.pass(ms)
  abort.abort()
  assert.deepEqual(handedIds(await world.until(receiving)), [])
}

const endOf = ({ row }: World) => ({ code: row === 'narrowcast-relay' ? 'FENCED' : 'NOT_FOUND' })

/** A receive that waits now ends, because its subscriber does. */
export function waitForEnd(world: World, { source }: Joined): Promise<void> {
  return assert.rejects(source.receive({ messages: 1, bytes: 1_000 }, world.signal), endOf(world))
}

/** Every call of one who is no longer there says so. */
export async function expectEnded(world: World, joined: Joined): Promise<void> {
  await world.until(waitForEnd(world, joined))
  await assert.rejects(world.until(joined.source.renew(world.signal)), endOf(world))
}
