import { NarrowcastError } from '../../../core/errors.ts'
import type { Address } from '../../_shared/serverPlace.ts'
import { readTls } from '../../_shared/tlsFiles.ts'
import { type KafkaClient, loadClient } from '../client.ts'
import { closedError, kafkaError, protocolError } from '../kafkaErrors.ts'
import { invalid, type KafkaTarget } from '../options.ts'
import { connectError } from './connectError.ts'
import { Link } from './link.ts'
import type { Answers } from './requests.ts'

/** How long a node may take to accept a connection. */
const connectMsMax = 5_000
/** And to answer, unless it was asked to wait. */
const answerMsMax = 10_000

export interface Partition {
  readonly index: number
  /** Null: nobody leads it now. */
  readonly leader: number | null
  readonly replicas: readonly number[]
  readonly inSync: readonly number[]
}

export interface Topic {
  readonly name: string
  /** Another one than that of a topic of this name that was removed. */
  readonly id: string
  readonly partitions: readonly Partition[]
}

/**
 * The nodes that we know of, and who leads what. A node that is gone is another's work to replace:
 * whoever is told that asks here again. When no node can be reached, it has ended.
 */
export class Cluster {
  readonly client: KafkaClient
  readonly target: KafkaTarget
  /** Of all connections of one session. */
  readonly #clientId = `narrowcast-${process.pid}`
  readonly #tls: Readonly<Record<string, unknown>> | null
  readonly #ended = new AbortController()
  readonly #topics = new Map<string, Topic>()
  readonly #links = new Set<Link>()
  #nodes = new Map<number, Address>()
  #control: Link | null = null
  #reaching: Promise<Link> | null = null
  #isClosing = false
  /** Of the cluster, as it says itself. */
  id = ''

