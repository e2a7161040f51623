import { expect, it } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

describeRabbitmq('a stream on RabbitMQ', () => {
  it('is refused, with the command that mends it, where stream queues are off', async () => {
    await using server = await startRabbitmq({ featureFlags: ['quorum_queue'] })
    await using bus = await connect(server.url)
    await expect(bus.stream('orders').publish(1)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      hint: 'rabbitmqctl enable_feature_flag stream_queue',
    })
    await expect(bus.queue('jobs').publish(1)).resolves.toMatchObject({ duplicate: false })
    await server.ctl('enable_feature_flag', 'stream_queue')
    await expect(bus.stream('orders').publish(1)).resolves.toMatchObject({ duplicate: false })
  }, 60_000)
})
