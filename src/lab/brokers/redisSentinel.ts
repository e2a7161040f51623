import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { askRedis } from './askRedis.ts'
import { type RedisOptions, startRedis } from './redis.ts'
import { type RedisServer, serveRedis } from './redisServer.ts'
import { startAll, stopAll } from './startAll.ts'
import { until } from './until.ts'

export interface SentinelOptions extends Pick<RedisOptions, 'profile' | 'args'> {
  /**
   * A master that is silent for so long is down for a sentinel: longer than a busy machine stands
   * still. @default 2_000
   */
  readonly downAfterMs?: number
}

/** One master, one replica, and three sentinels of which two must agree. */
export interface RedisSentinel extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT,127.0.0.1:PORT,…?sentinel=main`: every sentinel. */
  readonly url: string
  /** What the sentinels call the master. */
  readonly name: string
  /** Both servers; the first is the master at the start. */
  readonly servers: readonly [RedisServer, RedisServer]
  readonly sentinels: readonly RedisServer[]
  readonly version: string
  readonly how: string
  /** The server that a sentinel names and that says so itself; waits while there is none. */
  master(): Promise<RedisServer>
  /** Waits until every sentinel sees the others, the master and a replica that follows. */
  ready(): Promise<void>
  /** Ends all five and removes their folders. Twice is fine. */
  stop(): Promise<void>
}

const name = 'main'
const sentinelCount = 3

/**
 * Starts servers and sentinels, and resolves when a failover could happen.
 *
 * @throws UNAVAILABLE where no redis-server is on the PATH.
 */
export async function startRedisSentinel(options: SentinelOptions = {}): Promise<RedisSentinel> {
  const { downAfterMs = 2_000, profile = 'default', args = [] } = options
  const own = { profile, args: ['--repl-diskless-sync-delay', '0', ...args] }
  const all: RedisServer[] = []
  const stop = async () => await stopAll(all)
  try {
    const master = await startRedis(own)
    all.push(master)
    const following = ['--replicaof', '127.0.0.1', String(master.port)]
    const replica = await startRedis({ profile, args: [...own.args, ...following] })
    all.push(replica)
    const sentinels = await startAll(
      Array.from({ length: sentinelCount }, () => startSentinel(master.port, downAfterMs)),
    )
    all.push(...sentinels)
    const servers = [master, replica] as const
    const ready = async () => await agree(sentinels)
    await ready()
    const { version, how } = master
    return {
      url: `redis://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}?sentinel=${name}`,
      name,
      servers,
      sentinels,
      version,
      how,
      master: async () => await masterNow(servers, sentinels),
      ready,
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** It writes down what it learns, so its file is made once and kept over a restart. */
async function startSentinel(masterPort: number, downAfterMs: number): Promise<RedisServer> {
  const server = await serveRedis({
    scheme: 'redis',
    ready: /Sentinel ID is/,
    async settings({ port, folder }) {
      const file = join(folder, 'sentinel.conf')
      const lines = [
        `port ${port}`,
        `sentinel monitor ${name} 127.0.0.1 ${masterPort} 2`,
        `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
        `sentinel failover-timeout ${name} 5000`,
      ]
      await writeFile(file, `${lines.join('\n')}\n`)
      return [file, '--sentinel']
    },
  })
  // They tell of themselves every 2 s, and look for replicas every 10 s, unless told otherwise.
  const fast = ['INFO-PERIOD', '100', 'PUBLISH-PERIOD', '100']
  await askRedis(server.url, 'SENTINEL', 'DEBUG', ...fast)
  return server
}

interface MasterSeen {
  /** `master` and whatever is wrong with it. */
  readonly flags: string
  readonly 'num-other-sentinels': string
}

interface ReplicaSeen {
  readonly 'master-link-status': string
}

async function agree(sentinels: readonly RedisServer[]): Promise<void> {
  await Promise.all(
    sentinels.map(({ url }) =>
      until(`${url} sees master, replica and sentinels`, async () => {
        const master = (await askRedis(url, 'SENTINEL', 'MASTER', name)) as MasterSeen
        const replicas = (await askRedis(url, 'SENTINEL', 'REPLICAS', name)) as ReplicaSeen[]
        const sees = master['num-other-sentinels'] === String(sentinelCount - 1)
        const follows = replicas.some((one) => one['master-link-status'] === 'ok')
        return master.flags === 'master' && sees && follows ? true : null
      }),
    ),
  )
}

async function masterNow(
  servers: readonly RedisServer[],
  sentinels: readonly RedisServer[],
): Promise<RedisServer> {
  return await until(`a sentinel names the master of ${name}`, () =>
    Promise.any(
      sentinels.map(async ({ url }) => {
        const named = await askRedis(url, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)
        const [, port] = named as [string, string]
        const server = servers.find((one) => String(one.port) === port)
        const [role] = (await askRedis(server?.url ?? '', 'ROLE')) as [string]
        if (server !== undefined && role === 'master') return server
        throw new Error(`${port} is a ${role}`)
      }),
    ),
  )
}
