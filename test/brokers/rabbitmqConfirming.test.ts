import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Confirming, toQueue } from '../../src/drivers/rabbitmq/confirming.ts'
import { Connection } from '../../src/drivers/rabbitmq/connection.ts'
import { targetOfOptions } from '../../src/drivers/rabbitmq/options.ts'
import { rabbitmqError } from '../../src/drivers/rabbitmq/rabbitmqErrors.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { withChannel } from './rabbitmqClient.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

const never = new AbortController().signal

describeRabbitmq('what several callers send by one channel', () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq()
  }, 60_000)
  afterAll(() => server?.stop())

  test('is confirmed to those who wait, though another gives up', async () => {
    const quorum = { durable: true, arguments: { 'x-queue-type': 'quorum' } }
    await withChannel(server.url, (channel) => channel.assertQueue('jobs', quorum))
    const connection = await Connection.open(
      targetOfOptions({ url: server.url }),
      'publisher',
      never,
    )
    onTestFinished(() => connection.close(rabbitmqError('CLOSED', 'test', 'over'), never))
    const confirming = new Confirming(connection)
    const one = { content: Buffer.from('1'), properties: {}, ...toQueue('jobs'), delayMs: 0 }
    expect(await confirming.send([one], never)).toEqual(['stored'])

    const goOn = () => process.kill(server.pid, 'SIGCONT')
    onTestFinished(() => void goOn())
    process.kill(server.pid, 'SIGSTOP')
    const impatience = new AbortController()
    const impatient = confirming.send([one], impatience.signal)
    const patient = confirming.send(Array(50).fill(one), never)
    setImmediate(() => impatience.abort())
    expect(await impatient).toEqual(['late'])
    goOn()
    expect(await patient).toEqual(Array(50).fill('stored'))
    expect(await confirming.send([one], never)).toEqual(['stored'])
    const open = async () => (await server.ctl('list_channels', 'confirm')).match(/true/g)
    await expect.poll(open).toHaveLength(1)
  })
})
