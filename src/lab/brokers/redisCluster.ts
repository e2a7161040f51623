import { askRedis, askRedisAll } from './askRedis.ts'
import { type RedisOptions, startRedis } from './redis.ts'
import type { RedisServer } from './redisServer.ts'
import { startAll, stopAll } from './startAll.ts'
import { until } from './until.ts'

export interface ClusterOptions extends Pick<RedisOptions, 'profile' | 'args'> {
  /** Three at least, so that they can agree that one is gone. @default 3 */
  readonly masters?: number
  /** Of each master. @default 0 */
  readonly replicas?: 0 | 1
  /**
   * A node that is silent for so long is taken for dead: short where one is to die, and else longer
   * than a busy machine stands still. @default 5_000
   */
  readonly nodeTimeoutMs?: number
}

/** Nodes of our own that share the 16,384 slots. */
export interface RedisCluster extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT,127.0.0.1:PORT,…`: every node. */
  readonly url: string
  /** The first masters, then their replicas in the same order. */
  readonly nodes: readonly RedisServer[]
  readonly version: string
  readonly how: string
  /** The node that takes commands on this key; waits while there is none. */
  masterOf(key: string): Promise<RedisServer>
  /** Waits until the nodes that run agree that every slot is served, and replicas follow. */
  ready(): Promise<void>
  /** Ends all nodes and removes their folders. Twice is fine. */
  stop(): Promise<void>
}

/**
 * Starts a Redis Cluster and resolves when every node says that it is ok.
 *
 * @throws UNAVAILABLE where no redis-server is on the PATH.
 */
export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { masters = 3, replicas = 0, nodeTimeoutMs = 5_000, profile = 'default' } = options
  const args = [
    ...['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeoutMs)],
    // A replica has its copy at once, and takes over however long it was without its master.
    ...['--repl-diskless-sync-delay', '0', '--cluster-replica-validity-factor', '0'],
    ...(options.args ?? []),
  ]
  const count = masters * (1 + replicas)
  const nodes = await startAll(Array.from({ length: count }, () => startRedis({ profile, args })))
  const stop = async () => await stopAll(nodes)
  try {
    await join(nodes, masters)
    await agree(nodes)
  } catch (error) {
    await stop()
    throw error
  }
  const [{ version, how }] = nodes as [RedisServer]
  return {
    url: `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    version,
    how,
    masterOf: async (key) => await masterOf(nodes, key),
    ready: async () => await agree(nodes),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

const slotCount = 16_384

/** Every master gets its slots and an epoch of its own, all meet, and each replica follows one. */
async function join(nodes: readonly RedisServer[], masters: number): Promise<void> {
  const borders = Array.from({ length: masters + 1 }, (_, at) =>
    Math.floor((at * slotCount) / masters),
  )
  await Promise.all(
    nodes.slice(0, masters).map(async ({ url }, at) => {
      const [from, to] = [borders[at] as number, (borders[at + 1] as number) - 1]
      await askRedis(url, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to))
      await askRedis(url, 'CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1))
    }),
  )
  const [first, ...others] = nodes as [RedisServer, ...RedisServer[]]
  for (const { port } of others) {
    await askRedis(first.url, 'CLUSTER', 'MEET', '127.0.0.1', String(port))
  }
  await Promise.all(
    nodes.slice(masters).map(async ({ url }, at) => {
      const master = String(await askRedis((nodes[at] as RedisServer).url, 'CLUSTER', 'MYID'))
      // Refused until it has heard of this master.
      await until(`${url} can follow ${master}`, () =>
        askRedis(url, 'CLUSTER', 'REPLICATE', master),
      )
    }),
  )
}

async function agree(nodes: readonly RedisServer[]): Promise<void> {
  await Promise.all(
    nodes.map(({ url }, at) =>
      until(`the cluster is ok in the eyes of ${url}`, async () => {
        if (!nodes[at]?.isRunning) return true
        const [info, replication] = await askTexts(
          url,
          ['CLUSTER', 'INFO'],
          ['INFO', 'replication'],
        )
        const isWhole = info.includes(`cluster_known_nodes:${nodes.length}\r`)
        const follows = /role:master|master_link_status:up/.test(replication)
        return isOk(info) && isWhole && follows ? true : null
      }),
    ),
  )
}

async function askTexts<T extends string[][]>(
  url: string,
  ...commands: T
): Promise<{ [at in keyof T]: string }> {
  return (await askRedisAll(url, commands)).map(String) as { [at in keyof T]: string }
}

/** A former master that comes back is not ok until it has heard who has followed it. */
const isOk = (info: string) => info.includes('cluster_state:ok')

async function masterOf(nodes: readonly RedisServer[], key: string): Promise<RedisServer> {
  // The first to say so: a node that is stopped in its tracks does not answer at all.
  return await until(`a master serves ${key}`, () =>
    Promise.any(
      nodes.map(async (node) => {
        const [info, view, slot] = await askTexts(
          node.url,
          ['CLUSTER', 'INFO'],
          ['CLUSTER', 'NODES'],
          ['CLUSTER', 'KEYSLOT', key],
        )
        if (isOk(info) && servesItself(view, Number(slot))) return node
        throw new Error(`${node.url} does not serve ${key}`)
      }),
    ),
  )
}

/** A line: id, address, flags, master, ping, pong, epoch, link, and the slots that it serves. */
function servesItself(view: string, slot: number): boolean {
  const own = view.split('\n').find((line) => line.includes('myself,master'))
  const [, , , , , , , , ...slots] = own?.split(' ') ?? []
  return slots.some((range) => {
    const [from, to = from] = range.split('-').map(Number)
    return from !== undefined && to !== undefined && from <= slot && slot <= to
  })
}
