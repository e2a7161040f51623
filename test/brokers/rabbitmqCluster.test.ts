import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startRabbitmqCluster } from '../../src/lab/brokers/rabbitmqCluster.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { processesOf } from './processesOf.ts'
import { withChannel } from './rabbitmqClient.ts'
import { describeRabbitmq } from './rabbitmqHere.ts'

/** All folders of a cluster lie in it, the one of its epmd too. */
let places = ''

beforeEach(async () => {
  places = await mkdtemp(join(tmpdir(), 'narrowcast-places-'))
  vi.stubEnv('TMPDIR', places)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(places, { recursive: true })
})

/** A message that a majority of the nodes has confirmed. */
const put = async ({ url }: RabbitmqServer, text: string) =>
  await withChannel(url, async (channel) => {
    await channel.assertQueue('jobs', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
    channel.sendToQueue('jobs', Buffer.from(text), { persistent: true })
    await channel.waitForConfirms()
  })

/** The oldest, which is gone with that. */
const take = async ({ url }: RabbitmqServer) =>
  await withChannel(url, async (channel) => {
    const got = await channel.get('jobs', { noAck: true })
    return got ? got.content.toString() : null
  })

const seenBy = async (node: RabbitmqServer) =>
  (JSON.parse(await node.ctl('cluster_status', '--formatter', 'json')) as { running_nodes: [] })
    .running_nodes

describeRabbitmq('a RabbitMQ cluster of our own', () => {
  test('goes on without a node that is killed, takes it back, and leaves nothing', async () => {
    const cluster = await startRabbitmqCluster()
    const [one, two, three] = cluster.nodes as [RabbitmqServer, RabbitmqServer, RabbitmqServer]
    const names = ['rabbit1@localhost', 'rabbit2@localhost', 'rabbit3@localhost']
    const ports = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`)
    expect(cluster.url).toBe(`amqp://${ports.join(',')}`)
    for (const node of cluster.nodes) expect(new Set(await seenBy(node))).toEqual(new Set(names))
    await put(one, 'a')
    await put(two, 'b')
    expect(await take(three)).toBe('a')

    await two.kill()
    await cluster.ready()
    expect(await seenBy(one)).not.toContain(two.name)
    await put(three, 'c')
    expect(await take(one)).toBe('b')

    await two.restart()
    await cluster.ready()
    expect(new Set(await seenBy(one))).toEqual(new Set(names))
    expect(await take(two)).toBe('c')

    await cluster.stop()
    await cluster.stop()
    expect(cluster.nodes.map(({ isRunning }) => isRunning)).toEqual([false, false, false])
    expect((await processesOf(places)) ?? []).toEqual([])
    expect(await readdir(places)).toEqual([])
  }, 300_000)

  test('comes back with what it was told, also when all of it had ended', async () => {
    await using cluster = await startRabbitmqCluster({ nodes: 2 })
    const [one, two] = cluster.nodes as [RabbitmqServer, RabbitmqServer]
    await put(one, 'a')
    await one.terminate()
    await two.kill()
    await Promise.all(cluster.nodes.map((node) => node.restart()))
    await cluster.ready()
    await expect.poll(() => take(two).catch(() => null)).toBe('a')
  }, 300_000)
})
