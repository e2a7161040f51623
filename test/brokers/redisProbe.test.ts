import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import type { Contract } from '../../src/core/contract.ts'
import { askRedis, askRedisAll } from '../../src/lab/brokers/askRedis.ts'
import { type RedisOptions, startRedis } from '../../src/lab/brokers/redis.ts'
import type { Bus } from '../../src/runtime/api.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { describeRedis, testRedis } from './redisHere.ts'

type Survives = Partial<Contract['survives']>

const within2s = { lossWindowMs: 2_000 }

describeRedis.each<{
  readonly name: string
  readonly server: RedisOptions
  readonly stored: Contract['stored']['in']
  readonly survives: Survives
}>([
  {
    name: 'as Redis ships: snapshots',
    server: {},
    stored: 'memory',
    survives: { 'broker-restart': 'yes', 'broker-crash': 'no', 'power-loss': 'no' },
  },
  {
    name: 'no snapshots and no log',
    server: { args: ['--save', ''] },
    stored: 'memory',
    survives: { 'broker-restart': 'no', 'broker-crash': 'no', 'power-loss': 'no' },
  },
  {
    name: 'a log, synced once a second',
    server: { profile: 'everysec' },
    stored: 'page-cache',
    survives: { 'broker-restart': 'yes', 'broker-crash': within2s, 'power-loss': within2s },
  },
  {
    name: 'a log, synced by the system',
    server: { profile: 'everysec', args: ['--appendfsync', 'no'] },
    stored: 'page-cache',
    survives: { 'broker-restart': 'yes', 'broker-crash': 'yes', 'power-loss': 'no' },
  },
  {
    name: 'a log, synced before each answer',
    server: { profile: 'always' },
    stored: 'disk',
    survives: { 'broker-restart': 'yes', 'broker-crash': 'yes', 'power-loss': 'yes' },
  },
])('$name', ({ server: options, stored, survives }) => {
  test('the contract says what is kept', async () => {
    await using server = await startRedis(options)
    await using bus = await connect(server.url, { telemetry: false })
    for (const channel of [bus.queue('orders'), bus.stream('events')]) {
      const contract = await channel.opened()
      expect(contract.stored).toEqual({ in: stored, copies: 1 })
      expect(contract.survives).toEqual({
        'worker-crash': 'yes',
        'node-loss': 'no',
        ...survives,
      })
    }
    expect((await bus.broadcast('news').opened()).stored.in).toBe('nowhere')
    expect(bus.info.unknown).toEqual([])
  })

  // What is claimed to survive with a window may survive whole: only yes and no can be tried.
  test.each([
    ['SIGTERM', 'broker-restart'],
    ['SIGKILL', 'broker-crash'],
  ] as const)('%s: exactly what it said is there afterwards', async (signal, loss) => {
    await using server = await startRedis(options)
    await publishTo(server.url)
    if (signal === 'SIGTERM') await server.terminate()
    else await server.kill()
    await server.restart()
    const waiting = await askRedis(server.url, 'LLEN', 'orders')
    if (survives[loss] === 'yes') expect(waiting).toBe(20)
    else if (survives[loss] === 'no') expect(waiting).toBe(0)
    else expect(waiting).toBeGreaterThanOrEqual(0)
  })
})

async function publishTo(url: string): Promise<void> {
  await using bus: Bus = await connect(url, { telemetry: false })
  await bus.queue<number>('orders').publishMany(Array.from({ length: 20 }, (_, data) => ({ data })))
}

