import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createClient } from '@redis/client'
import { afterEach, expect, test, vi } from 'vitest'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { selfSigned } from '../../src/lab/brokers/certificate.ts'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'
import { onFreePort } from '../../src/lab/brokers/onFreePort.ts'
import { ownFolder } from '../../src/lab/brokers/ownFolder.ts'
import { OwnProcess } from '../../src/lab/brokers/ownProcess.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { startRedisCluster } from '../../src/lab/brokers/redisCluster.ts'
import { startRedisSentinel } from '../../src/lab/brokers/redisSentinel.ts'
import { describeRedis, redisProgram } from './redisHere.ts'

const setting = async (url: string, name: string) =>
  ((await askRedis(url, 'CONFIG', 'GET', name)) as Record<string, string>)[name]

/** `master`, or `slave` and where its master is. */
const roleOf = async (url: string) => ((await askRedis(url, 'ROLE')) as unknown[]).slice(0, 3)

/** Connects to a server; what it returns resolves when that is gone. */
async function connected(url: string): Promise<() => Promise<unknown>> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {}) // a reset is an end as well
  const closed = new Promise((done) => socket.resume().once('close', done))
  return () => closed
}

describeRedis('a Redis of our own', () => {
  test('takes commands, and leaves neither process nor folder', async () => {
    const server = await startRedis()
    expect(await askRedis(server.url, 'PING')).toBe('PONG')
    expect(server).toMatchObject({
      version: redisProgram?.version,
      how: 'on the PATH',
      isRunning: true,
    })
    expect(server.log).toContain('Ready to accept connections')
    const { folder } = server
    expect(await setting(server.url, 'dir')).toBe(folder)
    expect(existsSync(folder)).toBe(true)
    await server.stop()
    await server.stop()
    expect(server.isRunning).toBe(false)
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH')
    expect(existsSync(folder)).toBe(false)
  })

  test.for([
    ['default', 'no', 'everysec', /^3600 1/],
    ['everysec', 'yes', 'everysec', /^3600 1/],
    ['always', 'yes', 'always', /^3600 1/],
  ] as const)('profile %s: append-only %s, %s', async ([profile, appendOnly, sync, save]) => {
    await using server = await startRedis({ profile })
    expect(await setting(server.url, 'appendonly')).toBe(appendOnly)
    expect(await setting(server.url, 'appendfsync')).toBe(sync)
    expect(await setting(server.url, 'save')).toMatch(save)
  })

  test('further settings are in force, and a wrong one is told as the server says it', async () => {
    await using server = await startRedis({ args: ['--maxmemory', '10mb'] })
    expect(await setting(server.url, 'maxmemory')).toBe(String(10 * 1024 * 1024))
    await expect(startRedis({ args: ['--no-such-setting', '1'] })).rejects.toThrow(
      /ended with 1 before it was ready[\s\S]*no-such-setting/,
    )
  })

  test('after SIGKILL an append-only server has what it acknowledged, another lost it', async () => {
    await using kept = await startRedis({ profile: 'always' })
    await using lost = await startRedis()
    for (const server of [kept, lost]) {
      await askRedis(server.url, 'SET', 'a', '1')
      const { pid, url } = server
      await server.kill()
      expect(server.isRunning).toBe(false)
      await expect(askRedis(url, 'PING')).rejects.toThrow('ECONNREFUSED')
      await server.restart()
      expect([server.url, server.pid === pid]).toEqual([url, false])
    }
    expect(await askRedis(kept.url, 'GET', 'a')).toBe('1')
    expect(await askRedis(lost.url, 'GET', 'a')).toBe(null)
  })

  test('SIGTERM lets it save, and restart does so by itself', async () => {
    await using server = await startRedis()
    await askRedis(server.url, 'SET', 'a', '1')
    await server.terminate()
    await server.restart()
    expect(await askRedis(server.url, 'INCR', 'a')).toBe(2)
    await server.restart()
    expect(await askRedis(server.url, 'GET', 'a')).toBe('2')
  })

  test('several run at once, each with what was given to it', async () => {
    const servers = await Promise.all([startRedis(), startRedis(), startRedis()])
    for (const [at, { url }] of servers.entries()) await askRedis(url, 'SET', 'who', `${at}`)
    const said = servers.map(({ url }) => askRedis(url, 'GET', 'who'))
    expect(await Promise.all(said)).toEqual(['0', '1', '2'])
    expect(new Set(servers.map(({ port }) => port)).size).toBe(3)
    await Promise.all(servers.map((server) => server.stop()))
  })

  test('another port is tried where one is taken', async () => {
    await using server = await startRedis()
    const folder = await ownFolder('test')
    const tried: number[] = []
    const start = async (port: number) => {
      tried.push(port)
      const args = ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder.path]
      const ready = /Ready to accept connections/
      return await OwnProcess.start(
        { command: redisProgram?.command ?? '', args, ready, readyWithinMs: 10_000 },
        folder,
      )
    }
    const second = await onFreePort(start, () => server.port + tried.length)
    expect(tried.length).toBeGreaterThan(1)
    expect(await askRedis(`redis://127.0.0.1:${tried.at(-1)}`, 'PING')).toBe('PONG')
    await second.end('SIGKILL')
    await folder.remove()
  })

  test.for(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'a program that %s ends leaves no server and no folder',
    async (signal) => {
      const parent = spawn(process.execPath, [join(import.meta.dirname, 'redisParent.ts')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      try {
        const [line] = (await once(createInterface(parent.stdout), 'line')) as [string]
        const { url, folder } = JSON.parse(line) as { url: string; folder: string }
        expect(existsSync(folder)).toBe(true)
        const gone = await connected(url)
        parent.kill(signal)
        await gone()
        await vi.waitFor(() => expect(existsSync(folder)).toBe(false), 10_000)
      } finally {
        parent.kill('SIGKILL')
      }
    },
  )
})

describeRedis('a Redis for a test file', () => {
  afterEach(() => vi.unstubAllEnvs())

  test('is the one that the environment gives, and stays when it is stopped', async () => {
    await using server = await startRedis()
    vi.stubEnv('NARROWCAST_TEST_REDIS_URL', server.url)
    const { redis } = await obtainRedis()
    expect(redis).toMatchObject({
      url: server.url,
      version: redisProgram?.version,
      how: 'given by NARROWCAST_TEST_REDIS_URL',
    })
    await redis?.stop()
    expect(await askRedis(server.url, 'PING')).toBe('PONG')
  })

  test('is one of its own where none is given, and ends', async () => {
    vi.stubEnv('NARROWCAST_TEST_REDIS_URL', '')
    const { redis, missing } = await obtainRedis()
    expect([redis?.how, missing]).toEqual(['on the PATH', null])
    const url = redis?.url ?? ''
    expect(await askRedis(url, 'PING')).toBe('PONG')
    await redis?.stop()
    await expect(askRedis(url, 'PING')).rejects.toThrow('ECONNREFUSED')
  })

  test('is a container where only Docker is there, and the container is removed', async () => {
    await using server = await startRedis() // takes the place of the one in the container
    const folder = await mkdtemp(join(tmpdir(), 'narrowcast-docker-'))
    try {
      for (const name of ['sh', 'sleep', 'rm', 'cat']) {
        await symlink(`/bin/${name}`, join(folder, name))
      }
      await writeFile(join(folder, 'docker'), dockerScript(folder, server.port), { mode: 0o755 })
      vi.stubEnv('NARROWCAST_TEST_REDIS_URL', '')
      vi.stubEnv('PATH', folder)
      const { redis } = await obtainRedis()
      const { url, version } = server
      expect(redis).toMatchObject({ url, version, how: 'redis:8-alpine in Docker' })
      await redis?.stop()
      const calls = await readFile(join(folder, 'calls'), 'utf8')
      const [, name] = /--name (\S+)/.exec(calls) ?? []
      expect(calls.split('\n')).toEqual([
        'version',
        `run --rm --name ${name} --publish 127.0.0.1::6379 redis:8-alpine`,
        `port ${name} 6379/tcp`,
        `rm --force ${name}`,
        '',
      ])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

/** Says what it was asked, and runs something that ends when it is removed. */
const dockerScript = (folder: string, port: number) => `#!/bin/sh
echo "$@" >> ${folder}/calls
case $1 in
  run) echo $$ > ${folder}/pid; echo Ready to accept connections; exec sleep 100 ;;
  port) echo 127.0.0.1:${port} ;;
  rm) kill $(cat ${folder}/pid) ;;
esac
`

describeRedis('TLS and users', () => {
  const server = selfSigned('server')
  const client = selfSigned('client')

  /** What a PING over TLS is answered with. */
  async function ping(url: string, tls: { ca: string; cert?: string; key?: string }) {
    const socket = { tls: true, reconnectStrategy: false, ...tls } as const
    const own = createClient({ url, socket })
    own.on('error', () => {})
    try {
      await own.connect()
      return await own.ping()
    } finally {
      if (own.isOpen) own.destroy()
    }
  }

  test('a server with a certificate is reached by who trusts it, over TLS only', async () => {
    await using redis = await startRedis({ tls: { server } })
    expect(redis.url).toMatch(/^rediss:\/\/127\.0\.0\.1:\d+$/)
    expect(await ping(redis.url, { ca: server.certificate })).toBe('PONG')
    await expect(ping(redis.url, { ca: client.certificate })).rejects.toThrow('self-signed')
    await expect(askRedis(redis.url.replace('rediss', 'redis'), 'PING')).rejects.toThrow()
    await redis.restart()
    expect(await ping(redis.url, { ca: server.certificate })).toBe('PONG')
  })

  test('clients must show the certificate that is asked of them', async () => {
    await using redis = await startRedis({ tls: { server, client } })
    const ca = server.certificate
    expect(await ping(redis.url, { ca, cert: client.certificate, key: client.key })).toBe('PONG')
    await expect(ping(redis.url, { ca })).rejects.toThrow(
      /certificate required|closed|reset|EPIPE/i,
    )
  })

  test('a user may do what the settings say, and no other gets in', async () => {
    const user = ['--user', 'app', 'on', '>word', '~app:*', '&*', '+@all', '-@dangerous']
    await using redis = await startRedis({ args: [...user, '--user', 'default', 'off'] })
    const login = (who: string) => redis.url.replace('//', `//${who}@`)
    expect(await askRedis(login('app:word'), 'SET', 'app:a', '1')).toBe('OK')
    await expect(askRedis(login('app:word'), 'SET', 'b', '1')).rejects.toThrow('NOPERM')
    await expect(askRedis(login('app:word'), 'CONFIG', 'GET', '*')).rejects.toThrow('NOPERM')
    await expect(askRedis(login('app:wrong'), 'PING')).rejects.toThrow('WRONGPASS')
    await expect(askRedis(redis.url, 'PING')).rejects.toThrow('NOAUTH')
  })
})

describeRedis('a cluster of our own', () => {
  test('serves every slot by three masters, and leaves nothing', async () => {
    const cluster = await startRedisCluster()
    const { nodes } = cluster
    expect(cluster.url).toBe(`redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`)
    const keys = Array.from({ length: 12 }, (_, at) => `key${at}`)
    const masters = new Set<string>()
    for (const key of keys) {
      const { url } = await cluster.masterOf(key)
      expect(await askRedis(url, 'SET', key, '1')).toBe('OK')
      masters.add(url)
    }
    expect(masters).toEqual(new Set(nodes.map(({ url }) => url)))
    await expect(Promise.all(nodes.map(({ url }) => askRedis(url, 'GET', 'key0')))).rejects.toThrow(
      'MOVED',
    )
    const folders = nodes.map(({ folder }) => folder)
    await cluster.stop()
    await cluster.stop()
    expect(nodes.map(({ isRunning }) => isRunning)).toEqual([false, false, false])
    expect(folders.filter((folder) => existsSync(folder))).toEqual([])
  })

  test('a replica follows a master that is killed, and keeps what it has copied', async () => {
    await using cluster = await startRedisCluster({
      replicas: 1,
      nodeTimeoutMs: 2_000,
      profile: 'always',
    })
    const former = await cluster.masterOf('a')
    expect(await setting(former.url, 'appendfsync')).toBe('always')
    await askRedis(former.url, 'SET', 'a', '1')
    await askRedis(former.url, 'WAIT', '1', '0')
    await former.kill()
    const now = await cluster.masterOf('a')
    expect(now.url).not.toBe(former.url)
    expect(await askRedis(now.url, 'GET', 'a')).toBe('1')
    await former.restart()
    expect((await cluster.masterOf('a')).url).toBe(now.url)
    await cluster.ready()
    expect((await cluster.masterOf('a')).url).toBe(now.url)
    expect(await roleOf(former.url)).toEqual(['slave', '127.0.0.1', now.port])
  })
})

describeRedis('sentinels of our own', () => {
  test('make the replica the master when that is killed, and leave nothing', async () => {
    const own = await startRedisSentinel()
    const all = [...own.servers, ...own.sentinels]
    const folders = all.map(({ folder }) => folder)
    const [former, replica] = own.servers
    expect((await own.master()).url).toBe(former.url)
    await askRedis(former.url, 'SET', 'a', '1')
    await askRedis(former.url, 'WAIT', '1', '0')
    await former.kill()
    expect((await own.master()).url).toBe(replica.url)
    expect(await askRedis(replica.url, 'GET', 'a')).toBe('1')
    await former.restart()
    await own.ready()
    expect(await roleOf(former.url)).toEqual(['slave', '127.0.0.1', replica.port])
    await own.stop()
    expect(all.map(({ isRunning }) => isRunning)).toEqual([false, false, false, false, false])
    expect(folders.filter((folder) => existsSync(folder))).toEqual([])
  })

  test('are asked by the name of the master', async () => {
    await using own = await startRedisSentinel({ downAfterMs: 7_000 })
    for (const { url } of own.sentinels) {
      expect(await askRedis(url, 'SENTINEL', 'MASTER', own.name)).toMatchObject({
        port: String(own.servers[0].port),
        quorum: '2',
        'down-after-milliseconds': '7000',
      })
    }
  })
})
