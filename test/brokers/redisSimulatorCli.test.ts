import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { findRedisProgram } from '../../src/lab/brokers/redisProgram.ts'
import { cliWorld, script, type World } from '../e2e/cliRun.ts'
import { problemsOf } from '../e2e/cliSchema.ts'

const hasRedis = (await findRedisProgram()) !== null

describe('sim server refuses', () => {
  it.for([
    [
      '--processes 2',
      2,
      '--processes 2: a state in memory belongs to one process',
      '--state redis',
    ],
    ['--state-expiry 1m', 2, '--state-expiry is for a state in Redis', '--state redis'],
    ['--processes 0', 2, 'expected a whole number from 1 to 100', ''],
    ['--state nowhere', 2, 'expected memory or redis://host:port without options', ''],
    ['--state redis://u:hidden@127.0.0.1:1', 3, 'redis://u:***@127.0.0.1:1', 'Is Redis running'],
    ['--state redis://127.0.0.1:1 --processes 2', 3, 'cannot use the state', 'Is Redis running'],
  ] as const)('%s', async ([words, code, text, hint]) => {
    using world = cliWorld()
    const ran = await world.run(['sim', 'server', '--port', '0', ...words.split(' ')])
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringContaining(text)])
    expect(ran.stderr).toContain(hint)
    expect(ran.stderr).not.toContain('hidden')
  })

  it('a state in Redis without the client package, and says how to install it', async () => {
    using world = cliWorld()
    const env = { NODE_OPTIONS: `--import ${withoutClient(world)}` }
    const state = ['--state', 'redis://127.0.0.1:1']
    const ran = await world.run(['sim', 'server', '--port', '0', ...state], { env })
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain('needs the package @redis/client, which is not installed')
    expect(ran.stderr).toContain('npm install @redis/client')
  })

  it('a port for several processes on which somebody listens', async () => {
    using world = cliWorld()
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((done) => taken.once('listening', done))
    const { port } = taken.address() as AddressInfo
    const words = ['--port', String(port), '--state', 'redis://127.0.0.1:1', '--processes', '2']
    const ran = await world.run(['sim', 'server', ...words])
    taken.close()
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('EADDRINUSE')])
  })
})

describe.skipIf(!hasRedis)('sim server on a state in Redis', () => {
  it('keeps in it what the backend does not take, for the next start', {
    timeout: 90_000,
  }, async () => {
    await using redis = await startRedis()
    using world = cliWorld()
    await world.json('channels', 'create', 'lib.server.lobby', '--pattern', 'queue')
    const first = await server(world, redis.url)
    expect(first.began).toMatchObject({ processes: 1, state: redis.url })
    {
      using _held = heldStore(world)
      const one = ['--players', '2', '--games', '1', '--processes', '1']
      expect((await world.run(['sim', 'bots', first.url, ...one])).code).toBe(0)
      const summary = await first.stop()
      expect(summary).toMatchObject({ code: 130, started: 1, complete: 1, kept: 1, died: 0 })
      expect(problemsOf(summary.said)).toEqual([])
    }
    expect(await finished(world)).toBe(0)
    const next = await server(world, redis.url)
    await expect.poll(() => finished(world), { timeout: 30_000 }).toBe(1)
    expect(await next.stop()).toMatchObject({ started: 0, rescued: 1, records: 1, kept: 0 })
  })
})

async function server(world: World, state: string) {
  const running = world.start(['sim', 'server', '--port', '0', '--state', state, '--json'])
  const url = await running.shows(/"url":"(ws:[^"]*)"/)
  const line = async (at: number) => {
    const { code, stdout } = await running.ended
    const said = JSON.parse(stdout.trim().split('\n').at(at) ?? '') as Record<string, unknown>
    return { ...said, code, said }
  }
  return {
    url,
    began: JSON.parse(await running.shows(/(\{.*"sim\.server".*\})/)) as unknown,
    stop() {
      running.child.kill('SIGINT')
      return line(-1)
    },
  }
}

/** Nobody else can write to the store. */
function heldStore(world: World): Disposable {
  const place = join(world.folder, '.narrowcast/store/store.db')
  const db = new DatabaseSync(place, { timeout: 10_000 })
  db.exec('begin immediate')
  return {
    [Symbol.dispose]() {
      db.exec('rollback')
      db.close()
    },
  }
}

async function finished(world: World): Promise<number> {
  const words = ['tail', 'lib.server.lobby', '--last', '100', '--until', 'end', '--json']
  const { stdout } = await world.run(words)
  return stdout.split('\n').filter((line) => line.includes('Cleaning Game Records')).length
}

/** A module that makes the client of Redis one that is not installed. */
function withoutClient(world: World): string {
  const text = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(name, context, next) {
        if (name !== '@redis/client') return next(name, context)
        throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
      },
    })`
  script(world, 'withoutClient.mjs', text)
  return `file://${join(world.folder, 'withoutClient.mjs')}`
}
