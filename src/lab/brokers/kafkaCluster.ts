import { newClusterId } from './kafka.ts'
import { expectKafkaProgram } from './kafkaProgram.ts'
import { type KafkaServer, serveKafka } from './kafkaServer.ts'
import { onFreePort } from './onFreePort.ts'
import { startAll, stopAll } from './startAll.ts'

export interface KafkaClusterOptions {
  /** Three at least for topics that live on when one is gone. @default 3 */
  readonly nodes?: number
  /** Further lines of server.properties of every node; they win. */
  readonly config?: readonly string[]
}

/** Nodes of our own that share topics and groups. */
export interface KafkaCluster extends AsyncDisposable {
  /** `kafka://127.0.0.1:PORT,127.0.0.1:PORT,…`: every node. */
  readonly url: string
  /** Each can be killed, terminated and started again alone, as long as a majority runs. */
  readonly nodes: readonly KafkaServer[]
  readonly version: string
  readonly how: string
  /** Ends all nodes and removes their folders. Twice is fine. */
  stop(): Promise<void>
}

/**
 * Starts a cluster and resolves when clients can connect to every node.
 *
 * @throws UNAVAILABLE where there is no such program.
 */
export async function startKafkaCluster(options: KafkaClusterOptions = {}): Promise<KafkaCluster> {
  const { nodes: count = 3, config = [] } = options
  const program = await expectKafkaProgram()
  return await onFreePort(async (port) => {
    const ids = Array.from({ length: count }, (_, at) => at + 1)
    const portsOf = (id: number) => {
      const first = port + 3 * id
      return { clients: first, nodes: first + 1, controller: first + 2 }
    }
    const voters = ids.map((id) => `${id}@127.0.0.1:${portsOf(id).controller}`)
    const clusterId = newClusterId()
    // None is ready before a majority is.
    const nodes = await startAll(
      ids.map((id) => serveKafka(program, { id, ports: portsOf(id), voters, config, clusterId })),
    )
    const stop = async () => await stopAll(nodes)
    return {
      url: `kafka://${nodes.map(({ address }) => address).join(',')}`,
      nodes,
      version: program.version,
      how: program.how,
      stop,
      [Symbol.asyncDispose]: stop,
    }
  })
}
