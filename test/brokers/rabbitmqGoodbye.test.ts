import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseBrokerUrl } from '../../src/core/url.ts'
import { Connection } from '../../src/drivers/rabbitmq/connection.ts'
import { endChannel } from '../../src/drivers/rabbitmq/endChannel.ts'
import { targetOf } from '../../src/drivers/rabbitmq/options.ts'
import { closedError } from '../../src/drivers/rabbitmq/rabbitmqErrors.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { ProxyProcess } from '../../src/lab/proxy/proxyProcess.ts'
import { throughPort, upstreamOf } from '../../src/lab/proxy/throughPort.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

describeRabbitmq('a goodbye that the broker hears and cannot answer any more', () => {
  let server: RabbitmqServer
  let proxy: ProxyProcess
  let url: string
  beforeAll(async () => {
    server = await startRabbitmq()
    proxy = await ProxyProcess.start()
    url = throughPort(server.url, await proxy.open('client', upstreamOf(server.url)))
  }, 60_000)
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]()
    await server.stop()
  })

  /** A connection whose answers are held, until `reset` ends it. */
  async function unanswered() {
    const never = new AbortController().signal
    const connection = await Connection.open(targetOf(parseBrokerUrl(url)), 'consumer', never)
    const channel = await connection.channel()
    await proxy.set('client', { kind: 'half', held: 'down' })
    const reset = async () => {
      await proxy.set('client', { kind: 'reset' })
      await proxy.heal('client')
    }
    return { connection, channel, reset }
  }

  test('of a channel is over when its connection ends', async () => {
    const { channel, reset } = await unanswered()
    const closing = endChannel(channel)
    await reset()
    await closing
  })

  test('of a question is over too, and nobody waits for it', async () => {
    const { connection, reset } = await unanswered()
    const asking = connection.ask('depth', undefined, (channel) => channel.checkQueue('none'))
    const refused = expect(asking).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    await reset()
    await refused
  })

  test('of a connection is over when it ends', async () => {
    const { connection, reset } = await unanswered()
    const closing = connection.close(closedError('connection'), new AbortController().signal)
    await reset()
    await closing
  })
})
