import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Base } from '@platformatic/kafka'
import { expect, test } from 'vitest'
import { startKafka } from '../../src/lab/brokers/kafka.ts'
import { startKafkaCluster } from '../../src/lab/brokers/kafkaCluster.ts'
import type { KafkaServer } from '../../src/lab/brokers/kafkaServer.ts'
import { describeKafka, kafkaProgram } from './kafkaHere.ts'
import { processesOf } from './processesOf.ts'

const tools = 'org.apache.kafka.tools'
const at = ({ address }: KafkaServer) => ['--bootstrap-server', address]

const make = async (server: KafkaServer, topic: string, ...more: string[]) =>
  await server.tool(`${tools}.TopicCommand`, [...at(server), '--create', '--topic', topic, ...more])

const put = async (server: KafkaServer, topic: string, text: string) =>
  await server.tool(
    `${tools}.ConsoleProducer`,
    [...at(server), '--topic', topic, '--sync', '--command-property', 'acks=all'],
    `${text}\n`,
  )

const first = async (server: KafkaServer, topic: string) =>
  await server.tool(`${tools}.consumer.ConsoleConsumer`, [
    ...[...at(server), '--topic', topic, '--from-beginning', '--max-messages', '1'],
  ])

describeKafka('a Kafka of our own', () => {
  test('takes clients, has the settings it was given, and ends by SIGTERM in order', async () => {
    await using server = await startKafka({ config: ['num.partitions=3'] })
    expect(server).toMatchObject({
      url: `kafka://127.0.0.1:${server.port}`,
      address: `127.0.0.1:${server.port}`,
      version: kafkaProgram?.version,
      how: kafkaProgram?.how,
      isRunning: true,
    })
    expect(await make(server, 'jobs')).toBe('Created topic jobs.\n')
    const described = ['--describe', '--topic', 'jobs']
    expect(await server.tool(`${tools}.TopicCommand`, [...at(server), ...described])).toContain(
      'PartitionCount: 3',
    )
    await put(server, 'jobs', 'kept')
    await server.terminate()
    expect([server.isRunning, server.log.includes('shut down completed')]).toEqual([false, true])
    await server.restart()
    expect(await first(server, 'jobs')).toBe('kept\n')
    await expect(make(server, 'jobs')).rejects.toThrow('already exists')
  }, 180_000)

  test('by SIGKILL has at the same place what it had stored', async () => {
    await using server = await startKafka()
    const { address, pid, folder } = server
    await make(server, 'jobs')
    await put(server, 'jobs', 'kept')
    await server.kill()
    expect(server.isRunning).toBe(false)
    expect((await processesOf(folder)) ?? []).toEqual([])
    await server.restart()
    expect([server.address, server.pid === pid]).toEqual([address, false])
    expect(await first(server, 'jobs')).toBe('kept\n')
  }, 180_000)

  test('tells clients the address it is told to', async () => {
    await using server = await startKafka({ advertised: 'proxy.example:9' })
    const { address } = server
    const client = new Base({ clientId: 'test', bootstrapBrokers: [address], retries: 0 })
    const { brokers } = await client.metadata({ topics: [] })
    expect([...brokers.values()]).toMatchObject([{ host: 'proxy.example', port: 9 }])
    await client.close()
  }, 120_000)

  test('leaves neither process nor folder, also beside another', async () => {
    const [server, other] = await Promise.all([startKafka(), startKafka()])
    const { folder } = server
    expect((await processesOf(folder)) ?? ['java']).toContain('java')
    await server.stop()
    await server.stop()
    expect(server.isRunning).toBe(false)
    expect((await processesOf(folder)) ?? []).toEqual([])
    expect(existsSync(folder)).toBe(false)
    expect(await make(other, 'jobs')).toContain('Created')
    await other.stop()
  }, 180_000)

  test('before it was ready leaves nothing, and says why', async () => {
    await expect(startKafka({ config: ['num.io.threads=none'] })).rejects.toThrow('num.io.threads')
  }, 120_000)

  test.for(['SIGKILL', 'SIGTERM'] as const)(
    'with the program that started it, by %s, leaves nothing',
    { timeout: 120_000 },
    async (signal) => {
      const parent = spawn(process.execPath, [join(import.meta.dirname, 'kafkaParent.ts')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      try {
        const [line] = (await once(createInterface(parent.stdout), 'line')) as [string]
        const { folder } = JSON.parse(line) as { folder: string }
        parent.kill(signal)
        await expect.poll(() => existsSync(folder)).toBe(false)
        await expect.poll(() => processesOf(folder)).toSatisfy((left) => !left?.length)
      } finally {
        parent.kill('SIGKILL')
      }
    },
  )
})

describeKafka('a cluster of Kafka', () => {
  test('stores three copies, and goes on when one node is gone', async () => {
    await using cluster = await startKafkaCluster()
    const [one, two] = cluster.nodes
    if (one === undefined || two === undefined) throw new Error('no nodes')
    expect(cluster.url).toMatch(/^kafka:\/\/(127\.0\.0\.1:\d+,){2}127\.0\.0\.1:\d+$/)
    await make(one, 'jobs')
    const describing = [...at(one), '--describe', '--topic', 'jobs']
    const described = await one.tool(`${tools}.TopicCommand`, describing)
    expect(described).toMatch(/ReplicationFactor: 3.*min\.insync\.replicas=2/)
    await put(one, 'jobs', 'kept')
    await two.kill()
    expect(await first(one, 'jobs')).toBe('kept\n')
    await put(one, 'jobs', 'more')
    await two.restart()
    expect(await first(two, 'jobs')).toBe('kept\n')
  }, 240_000)
})
