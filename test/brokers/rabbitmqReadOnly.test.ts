import { expect, test } from 'vitest'
import { rabbitmq } from '../../src/drivers/rabbitmq/index.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import {
  ack,
  declare,
  openReader,
  publish,
  settle,
  several,
  take,
} from '../../src/testing/conformance/steps.ts'
import { createWorld } from '../../src/testing/index.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

describeRabbitmq('who may read and not write on RabbitMQ', () => {
  test('gives back without a copy, and keeps what would need one', {
    timeout: 60_000,
  }, async () => {
    await using server = await startRabbitmq()
    await server.ctl('add_user', 'reader', 'secret')
    await server.ctl('set_permissions', 'reader', '.*', '^$', '.*')
    const signal = AbortSignal.timeout(50_000)
    const driver = rabbitmq({ url: server.url })
    await using world = await createWorld({ driver, pattern: 'queue', signal })
    const channel = await declare(world)
    await publish(world, channel, several(3))
    const url = server.url.replace('amqp://', 'amqp://reader:secret@')
    await using session = await rabbitmq({ url }).open({ closed: () => {} }, signal)
    const reader = await openReader(world, channel, { session })
    const [first, ...others] = await take(world, reader, 3)
    const token = (first ?? expect.unreachable()).token
    const error = { name: 'Error', message: 'no', worker: 'w', atMs: 0 }
    const retry = { kind: 'retry', token, delayMs: 0, failures: 1, error } as const
    await expect(settle(world, reader, [retry])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const release = { kind: 'release', token, delayMs: 0 } as const
    expect(await settle(world, reader, [release])).toEqual(['sent'])
    const [again] = await take(world, reader, 1)
    expect([again?.message.id, again?.crashes]).toEqual([first?.message.id, 1])
    await ack(world, reader, others)
    await reader.source[Symbol.asyncDispose]()
    const other = await openReader(world, channel)
    expect((await take(world, other, 1)).map(({ message }) => message.id)).toEqual(['m0'])
  })
})
