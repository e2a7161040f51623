import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { selfSigned } from '../../src/lab/brokers/certificate.ts'
import { startKafka } from '../../src/lab/brokers/kafka.ts'
import type { KafkaServer } from '../../src/lab/brokers/kafkaServer.ts'
import { describeKafka } from './kafkaHere.ts'
import { ackAll, openKafka, openSource, publishAll, queue, several, takeAll } from './kafkaOpen.ts'

const password = randomUUID()

/** Publishes and reads: every kind of connection is used. */
async function worksAt(url: string): Promise<void> {
  await using session = await openKafka(url)
  const channel = queue()
  await publishAll(session, channel, several(10))
  await using opened = await openSource(session, channel, { reader: 'a' })
  const got = await takeAll(opened, 10)
  expect(got).toHaveLength(10)
  await ackAll(opened, got)
}

describeKafka('a Kafka that wants a login, over TLS', () => {
  const { certificate, key } = selfSigned('kafka')
  let server: KafkaServer
  let folder = ''
  const url = (login: string, more = '') =>
    `kafkas://${login}localhost:${server.port}?ca=${join(folder, 'ca.pem')}${more}`
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'narrowcast-tls-'))
    await writeFile(join(folder, 'ca.pem'), certificate)
    await writeFile(join(folder, 'key.pem'), `${key}\n${certificate}`)
    const module = 'org.apache.kafka.common.security'
    const jaas = (kind: string, name: string) =>
      `listener.name.clients.${kind}.sasl.jaas.config=${module}.${name} required`
    server = await startKafka({
      protocol: 'SASL_SSL',
      advertised: 'localhost:0',
      users: { me: password },
      config: [
        'ssl.keystore.type=PEM',
        `ssl.keystore.location=${join(folder, 'key.pem')}`,
        'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        `${jaas('plain', 'plain.PlainLoginModule')} user_me="${password}";`,
        `${jaas('scram-sha-256', 'scram.ScramLoginModule')};`,
        `${jaas('scram-sha-512', 'scram.ScramLoginModule')};`,
      ],
    })
  }, 120_000)
  afterAll(async () => {
    await server?.stop()
    await rm(folder, { recursive: true })
  })

  test.for(['plain', 'scram-256', 'scram-512'])('takes one by %s', async (sasl) => {
    await worksAt(url(`me:${password}@`, `&sasl=${sasl}&advertised=ignore`))
  })

  test.for([
    ['another password', 'me:wrong@', '', 'LOGIN_REFUSED', 'user me is refused'],
    ['no login', '', '', 'CONNECT_FAILED', 'closed the connection'],
  ] as const)('refuses %s, and says so', async ([, login, more, code, text]) => {
    const refused = openKafka(url(login, `${more}&advertised=ignore`))
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
    await expect(refused).rejects.toThrow(/^((?!wrong).)*$/s)
  })

  test('is told from one without TLS, both ways', async () => {
    const plain = `kafka://me:${password}@localhost:${server.port}`
    await expect(openKafka(plain)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      hint: expect.stringContaining('kafkas://'),
    })
    await using other = await startKafka()
    await expect(openKafka(`kafkas://localhost:${other.port}`)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      hint: expect.stringContaining('kafka://'),
    })
  }, 60_000)

  test('signed by somebody whom nobody knows is refused', async () => {
    const unknown = `kafkas://me:${password}@localhost:${server.port}`
    await expect(openKafka(unknown)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      hint: expect.stringContaining('?ca=FILE'),
    })
  })
})

test('what does not answer as Kafka does is told', async () => {
  const silent = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
  const { port } = silent.address() as { port: number }
  await expect(openKafka(`kafka://127.0.0.1:${port}`)).rejects.toMatchObject({
    code: 'CONNECT_FAILED',
  })
  silent.close()
})

test('a host that is not there, and a port where nobody listens, are told', async () => {
  await expect(openKafka('kafka://no-such-host.invalid')).rejects.toMatchObject({
    ...{ code: 'CONNECT_FAILED', message: expect.stringContaining('there is no host') },
  })
  await expect(openKafka('kafka://127.0.0.1:1')).rejects.toMatchObject({
    ...{ code: 'CONNECT_FAILED', hint: expect.stringContaining('Is Kafka running?') },
  })
})
