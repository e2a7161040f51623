import { afterAll, describe, expect, test } from 'vitest'
import { rabbitmq } from '../../src/drivers/rabbitmq/index.ts'
import { obtainRabbitmq } from '../../src/lab/brokers/obtainRabbitmq.ts'
import {
  declare,
  openReader,
  publish,
  settle,
  several,
  take,
} from '../../src/testing/conformance/steps.ts'
import { createWorld } from '../../src/testing/index.ts'

const { rabbitmq: server, missing } = await obtainRabbitmq()
const skipped = missing === null ? '' : ` (skipped: ${missing})`
const signal = AbortSignal.timeout(300_000)

describe.skipIf(server === null)(`a reader on rabbitmq that ends${skipped}`, () => {
  afterAll(() => server?.stop())

  /** More than a quorum queue takes up at once. */
  const count = 300
  const other = ['first', 'second'] as const

  test('leaves nothing twice, given back or done a moment before', {
    timeout: 60_000,
  }, async () => {
    const driver = rabbitmq({ url: server?.url as string })
    await using world = await createWorld({ driver, pattern: 'queue', signal })
    const channel = await declare(world)
    const depth = async () => (await world.session.admin.depths?.([channel], signal))?.[0]?.waiting
    await publish(world, channel, several(count))
    for (const round of other) {
      const reader = await openReader(world, channel)
      const held: Awaited<ReturnType<typeof take>> = []
      while (held.length < count) held.push(...(await take(world, reader, count - held.length)))
      await reader.source.stop(signal)
      if (round === 'second') {
        // Every other one, so that none has a neighbour to travel with.
        const acks = held
          .filter((_, at) => at % 2)
          .map(({ token }) => ({ token, kind: 'ack' }) as const)
        await settle(world, reader, acks)
      }
      await reader.source[Symbol.asyncDispose]()
      const left = round === 'first' ? count : count / 2
      await expect.poll(depth, { timeout: 5_000 }).toBeGreaterThanOrEqual(left)
      await new Promise((done) => setTimeout(done, 500)) // what comes again comes by then
      expect([round, await depth()]).toEqual([round, left])
    }
  })
})
