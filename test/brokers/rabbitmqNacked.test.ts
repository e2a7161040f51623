import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

describeRabbitmq('a queue that refuses what is published', () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq()
  }, 60_000)
  afterAll(() => server?.stop())

  const confirming = async () =>
    (await server.ctl('list_channels', 'pid', 'confirm')).match(/^.*true$/gm) ?? []

  test('is published to by another channel each time, and takes again what comes', async () => {
    const bus = await connect(server.url)
    onTestFinished(() => bus.close({ timeoutMs: 500 }), 30_000)
    const jobs = bus.queue<number>('full')
    const publish = async () => await jobs.publish(1).catch((error: unknown) => error)
    await jobs.publish(1)
    const [first] = (await confirming()) as [string]
    expect(first).toMatch(/true$/)

    const policy = '{"max-length":1,"overflow":"reject-publish"}'
    await server.ctl('set_policy', 'full', '^full$', policy, '--apply-to', 'queues')
    const told = {
      code: 'UNAVAILABLE',
      definite: false,
      message: expect.stringContaining('stored'),
    }
    await expect.poll(publish).toMatchObject(told)
    for (let n = 0; n < 10; n++) await expect.poll(publish).toMatchObject(told)
    expect(await confirming()).not.toContain(first)

    await server.ctl('clear_policy', 'full')
    await expect.poll(publish).toMatchObject({ duplicate: false })
    // One more for what the bus itself stores.
    expect((await confirming()).length).toBeLessThanOrEqual(2)
  })
})
