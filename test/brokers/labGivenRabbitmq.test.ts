import { expect } from 'vitest'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import { playScenario } from '../faults/labScene.ts'
import { testRabbitmq } from './rabbitmqHere.ts'

const few = { messages: 200 }

testRabbitmq(
  'a RabbitMQ that is given has no queue of a run afterwards',
  async () => {
    await using server = await startRabbitmq()
    const { verdict } = await playScenario('calm', 'rabbitmq:queue', few, server.url)
    expect(verdict).toEqual({ status: 'KEPT', reasons: [] })
    expect(await server.ctl('list_queues', 'name')).not.toContain('lab.')
  },
  120_000,
)

testRabbitmq(
  'and no run that would leave something there',
  async () => {
    await using server = await startRabbitmq()
    const running = playScenario('calm', 'rabbitmq:stream', few, server.url)
    await expect(running).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('could not be removed'),
    })
    expect((await server.ctl('list_queues', 'name')).trim()).toBe('')
  },
  120_000,
)