  /** @throws CONNECT_FAILED, LOGIN_REFUSED, CLIENT_MISSING, INVALID_CONFIG */
  static async open(target: KafkaTarget, signal: AbortSignal): Promise<Cluster> {
    const client = await loadClient()
    const tls = await readTls(target.tls, invalid)
    signal.throwIfAborted()
    const cluster = new Cluster(client, target, tls)
    try {
      const { address } = await cluster.control()
      // One that wants a login says what it knows, and closes when it is asked for more.
      await cluster.topics([]).catch((error: unknown) => {
        throw isLost(error) ? connectError(error, address, target) : error
      })
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  private constructor(
    client: KafkaClient,
    target: KafkaTarget,
    tls: Readonly<Record<string, unknown>> | null,
  ) {
    this.client = client
    this.target = target
    this.#tls = tls
  }

  /** Aborted with the reason when no node can be reached any more, or it was closed. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  get nodes(): ReadonlyMap<number, Address> {
    return this.#nodes
  }

  /** To any node, for what any node answers. @throws CONNECT_FAILED, … */
  async control(): Promise<Link> {
    if (this.#control !== null && !this.#control.closed.aborted) return this.#control
    this.#reaching ??= this.#reach().finally(() => {
      this.#reaching = null
    })
    return await this.#reaching
  }

  /** A connection of one's own; `answerMs` where the node is asked to wait. */
  async link(node: number, answerMs = answerMsMax): Promise<Link> {
    const address = this.#nodes.get(node)
    if (address === undefined) {
      throw kafkaError('UNAVAILABLE', 'connect', `there is no node ${node} now`)
    }
    return await this.#open(address, answerMs)
  }

  /** The coordinator of a group. @throws UNAVAILABLE while there is none */
  async coordinator(group: string): Promise<number> {
    const control = await this.control()
    const { coordinators } = await control.call('findCoordinator', 0, [group])
    const [found] = coordinators
    if (found === undefined || found.errorCode !== 0) {
      throw protocolError(found?.errorCode ?? 15, 'source', `the coordinator of group ${group}`)
    }
    if (!this.#nodes.has(found.nodeId)) await this.topics([])
    return found.nodeId
  }

  /** As it was last seen; null: there was none. */
  known(name: string): Topic | null {
    return this.#topics.get(name) ?? null
  }

  forget(name: string): void {
    this.#topics.delete(name)
  }

  /** Asks anew. Those that do not exist are not among them. */
  async topics(names: readonly string[]): Promise<Map<string, Topic>> {
    const control = await this.control()
    const answer = await control.call('metadata', names, false, false)
    this.#learn(answer)
    const found = new Map<string, Topic>()
    for (const name of names) this.#topics.delete(name)
    for (const topic of answer.topics) {
      if (topic.errorCode === 3 || topic.name === null) continue
      if (topic.errorCode !== 0 && topic.errorCode !== 5) {
        throw protocolError(topic.errorCode, 'metadata', `topic "${topic.name}"`)
      }
      const one = topicOf(topic.name, topic)
      this.#topics.set(one.name, one)
      found.set(one.name, one)
    }
    return found
  }

  /** All that there are, but those of Kafka itself. */
  async allTopics(): Promise<Topic[]> {
    const control = await this.control()
    const answer = await control.call('metadata', null, false, false)
    this.#learn(answer)
    return answer.topics.flatMap((topic) =>
      topic.name === null || topic.isInternal ? [] : [topicOf(topic.name, topic)],
    )
  }

  async close(): Promise<void> {
    this.#isClosing = true
    this.#ended.abort(closedError('cluster'))
    await Promise.allSettled([...this.#links].map((link) => link.close()))
  }

  #learn({ brokers, clusterId }: Answers['metadata']): void {
    this.id = clusterId ?? ''
    const { isBehind, addresses } = this.target
    const [address] = addresses
    if (isBehind && brokers.length > 1) {
      const text = `URL option advertised=ignore: the cluster has ${brokers.length} nodes, and one address cannot stand for them`
      throw invalid(text, 'Each node must advertise an address that leads to it.')
    }
    this.#nodes = new Map(
      brokers.map(({ nodeId, host, port }) => [
        nodeId,
        isBehind && address !== undefined ? address : { host, port },
      ]),
    )
  }

  async #reach(): Promise<Link> {
    const addresses = [...this.#nodes.values(), ...this.target.addresses]
    let first: NarrowcastError | null = null
    for (const address of addresses) {
      if (this.#isClosing) break
      try {
        const link = await this.#open(address, answerMsMax)
        this.#control = link
        link.closed.addEventListener('abort', () => void this.control().catch(() => {}))
        return link
      } catch (error) {
        const known = error as NarrowcastError
        if (!known.retryable) {
          first = known
          break
        }
        first ??= known
      }
    }
    const error = first ?? kafkaError('CLOSED', 'connect', 'the session was closed')
    if (!this.#isClosing && this.#nodes.size > 0) {
      const text = `no node can be reached: ${error.message}`
      this.#ended.abort(kafkaError('CONNECTION_LOST', 'connect', text, { cause: error }))
    }
    throw error
  }

  async #open(address: Address, answerMs: number): Promise<Link> {
    if (this.#isClosing) throw closedError('connect')
    const { login: sasl } = this.target
    try {
      const link = await Link.open({
        ...{ client: this.client, address, clientId: this.#clientId, tls: this.#tls, sasl },
        ...{ answerMsMax: answerMs, connectMsMax },
      })
      this.#links.add(link)
      link.closed.addEventListener('abort', () => this.#links.delete(link))
      if (this.#isClosing) link.destroy()
      return link
    } catch (error) {
      throw connectError(error, address, this.target)
    }
  }
}

/** Partitions of what is read beside a channel: those that its readers have. */
export function readableOf(cluster: Cluster, channel: string, helper: string): number {
  const counts = [channel, helper].map((name) => cluster.known(name)?.partitions.length ?? 1)
  return Math.min(...counts)
}

const isLost = (error: unknown) =>
  error instanceof NarrowcastError && error.code === 'CONNECTION_LOST'

function topicOf(name: string, found: Answers['metadata']['topics'][number]): Topic {
  const partitions = found.partitions
    .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
    .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
      index: partitionIndex,
      leader: leaderId < 0 ? null : leaderId,
      replicas: replicaNodes,
      inSync: isrNodes,
    }))
  return { name, id: found.topicId, partitions }
}
