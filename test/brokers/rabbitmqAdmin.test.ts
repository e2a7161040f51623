import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Session } from '../../src/core/driver.ts'
import { rabbitmq } from '../../src/drivers/rabbitmq/index.ts'
import { obtainRabbitmq } from '../../src/lab/brokers/obtainRabbitmq.ts'
import { publish } from '../../src/testing/conformance/steps.ts'
import { createWorld, type World } from '../../src/testing/index.ts'
import { withChannel } from './rabbitmqClient.ts'

const { rabbitmq: server, missing } = await obtainRabbitmq()
const url = server?.url as string
const signal = AbortSignal.timeout(300_000)

describe.skipIf(server === null)(
  `rabbitmq admin${missing === null ? '' : ` (${missing})`}:`,
  () => {
    let world: World
    let session: Session
    beforeAll(async () => {
      world = await createWorld({ driver: rabbitmq({ url }), pattern: 'queue', signal })
      session = world.session
      return async () => await world[Symbol.asyncDispose]()
    }, 120_000)
    afterAll(() => server?.stop())

    test.for([
      ['topic', 'stream'],
      ['headers', null],
    ] as const)('an exchange of type %s is found as %s', async ([type, pattern]) => {
      const { name } = world.channel()
      await withChannel(url, (amqp) => amqp.assertExchange(name, type, { durable: true }))
      const found = await session.admin.find?.(name, signal)
      expect(found).toEqual(pattern === null ? null : { name, pattern })
      await withChannel(url, (amqp) => amqp.deleteExchange(name))
    })

    test('a removed channel leaves no queue of its own behind, and its neighbours alone', async () => {
      const channel = world.channel()
      const other = { ...channel, name: `${channel.name}.more` }
      const later = { id: 'later', key: null, timeMs: 1, headers: {}, redrives: 0, dedupeId: null }
      const message = { ...later, type: 't', source: 's', body: '1' }
      for (const one of [channel, other]) {
        await session.admin.ensure(one, signal)
        await publish(world, one, [{ ...message, delayMs: 100_000 }])
      }
      await session.admin.remove?.(channel, signal)
      const left = async ({ name }: { name: string }) => {
        const all = ['', ':n:dead', ':n:delay:120000', ':n:delay:100', ':n:lock']
        const there = await Promise.all(all.map((end) => session.admin.find?.(name + end, signal)))
        return there.flatMap((found) => (found ? [found.name.slice(name.length)] : []))
      }
      expect(await left(channel)).toEqual([])
      expect(await left(other)).toEqual(['', ':n:dead', ':n:delay:120000'])
      const [gone, depth] = (await session.admin.depths?.([channel, other], signal)) ?? []
      expect([gone, depth?.scheduled]).toEqual([null, 1])
      await session.admin.remove?.(other, signal)
    })
  },
)
