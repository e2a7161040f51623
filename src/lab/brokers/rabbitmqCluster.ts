import { randomUUID } from 'node:crypto'
import { startEpmd } from './epmd.ts'
import { expectFree } from './freePorts.ts'
import { onFreePort } from './onFreePort.ts'
import { type OwnFolder, ownFolder } from './ownFolder.ts'
import type { OwnProcess } from './ownProcess.ts'
import type { RabbitmqOptions } from './rabbitmq.ts'
import { expectRabbitmqProgram } from './rabbitmqProgram.ts'
import { type RabbitmqServer, serveRabbitmq } from './rabbitmqServer.ts'
import { startAll, stopAll } from './startAll.ts'
import { until } from './until.ts'

export interface RabbitmqClusterOptions extends RabbitmqOptions {
  /** Three at least for queues that live on when one is gone. @default 3 */
  readonly nodes?: number
}

/** Nodes of our own that share users, queues and exchanges. */
export interface RabbitmqCluster extends AsyncDisposable {
  /** `amqp://127.0.0.1:PORT,127.0.0.1:PORT,…`: every node. */
  readonly url: string
  /**
   * Each can be killed, terminated and started again alone. One that ended while others ran comes
   * back only beside them: where all have ended, `restart` all at once.
   */
  readonly nodes: readonly RabbitmqServer[]
  readonly version: string
  readonly how: string
  /** Waits until the nodes that run see each other, and no other. */
  ready(): Promise<void>
  /** Ends all nodes and removes their folders. Twice is fine. */
  stop(): Promise<void>
}

/**
 * Starts a cluster and resolves when every node sees all others.
 *
 * @throws UNAVAILABLE where there is no rabbitmq-server.
 */
export async function startRabbitmqCluster(
  options: RabbitmqClusterOptions = {},
): Promise<RabbitmqCluster> {
  const { nodes: count = 3, config = [] } = options
  await expectRabbitmqProgram()
  const names = Array.from({ length: count }, (_, at) => `rabbit${at + 1}`)
  const peers = names.map(
    (name, at) => `cluster_formation.classic_config.nodes.${at + 1} = ${name}@localhost`,
  )
  const nodes: RabbitmqServer[] = []
  const folder = await ownFolder('epmd')
  let epmd: OwnProcess | null = null
  const stop = async () => {
    await stopAll(nodes)
    await epmd?.end('SIGKILL')
    await folder.remove()
  }
  try {
    const shared = await startSharedEpmd(folder)
    epmd = shared.epmd
    const own = { cookie: randomUUID(), config: [...peers, ...config], epmdPort: shared.port }
    const start = async (name: string) => await serveRabbitmq({ ...own, name })
    // Of nodes that start at the same time two may each begin a cluster.
    const [first = '', ...others] = names
    nodes.push(await start(first))
    nodes.push(...(await startAll(others.map(start))))
    await agree(nodes)
  } catch (error) {
    await stop()
    throw error
  }
  const [{ version, how }] = nodes as [RabbitmqServer]
  return {
    url: `amqp://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    version,
    how,
    ready: async () => await agree(nodes),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Nodes find each other by one list: it ends with none of them. */
async function startSharedEpmd(folder: OwnFolder) {
  return await onFreePort(async (port) => {
    await expectFree([port])
    return { port, epmd: await startEpmd(port, folder) }
  })
}

interface ClusterStatus {
  readonly running_nodes: readonly string[]
}

async function agree(nodes: readonly RabbitmqServer[]): Promise<void> {
  const running = nodes.filter(({ isRunning }) => isRunning)
  const expected = running.map(({ name }) => name).sort()
  await Promise.all(
    running.map((node) =>
      until(`${node.name} sees ${expected.join(', ')} run`, async () => {
        const status = await node.ctl('cluster_status', '--formatter', 'json')
        const { running_nodes: seen } = JSON.parse(status) as ClusterStatus
        return String(seen.toSorted()) === String(expected) ? true : null
      }),
    ),
  )
}
