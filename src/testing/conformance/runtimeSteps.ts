import assert from 'node:assert/strict'
import type { DeadEntry, Depth } from '../../core/driver.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { Count } from '../../core/message.ts'
import type { SubscriptionEvents, Watched } from '../../runtime/api.ts'
import type { Node, RuntimeWorld } from './runtimeWorld.ts'

/** A lease that is meant to end, at any moment. */
export const shortLeaseMs = 300
/** A lease that is not to end while somebody lives, though it is waited for: a loaded machine renews it. */
export const keptLeaseMs = 2_000
/** Retries come soon. */
export const soon = { delayMsMin: 1, delayMsMax: 5 }

/** Looks again until the check holds; the last failure counts. */
export async function eventually(
  world: RuntimeWorld,
  check: () => void | Promise<void>,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await check()
    } catch (error) {
      if (tries >= 500 || world.signal.aborted) throw error
      await world.pass(20)
    }
  }
}

/** Every event of one kind. */
export function heard<E extends keyof SubscriptionEvents>(
  watched: Watched,
  event: E,
): SubscriptionEvents[E][] {
  const all: SubscriptionEvents[E][] = []
  watched.on(event, (what) => all.push(what))
  return all
}

/** As the broker has it, or as all sessions of the world have seen it where it does not tell. */
export async function depthOf(world: RuntimeWorld, { bus }: Node): Promise<Depth> {
  const { name, pattern } = world
  const [depth] = await world.until(bus.admin.depths([{ name, pattern }]))
  assert.ok(depth, 'the channel is there')
  const told = (count: Count, counted: number) => (count === 'unknown' ? counted : count)
  const { tally } = world
  return {
    ...depth,
    inFlight: told(depth.inFlight, tally.inFlight),
    in: told(depth.in, tally.in),
    out: told(depth.out, tally.out),
  }
}

/** Waits until so many messages have come to their end, and nothing is left to do. */
export async function workedOff(world: RuntimeWorld, node: Node, count: number): Promise<Depth> {
  await eventually(world, async () => {
    const { waiting, inFlight, scheduled, out, dead } = await depthOf(world, node)
    const left = [waiting, inFlight, scheduled]
    assert.deepEqual([...left, Number(out) + Number(dead)], [0, 0, 0, count])
  })
  return depthOf(world, node)
}

export async function deadOf(world: RuntimeWorld, { bus }: Node): Promise<DeadEntry[]> {
  const { name, pattern } = world
  const query = { cursor: null, limit: 100, newestFirst: false }
  return (await world.until(bus.admin.deadLetters({ name, pattern }, null, query))).items
}

/** Codes of what was heard as `error`. */
export const codesOf = (errors: readonly SubscriptionEvents['error'][]): ErrorCode[] =>
  errors.map(({ error }) => error.code)
