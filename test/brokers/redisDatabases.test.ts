import { createClient } from '@redis/client'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { telemetryChannel } from '../../src/core/channel.ts'
import { randomName } from '../../src/core/ids.ts'
import { type Bus, connect, type Subscription } from '../../src/index.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { describeRedis } from './redisHere.ts'

let server: Awaited<ReturnType<typeof startRedis>>
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server?.stop())

async function busOf(database: number, options = {}): Promise<Bus> {
  const bus = await connect(`${server.url}/${database}`, { telemetry: false, ...options })
  onTestFinished(() => bus.close({ timeoutMs: 1_000 }))
  return bus as Bus
}

const both = async () => [await busOf(0), await busOf(1)] as const

const channelName = () => `parted.${randomName()}`

async function listen(bus: Bus, pattern: 'broadcast' | 'narrowcast', name: string) {
  const seen: unknown[] = []
  const worker: Subscription = bus[pattern]<unknown>(name).subscribe((data) => void seen.push(data))
  await worker.ready()
  return { seen, worker }
}

async function receivers(database: number, name: string, data: unknown, times: number) {
  const channel = (await busOf(database)).narrowcast<unknown>(name, { via: 'relay' })
  const receipts = await channel.publishMany(new Array(times).fill({ data }))
  return receipts.map((one) => 'receivers' in one && one.receivers)
}

async function channelsHeard(name: string): Promise<string[]> {
  return ((await askRedis(server.url, 'PUBSUB', 'CHANNELS', `*${name}*`)) as string[]).sort()
}

describeRedis('two databases of one redis:', () => {
  test('a narrowcast knows only the workers of its own', async () => {
    const [zero, one] = await both()
    const name = channelName()
    const there = await listen(one, 'narrowcast', name)
    await expect(zero.narrowcast(name).publish(0)).rejects.toMatchObject({ code: 'NO_WORKER' })
    const here = await listen(zero, 'narrowcast', name)
    for (let n = 0; n < 20; n++) await zero.narrowcast(name).publish('zero')
    for (let n = 0; n < 20; n++) await one.narrowcast(name).publish('one')
    await expect.poll(() => here.seen).toEqual(new Array(20).fill('zero'))
    await expect.poll(() => there.seen).toEqual(new Array(20).fill('one'))
  })

  test('a relay of each, and each message goes once, to a worker of its own', async () => {
    const [zero, one] = await both()
    const name = channelName()
    const here = await listen(zero, 'narrowcast', name)
    const there = await listen(one, 'narrowcast', name)
    const relays = [await zero.relay(name), await one.relay(name)]
    for (const relay of relays) await relay.ready()
    expect(await receivers(0, name, 'zero', 10)).toEqual(new Array(10).fill(1))
    expect(await receivers(1, name, 'one', 5)).toEqual(new Array(5).fill(1))
    await expect.poll(() => relays.map(({ counts }) => counts.routed)).toEqual([10, 5])
    await expect.poll(() => here.seen).toEqual(new Array(10).fill('zero'))
    await expect.poll(() => there.seen).toEqual(new Array(5).fill('one'))
  })

  test('other programs reach the relay of database 1 by a name that says so', async () => {
    const one = await busOf(1)
    const name = channelName()
    const there = await listen(one, 'narrowcast', name)
    await (await one.relay(name)).ready()
    expect(await askRedis(server.url, 'PUBLISH', name, '"plain"')).toBe(0)
    expect(await askRedis(server.url, 'PUBLISH', `${name}:1`, '"said"')).toBe(1)
    await expect.poll(() => there.seen).toEqual(['said'])
  })

  test('a channel that is removed from one goes on in the other', async () => {
    const [zero, one] = await both()
    const name = channelName()
    const here = await listen(zero, 'broadcast', name)
    const there = await listen(one, 'broadcast', name)
    const ends: string[] = []
    const note = (what: string) => (error: { error: { code: string } }) =>
      void ends.push(`${what} ${error.error.code}`)
    here.worker.on('error', note('zero'))
    there.worker.on('error', note('one'))
    await one.admin.remove({ name, pattern: 'broadcast' })
    await expect.poll(() => ends).toEqual(['one NOT_FOUND'])
    await zero.broadcast(name).publish('still')
    await expect.poll(() => here.seen).toEqual(['still'])
    expect(ends).toEqual(['one NOT_FOUND'])
  })

  test('what processes tell of themselves is heard in their own', async () => {
    const name = channelName()
    const busy = await busOf(1, { telemetry: true })
    const [zero, one] = await both()
    const here = await listen(zero, 'broadcast', telemetryChannel)
    const there = await listen(one, 'broadcast', telemetryChannel)
    await listen(busy, 'narrowcast', name)
    await expect.poll(() => there.seen.length, { timeout: 10_000 }).toBeGreaterThan(0)
    await zero.broadcast(telemetryChannel).publish('zero')
    await expect.poll(() => here.seen).toEqual(['zero'])
  })

  test('a broadcast has the name that everybody publishes to: it is heard in both', async () => {
    const [zero, one] = await both()
    const name = channelName()
    const all = [await listen(zero, 'broadcast', name), await listen(one, 'broadcast', name)]
    expect((await one.broadcast(name).publish('ours')).receivers).toBe(2)
    expect(await askRedis(`${server.url}/7`, 'PUBLISH', name, '"theirs"')).toBe(2)
    for (const { seen } of all) await expect.poll(() => seen).toEqual(['ours', 'theirs'])
  })

  test('the names of database 0 are those that they were', async () => {
    const [zero, one] = await both()
    const name = channelName()
    const { worker } = await listen(zero, 'narrowcast', name)
    await (await zero.relay(name, { name: 'relay' })).ready()
    const { id, incarnation } = worker.worker
    const names = [name, `${name}:w:${id}:${incarnation}`, `{${name}}:lead`, `{${name}}:s:${id}`]
    expect(await channelsHeard(name)).toEqual(names.sort())
    const { worker: other } = await listen(one, 'narrowcast', name)
    const added = [
      `${name}:1:w:${other.worker.id}:${other.worker.incarnation}`,
      `{${name}}:1:s:${other.worker.id}`,
    ]
    expect(await channelsHeard(name)).toEqual([...names, ...added].sort())
  })

  test('a plain client finds the workers of database 1', async () => {
    const name = channelName()
    const there = await listen(await busOf(1), 'narrowcast', name)
    const client = await createClient({ url: server.url }).connect()
    onTestFinished(() => client.destroy())
    const [address] = await client.pubSubChannels(`${name}:1:w:*`)
    expect(await client.publish(address as string, '"direct"')).toBe(1)
    await expect.poll(() => there.seen).toEqual(['direct'])
  })
})