describeRedis('a server that does not tell its settings', () => {
  const denied = ['+@all', '-config']

  async function openAs(options: RedisOptions, rights: readonly string[]) {
    const server = await startRedis(options)
    onTestFinished(() => server.stop())
    await askRedis(server.url, 'ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '&*', ...rights)
    const bus = await connect(`redis://app:pw@127.0.0.1:${server.port}`, { telemetry: false })
    onTestFinished(() => bus.close())
    return bus
  }

  test('claims nothing that rests on them, and says why', async () => {
    const bus = await openAs({ profile: 'always' }, denied)
    const { stored, survives } = await bus.queue('orders').opened()
    expect(stored.in).toBe('page-cache')
    expect(survives).toMatchObject({
      'broker-restart': 'yes',
      'broker-crash': 'unknown',
      'power-loss': 'unknown',
    })
    expect(bus.info.settings).toMatchObject({ appendonly: 'yes', 'maxmemory-policy': 'noeviction' })
    const fsync = bus.info.unknown.find(({ fact }) => fact === 'appendfsync')
    expect(fsync?.why).toMatch(/config/i)
  })

  test('without a log whether it saves is not known either', async () => {
    const bus = await openAs({}, denied)
    const { stored, survives } = await bus.queue('orders').opened()
    expect(stored.in).toBe('memory')
    expect(survives).toMatchObject({ 'broker-restart': 'unknown', 'broker-crash': 'no' })
  })
})

describeRedis('a server that keeps nothing', () => {
  test('is warned of, with what cures it, until it is cured', async () => {
    await using server = await startRedis({ args: ['--save', ''] })
    await using bus = await connect(server.url, { telemetry: false })
    expect(bus.info.warnings).toEqual([expect.stringMatching(/is gone when .*appendonly yes/)])
    await askRedis(server.url, 'CONFIG', 'SET', 'appendonly', 'yes')
    await using again = await connect(server.url, { telemetry: false })
    expect(again.info.warnings).toEqual([])
  })

  test('is one to the doctor too, who says so', async () => {
    await using server = await startRedis({ args: ['--save', ''] })
    using world = cliWorld()
    const { code, stdout } = await world.run(['doctor', server.url])
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('appendonly is no and save is empty'),
    ])
    expect(stdout).not.toContain('all is well')
  })
})

describeRedis('what happens when memory is full', () => {
  test.each([
    ['allkeys-lru', /removes whole channels/],
    ['volatile-ttl', /dedupe marks/],
  ])('%s is warned of', async (policy, text) => {
    await using server = await startRedis({
      args: ['--maxmemory', '100mb', '--maxmemory-policy', policy],
    })
    await using bus = await connect(server.url, { telemetry: false })
    expect(bus.info.warnings).toEqual([expect.stringMatching(text)])
  })

  test('noeviction is not, and neither is a policy that no limit brings to bear', async () => {
    await using server = await startRedis({ args: ['--maxmemory', '100mb'] })
    await using bus = await connect(server.url, { telemetry: false })
    expect(bus.info.warnings).toEqual([])
    await askRedisAll(server.url, [
      ['CONFIG', 'SET', 'maxmemory', '0'],
      ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'],
    ])
    await using again = await connect(server.url, { telemetry: false })
    expect(again.info.warnings).toEqual([])
  })
})

describeRedis('a server that is full', () => {
  const full = (policy: string) => ['--maxmemory', '500kb', '--maxmemory-policy', policy]
  const isFull = /full: used \d{6,} of 512000 bytes/

  test.each(['noeviction', 'volatile-lru'])(
    'is warned of with %s, until it has room',
    async (policy) => {
      await using server = await startRedis({ args: full(policy) })
      const warnings = async () => {
        await using bus = await connect(server.url, { telemetry: false })
        return bus.info.warnings.filter((text) => isFull.test(text))
      }
      expect(await warnings()).toEqual([expect.stringMatching(/stores nothing more.*maxmemory/)])
      await askRedis(server.url, 'CONFIG', 'SET', 'maxmemory', '100mb')
      expect(await warnings()).toEqual([])
    },
  )

  test('is not where it makes room for everything by itself', async () => {
    await using server = await startRedis({ args: full('allkeys-lru') })
    await using bus = await connect(server.url, { telemetry: false })
    expect(bus.info.warnings).toEqual([expect.stringMatching(/removes whole channels/)])
  })

  test('is one to the doctor too', async () => {
    await using server = await startRedis({ args: full('noeviction') })
    using world = cliWorld()
    const { code, stdout } = await world.run(['doctor', server.url])
    expect([code, stdout]).toEqual([0, expect.stringMatching(isFull)])
    expect(stdout).not.toContain('all is well')
  })
})

testRedis('the nodes of a server are asked anew at each opening', async () => {
  await using server = await startRedis({ profile: 'always' })
  await using bus = await connect(server.url, { telemetry: false })
  expect((await bus.queue('orders').opened()).stored.in).toBe('disk')
  await askRedis(server.url, 'CONFIG', 'SET', 'appendonly', 'no')
  await using again = await connect(server.url, { telemetry: false })
  expect((await again.queue('orders').opened()).stored.in).toBe('memory')
})
