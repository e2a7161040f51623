import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connect, type SubscribeOptions } from '../../src/index.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { withChannel } from './rabbitmqClient.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

const total = 3_000
const fastOnes = 2_000

describeRabbitmq('what waits in the client of a rabbitmq queue', () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq()
  }, 60_000)
  afterAll(() => server?.stop())

  /** How many wait behind a handler that was fast and stops, and the counts of crashes it was given. */
  async function waitingAt(
    name: string,
    stopAt: number,
    textOf: (n: number) => string,
    wish: SubscribeOptions = {},
  ) {
    const bus = await connect(server.url)
    onTestFinished(() => bus.close({ timeoutMs: 500 }), 30_000)
    const queue = bus.queue<string>(name)
    await queue.publishMany(Array.from({ length: total }, (_, n) => ({ data: textOf(n) })))
    const crashes = new Set<unknown>()
    const stopped = Promise.withResolvers<void>()
    let count = 0
    queue.subscribe((_, delivery) => {
      crashes.add(delivery.crashes)
      count++
      if (count < stopAt) return
      stopped.resolve()
      return new Promise(() => {})
    }, wish)
    await stopped.promise
    const ready = () =>
      withChannel(server.url, async (channel) => (await channel.checkQueue(name)).messageCount)
    /** Once nothing moves any more. */
    let [last, now] = [-1, await ready()]
    while (now !== last) [last, now] = [now, await ready()]
    return { waiting: total - stopAt - now, crashes: [...crashes] }
  }

  test('grows with the speed of the handler, and nothing is charged for it', async () => {
    const { waiting, crashes } = await waitingAt('fast', fastOnes, () => 'x')
    expect(waiting).toBeGreaterThan(5)
    expect(waiting).toBeLessThanOrEqual(101)
    expect(crashes).toEqual([0])
  })

  test('is one message as long as nobody knows how fast it is', async () => {
    expect(await waitingAt('unknown', 1, () => 'x')).toEqual({ waiting: 1, crashes: [0] })
  })

  test('stays within the bytes that may be held', async () => {
    const wish = { holdBytesMax: 20_000 }
    const large = await waitingAt('large', fastOnes, () => 'x'.repeat(5_000), wish)
    expect(large.waiting).toBeLessThanOrEqual(4)
    // Those that come after it has learned how small they are.
    const grown = (n: number) => 'x'.repeat(n < fastOnes ? 1 : 5_000)
    const growing = await waitingAt('growing', fastOnes + 1, grown, wish)
    expect(growing.waiting).toBeLessThanOrEqual(4)
    expect(growing.crashes).toEqual([0])
  })
})
