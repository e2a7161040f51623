import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { withChannel } from './rabbitmqClient.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

/** A quarter of it is how long a message may wait behind another one. */
const leaseMs = 4_000

describeRabbitmq('behind a slow handler of a rabbitmq queue', () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq()
  }, 60_000)
  afterAll(() => server?.stop())

  async function jobsOf(name: string) {
    const bus = await connect(server.url)
    onTestFinished(() => bus.close({ timeoutMs: 500 }), 30_000)
    return bus.queue<number>(name, { leaseMs })
  }

  test('no message waits for long while another worker is idle, nor is it charged', async () => {
    const slow = await jobsOf('slow')
    const fast = await jobsOf('slow')
    const first = Promise.withResolvers<void>()
    const slowGot: number[] = []
    slow.subscribe(
      (n) => {
        slowGot.push(n)
        first.resolve()
        return new Promise(() => {}) // longer than anybody waits
      },
      { concurrency: 2 },
    )
    await slow.publishMany([0, 1, 2, 3].map((data) => ({ data })))
    await first.promise
    const got: unknown[] = []
    fast.subscribe((n, { crashes }) => void got.push([n, crashes]))
    await expect.poll(() => got.length).toBe(2)
    expect(slowGot).toHaveLength(2)
    expect(got.every((one) => (one as [number, number])[1] === 0)).toBe(true)
  })

  test('nothing is asked for ahead until handlers are fast again, and all is worked off', async () => {
    const jobs = await jobsOf('alone')
    let isSlow = true
    const ends: (() => void)[] = []
    const got: number[] = []
    jobs.subscribe(
      (n) => {
        got.push(n)
        if (isSlow) return new Promise<void>((resolve) => void ends.push(resolve))
      },
      { concurrency: 2 },
    )
    await jobs.publishMany(Array.from({ length: 300 }, (_, data) => ({ data })))
    await expect.poll(() => got.length).toBe(2)
    // Those that waited are back, and no others have come in their place.
    const queue = () => withChannel(server.url, (channel) => channel.checkQueue('alone'))
    await expect.poll(queue).toMatchObject({ messageCount: 298 })
    isSlow = false
    for (const end of ends) end()
    await expect.poll(() => new Set(got).size).toBe(300)
    expect(got).toHaveLength(300)
    expect(got.indexOf(2)).toBeGreaterThan(got.indexOf(4)) // it went behind what waits
  })
})
