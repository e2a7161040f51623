import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { selfSigned, signedBy } from '../../src/lab/brokers/certificate.ts'
import { onFreePort } from '../../src/lab/brokers/onFreePort.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

const quiet = { telemetry: false } as const

describeRabbitmq('RabbitMQ with TLS', () => {
  let folder = ''
  let server: RabbitmqServer
  let tlsPort = 0
  let own = ''
  const path = (name: string) => join(folder, name)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'narrowcast-pem-'))
    const [its, authority, other] = [selfSigned('server'), selfSigned('ca'), selfSigned('server')]
    const ours = signedBy({ commonName: 'ca', key: authority.key }, 'client')
    for (const [name, text] of Object.entries({
      ...{ 'server.pem': its.certificate, 'server.key': its.key },
      ...{ 'client.pem': ours.certificate, 'client.key': ours.key },
      ...{ 'authority.pem': authority.certificate, 'other.pem': other.certificate },
    })) {
      await writeFile(path(name), text)
    }
    server = await onFreePort(async (port) => {
      tlsPort = port + 9
      return await startRabbitmq({
        config: [
          `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
          `listeners.ssl.2 = 127.0.0.2:${tlsPort}`, // which the certificate does not name
          `ssl_options.cacertfile = ${path('authority.pem')}`,
          `ssl_options.certfile = ${path('server.pem')}`,
          `ssl_options.keyfile = ${path('server.key')}`,
          'ssl_options.verify = verify_peer',
          'ssl_options.fail_if_no_peer_cert = true',
        ],
      })
    })
    own = `cert=${path('client.pem')}&key=${path('client.key')}`
  }, 120_000)
  afterAll(async () => {
    await server.stop()
    await rm(folder, { recursive: true })
  })

  const trusted = () => `ca=${path('server.pem')}&${own}`
  const tls = (query: string, login = '') => `amqps://${login}127.0.0.1:${tlsPort}?${query}`
  const refusal = async (url: string) =>
    await connect(url, quiet).then(
      async (bus) => {
        await bus.close()
        throw new Error(`${url} was opened`)
      },
      (error: unknown) => {
        expect(inspect(error)).not.toContain('s3cret')
        return error
      },
    )

  test('trusts whom it is told to, and shows who we are', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      await using bus = await connect(`amqps://${host}:${tlsPort}?${trusted()}`, quiet)
      const queue = bus.queue<number>('orders')
      const seen = Promise.withResolvers<number>()
      queue.subscribe((n) => seen.resolve(n))
      await queue.publish(1)
      expect(await seen.promise).toBe(1)
    }
    const connections = await server.ctl('list_connections', 'ssl')
    expect(connections).not.toContain('false')
  })

  test('still asks for a login, and for a vhost that is there', async () => {
    expect(await refusal(tls(trusted(), 'guest:s3cret@'))).toMatchObject({ code: 'LOGIN_REFUSED' })
    const none = tls(trusted()).replace('?', '/none?')
    expect(await refusal(none)).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('there is no vhost "none"'),
    })
  })

  test.for([
    ['of whom nothing is said', () => own, '?ca=FILE'],
    ['that another has signed', () => `ca=${path('other.pem')}&${own}`, '?ca=FILE'],
    ['that wants to know who we are', () => `ca=${path('server.pem')}`, 'cert=FILE&key=FILE'],
    [
      'that does not know us',
      () => `ca=${path('server.pem')}&cert=${path('server.pem')}&key=${path('server.key')}`,
      'cert=FILE&key=FILE',
    ],
  ] as const)('a server %s is not connected to', async ([, query, hint]) => {
    expect(await refusal(tls(query(), 'me:s3cret@'))).toMatchObject({
      code: 'CONNECT_FAILED',
      definite: true,
      message: expect.stringContaining(`cannot reach 127.0.0.1:${tlsPort}`),
      hint: expect.stringContaining(hint),
    })
  })

  test('a host that the certificate does not name is not trusted', async () => {
    const url = `amqps://me:s3cret@127.0.0.2:${tlsPort}?${trusted()}`
    expect(await refusal(url)).toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringContaining('127.0.0.2'),
      hint: 'Use a host in the URL that the certificate of the server names.',
    })
  })

  test('a port without TLS, and one with it, are told apart', async () => {
    const plain = `amqps://me:s3cret@127.0.0.1:${server.port}?${trusted()}`
    expect(await refusal(plain)).toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringContaining('what answers does not speak TLS'),
      hint: 'Without TLS the URL begins with amqp://.',
    })
    expect(await refusal(`amqp://me:s3cret@127.0.0.1:${tlsPort}`)).toMatchObject({
      code: 'CONNECT_FAILED',
      hint: expect.stringContaining('amqps://'),
    })
    using world = cliWorld()
    const { code, stderr } = await world.run(['stats', '-u', plain])
    expect([code, stderr]).toEqual([3, expect.stringContaining('does not speak TLS')])
    expect(stderr).not.toContain('s3cret')
  })

  test('a file that is not there, or is none, is named', async () => {
    expect(await refusal(tls(`ca=${path('none.pem')}`))).toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(`URL option ca: cannot read ${path('none.pem')}`),
    })
    const key = `ca=${path('server.pem')}&cert=${path('client.pem')}&key=${path('server.pem')}`
    expect(await refusal(tls(key))).toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('URL options ca, cert, key are of no use to TLS'),
    })
  })
})
