import { expect, test } from 'vitest'
import type { Check } from '../../src/cli/doctor/checks.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { type RedisOptions, startRedis } from '../../src/lab/brokers/redis.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { testRedis } from './redisHere.ts'

const powerLoss = ['--pattern', 'queue', '--require', 'survives=power-loss']

async function closed(options: RedisOptions = {}) {
  const server = await startRedis(options)
  const rights = ['+@all', '-config', '~*', '&*']
  await askRedis(server.url, 'ACL', 'SETUSER', 'app', 'on', '>secret', ...rights)
  return { server, url: `redis://app:secret@127.0.0.1:${server.port}` }
}

test('without a server contract shows both ways to keep a queue, and what does not differ once', async () => {
  using world = cliWorld()
  const { items } = await world.json('contract', 'redis')
  expect(
    (items as { backend: string; pattern: string }[]).map(
      ({ backend, pattern }) => `${pattern} ${backend}`,
    ),
  ).toEqual([
    'queue redis ?queue=list',
    'queue redis ?queue=stream',
    'stream redis',
    'broadcast redis',
    'narrowcast redis',
    'narrowcast-relay redis',
  ])
})

testRedis('the server of a URL is asked, and nothing is made there', async () => {
  using world = cliWorld()
  await using weak = await startRedis()
  await using safe = await startRedis({ profile: 'always' })
  expect(await world.run(['contract', 'redis', ...powerLoss])).toMatchObject({ code: 0 })
  expect(await world.run(['contract', safe.url, ...powerLoss])).toMatchObject({ code: 0 })
  expect(await world.run(['contract', weak.url, ...powerLoss])).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('it survives worker-crash, broker-restart'),
  })
  const { items } = await world.json('contract', `${weak.url}?queue=stream&lease=5s`)
  const rows = items as { pattern: string; backend: string; contract: { redelivery: object } }[]
  expect(rows.every(({ backend }) => backend === 'redis')).toBe(true)
  expect(rows.find(({ pattern }) => pattern === 'queue')?.contract.redelivery).toMatchObject({
    withinMs: 6_000,
  })
  expect(await askRedis(weak.url, 'DBSIZE')).toBe(0)
})

testRedis(
  'contract and doctor name what the server does not tell, and never the password',
  async () => {
    using world = cliWorld()
    const { server, url } = await closed({ profile: 'always' })
    await using _server = server
    const { stdout, stderr } = await world.run(['contract', url, '--pattern', 'queue'])
    expect(stdout).toContain('not known: broker-crash power-loss')
    expect(stderr).toContain('redis does not tell appendfsync')
    const { items } = await world.json('contract', url, '--pattern', 'queue')
    expect(items).toMatchObject([{ unknown: expect.arrayContaining([expect.anything()]) }])
    const doctor = await world.run(['doctor', url])
    expect(doctor).toMatchObject({ code: 0, stdout: expect.stringContaining('does not tell') })
    expect(stdout + stderr + doctor.stdout + doctor.stderr).not.toContain('secret')
  },
)

testRedis('doctor shows how the server is set up, and counts what it warns of once', async () => {
  using world = cliWorld()
  await using server = await startRedis({
    profile: 'everysec',
    args: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'],
  })
  const { code, stdout, stderr } = await world.run(['doctor', server.url, '--json'])
  expect(code).toBe(0)
  expect(stdout).toContain('appendfsync everysec')
  expect((stdout + stderr).match(/maxmemory-policy is allkeys-lru/g)).toHaveLength(1)
  const { checks, warnings } = JSON.parse(stdout) as { checks: Check[]; warnings: number }
  const warned = checks.filter(({ state }) => state === 'warning')
  expect(warned.length).toBe(warnings)
  // The others are about this machine: its disk, its cores, a port that another program has.
  expect(warned.filter(({ name }) => name === 'settings')).toHaveLength(1)
})

test('where nothing listens contract and doctor end with 3, and say what to do', async () => {
  using world = cliWorld()
  for (const command of ['contract', 'doctor']) {
    const { code, stdout, stderr } = await world.run([command, 'redis://me:secret@localhost:1'])
    expect(code).toBe(3)
    expect(stdout + stderr).toContain('Is Redis running? Nothing listens on port 1 of localhost.')
    expect(stdout + stderr).not.toContain('secret')
  }
})
