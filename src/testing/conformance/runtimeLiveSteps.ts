import assert from 'node:assert/strict'
import type {
  Channel,
  ChannelOptions,
  Handler,
  SubscribeOptions,
  Subscription,
} from '../../runtime/api.ts'
import type { Relay, RelayOptions } from '../../runtime/live/relayApi.ts'
import { eventually, heard } from './runtimeSteps.ts'
import type { Node, RuntimeWorld } from './runtimeWorld.ts'

/** Long enough for a subscriber that gives no sign of life to count as gone. */
export const goneMs = 4_000
/** Of a relay that is meant to be replaced. */
export const relayLeaseMs = 2_000

/** What each subscriber was given, in order. */
export type Seen = Map<string, number[]>

export interface Joined {
  readonly node: Node
  readonly channel: Channel<number>
  readonly worker: Subscription
}

/** Subscribes on a node of its own, and waits until it is there. */
export async function join(
  world: RuntimeWorld,
  handler: Handler<number>,
  options: SubscribeOptions<number> = {},
): Promise<Joined> {
  const node = await world.node()
  const channel = node.channel<number>()
  const worker = channel.subscribe(handler, options)
  worker.on('error', () => {}) // each case listens to what it is about
  await world.until(worker.ready())
  return { node, channel, worker }
}

/** One that only notes what it is given. */
export function joinNoting(world: RuntimeWorld, seen: Seen, name: string): Promise<Joined> {
  const given: number[] = []
  seen.set(name, given)
  return join(world, (n) => void given.push(n), { concurrency: 4 })
}

/** A publisher; by relay with one that leads, on a node of its own. */
export async function publisher(
  world: RuntimeWorld,
  options: ChannelOptions<number> = {},
): Promise<Channel<number>> {
  if (world.row === 'narrowcast-relay') await leader(world)
  return (await world.node()).channel<number>(options)
}

export interface Relaying {
  readonly node: Node
  readonly relay: Relay
  readonly errors: { id: string | null; error: Error }[]
}

export async function relaying(world: RuntimeWorld, options: RelayOptions = {}): Promise<Relaying> {
  const node = await world.node()
  const relay = await world.until(node.bus.relay(world.name, options))
  return { node, relay, errors: heard(relay, 'error') }
}

export async function leader(world: RuntimeWorld, options: RelayOptions = {}): Promise<Relaying> {
  const made = await relaying(world, options)
  await world.until(made.relay.ready())
  return made
}

/** Publishes 0 … count − 1, one after the other, with ids that say so. */
export async function publishMany(
  world: RuntimeWorld,
  channel: Channel<number>,
  numbers: readonly number[],
): Promise<void> {
  const batch = numbers.map((data) => ({ data, options: { id: `m${data}`, key: `k${data}` } }))
  for (const answer of await world.until(channel.publishMany(batch))) {
    assert.ok(!(answer instanceof Error), String(answer))
  }
}

export const upTo = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, n) => from + n)

/** Everything that anybody was given, sorted. */
export const all = (seen: Seen): number[] => [...seen.values()].flat().sort((a, b) => a - b)

export function allSeen(
  world: RuntimeWorld,
  seen: Seen,
  numbers: readonly number[],
): Promise<void> {
  return eventually(world, () =>
    assert.deepEqual(
      all(seen),
      [...numbers].sort((a, b) => a - b),
    ),
  )
}
