import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import type { ChannelSpec, Ordering } from '../../src/core/channel.ts'
import { randomName } from '../../src/core/ids.ts'
import type { DeadLetter, ErrorInfo, Settlement, Token } from '../../src/core/message.ts'
import { parseBrokerUrl } from '../../src/core/url.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { Queue } from '../../src/drivers/redis/list/queue.ts'
import { targetOf } from '../../src/drivers/redis/options.ts'
import { openServers } from '../../src/drivers/redis/servers.ts'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'
import { faultsOf } from './redisListFaults.ts'
import { Model } from './redisListModel.ts'

const { redis: server, missing } = await obtainRedis()
afterAll(async () => await server?.stop())

const never = new AbortController().signal
const steps = 250

/** The same numbers for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const error: ErrorInfo = { name: 'Error', message: 'it broke', worker: 'w', atMs: 1 }

function settlementOf(token: Token, kind: number, failures: number): Settlement {
  const delayMs = kind % 2 === 0 ? 0 : 30
  if (kind < 5) return { token, kind: 'ack' }
  if (kind < 7) return { token, kind: 'retry', delayMs, failures: failures + 1, error }
  if (kind < 9) return { token, kind: 'release', delayMs }
  const letter = { cause: 'verdict', reason: 'r', error: null, failures, crashes: 0 } as const
  const rest = { redrives: 0, firstFailedMs: null, diedMs: 1, channel: 'c', group: null }
  return { token, kind: 'dead', letter: { ...letter, ...rest, worker: 'w' } satisfies DeadLetter }
}

describe.skipIf(server === null)(`random work on a list${missing ? `: ${missing}` : ''}`, () => {
  const url = server?.url as string
  const cases = (['none', 'skip', 'block'] as const).flatMap((order) =>
    [1, 2].map((seed) => [order, seed] as [Ordering, number]),
  )
  test.for(cases)('order %s, seed %i: each message ends once', async ([order, seed]) => {
    const channel: ChannelSpec = {
      ...{ name: `random.${randomName()}`, pattern: 'queue', via: 'direct', envelope: true },
      ...{ leaseMs: 30_000, payloadBytesMax: 1_000_000, dedupeWindowMs: null },
      retention: { ageMs: null, messages: null, bytes: null },
    }
    await using session = await redis({ url }).open({ closed: () => {} }, never)
    await using publisher = await session.publisher(channel, never)
    const servers = await openServers(
      { ...targetOf(parseBrokerUrl(url)), tls: null },
      () => {},
      never,
    )
    const queue = new Queue(channel.name, servers.home(channel.name))
    const model = new Model(session, channel, order)
    const below = random(seed)
    try {
      for (let step = 0; step < steps; step++) {
        const live = model.owners.filter(({ isDead }) => !isDead)
        const owner = live[below(live.length)]
        const what = below(20)
        if (what < 4) {
          const delayMs = order !== 'block' && below(4) === 0 ? 40 : 0
          const messages = model.messages(1 + below(20), order === 'none' ? 0 : 4, delayMs)
          const outcomes = await publisher.publish(messages, never)
          expect(outcomes.every(({ state }) => state === 'stored')).toBe(true)
        } else if (!owner || (what === 4 && live.length < 5)) await model.open()
        else if (what === 5 && live.length > 1) owner.isDead = true
        else if (what < 11) await model.receive(owner, 1 + below(12), 1 + below(20))
        else if (what < 13) await model.renew(owner)
        else if (what === 13) await wait(below(120))
        else {
          const some = [...owner.held.values()].slice(0, 1 + below(8))
          const batch = some.map(({ token, failures }) => settlementOf(token, below(10), failures))
          await model.settle(owner, batch)
        }
        // What an aborted receive has asked for may still be done meanwhile: a fault is what stays.
        if (step % 50 === 49) await expect.poll(() => faultsOf(queue)).toEqual([])
      }
      for (const owner of model.owners) owner.isDead = true
      const last = await model.open()
      while (model.unended > 0) {
        await model.receive(last, 50, 1_000)
        await model.renew(last)
        const acks = [...last.held.values()].map(({ token }) => settlementOf(token, 0, 0))
        await model.settle(last, acks)
      }
      expect(await faultsOf(queue)).toEqual([])
      const [depth] = (await session.admin.depths?.([channel], never)) ?? []
      expect(depth).toMatchObject({ waiting: 0, inFlight: 0, scheduled: 0, stored: 0 })
    } finally {
      servers.close()
    }
  })
})
