import { setTimeout as sleep } from 'node:timers/promises'
import { type ChannelSpec, checkName } from '../../core/channel.ts'
import type { Pattern } from '../../core/message.ts'
import type { Cluster, Topic } from './cluster/cluster.ts'
import { kafkaError, protocolError } from './kafkaErrors.ts'
import { broadcastTopicOf, deadTopicOf, type Home, retryTopicsOf } from './layout.ts'
import { checkOffered } from './offered.ts'

export type Ensured =
  | { readonly state: 'created' | 'same' }
  | { readonly state: 'differs'; readonly what: Difference[] }

export interface Difference {
  readonly name: string
  readonly wanted: string
  readonly found: string
}

type Wanted = Pick<ChannelSpec, 'name' | 'pattern'>

interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly configs: readonly { readonly name: string; readonly value: string }[]
}

/** What a message may have beside its data, with what a copy adds. */
export const aroundBytesMax = 65_536
export const payloadBytesMax = 1_048_576
/** For those who are there: what is older than the server keeps by itself is for nobody. */
const broadcastConfigs = [
  { name: 'cleanup.policy', value: 'delete' },
  { name: 'max.message.bytes', value: String(payloadBytesMax + aroundBytesMax) },
]
/** What nobody has read is never forgotten, whatever the server would do by itself. */
const configs = [
  ...broadcastConfigs,
  { name: 'retention.ms', value: '-1' },
  { name: 'retention.bytes', value: '-1' },
]
/** What was taken away is forgotten, one by one. */
const deadConfigs = configs.map((one) =>
  one.name === 'cleanup.policy' ? { ...one, value: 'compact' } : one,
)
const partitionsDefault = 6
const createMsMax = 20_000
const leaderEveryMs = 20
const exists = 36

/** Makes what a channel consists of, once, and tells what is there instead. */
export class Topics {
  readonly #cluster: Cluster
  readonly #declared = new Map<string, { pattern: Pattern; done: Promise<Topic> }>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  async ensure({ name, pattern }: Wanted, signal: AbortSignal): Promise<Ensured> {
    checkName('channel', name)
    const found = await this.find(name)
    if (found !== null && found !== 'topic' && found !== pattern) {
      return { state: 'differs', what: [{ name: 'pattern', wanted: pattern, found }] }
    }
    checkOffered('ensure', name, pattern)
    const main = found === null ? null : this.#cluster.known(name)
    const what = main === null ? [] : this.#less(main)
    if (what.length > 0) return { state: 'differs', what }
    const wanted = this.#cluster.target.partitions ?? partitionsDefault
    const partitions = main?.partitions.length ?? wanted
    const own = pattern === 'broadcast' ? broadcastConfigs : configs
    const missing: NewTopic[] = main === null ? [{ name, partitions, configs: own }] : []
    if (pattern === 'queue') {
      const helpers = retryTopicsOf({ channel: name, group: null })
      missing.push(...(await this.#missing(helpers, partitions, configs)))
    }
    missing.push(
      ...(pattern === 'broadcast'
        ? await this.#missing([broadcastTopicOf(name)], 1, broadcastConfigs)
        : await this.#missing([deadTopicOf(name)], 1, deadConfigs)),
    )
    const made = await this.#make(missing, name, signal)
    return { state: made.includes(name) ? 'created' : 'same' }
  }

  /** Once per channel and session. @throws CONFLICT */
  async declared(channel: Wanted, signal: AbortSignal): Promise<Topic> {
    const { name, pattern } = channel
    const known = this.#declared.get(name)
    if (known?.pattern === pattern) return await known.done
    const made = { pattern, done: this.#ensured(channel, signal) }
    this.#declared.set(name, made)
    try {
      return await made.done
    } catch (error) {
      if (this.#declared.get(name) === made) this.#declared.delete(name)
      throw error
    }
  }

  /** What one group of a stream, or a queue, reads beside the channel: of the same number of partitions. */
  async helpers(home: Home, signal: AbortSignal): Promise<readonly Topic[]> {
    const { partitions } = this.#cluster.known(home.channel) as Topic
    const names = retryTopicsOf(home)
    await this.#make(await this.#missing(names, partitions.length, configs), home.channel, signal)
    await this.#grow(names, partitions.length, signal)
    return names.map((name) => this.#cluster.known(name) as Topic)
  }

  /**
   * Partitions were added to the channel: what is tried again lies in that of the same number. Where we
   * may not add to them it lies in another, and an order by key may meet it there.
   */
  async #grow(names: readonly string[], count: number, signal: AbortSignal): Promise<void> {
    const found = await this.#cluster.topics(names)
    const small = [...found.values()].filter(({ partitions }) => partitions.length < count)
    if (small.length === 0) return
    const control = await this.#cluster.control()
    const wanted = small.map(({ name }) => ({ name, count, assignments: null }))
    const { results } = await control.call('createPartitions', wanted, createMsMax, false)
    const grown = results.flatMap(({ name, errorCode }) => (errorCode === 0 ? [name] : []))
    while ((await this.#smallest(grown)) < count) await sleep(leaderEveryMs, undefined, { signal })
    await this.#led(grown, signal)
  }

  async #smallest(names: readonly string[]): Promise<number> {
    const found = await this.#cluster.topics(names)
    return Math.min(
      ...names.map((name) => found.get(name)?.partitions.length ?? Number.POSITIVE_INFINITY),
    )
  }

  /** What has that name; `topic`: one that is nobody's channel yet. */
  async find(name: string): Promise<Pattern | 'topic' | null> {
    const [retry = ''] = retryTopicsOf({ channel: name, group: null })
    const [live, dead] = [broadcastTopicOf(name), deadTopicOf(name)]
    const found = await this.#cluster.topics([name, retry, live, dead])
    if (!found.has(name)) return null
    if (found.has(retry)) return 'queue'
    if (found.has(live)) return 'broadcast'
    return found.has(dead) ? 'stream' : 'topic'
  }

  forget(channel: string): void {
    this.#declared.delete(channel)
  }

  /** Of what was asked for. More than that is no harm: somebody has added to it. */
  #less({ partitions }: Topic): Difference[] {
    const { target } = this.#cluster
    const found = {
      partitions: partitions.length,
      replicas: Math.min(...partitions.map((one) => one.replicas.length)),
    }
    return (['partitions', 'replicas'] as const).flatMap((name) => {
      const wanted = target[name]
      if (wanted === null || found[name] >= wanted) return []
      return [{ name, wanted: String(wanted), found: String(found[name]) }]
    })
  }

  async #ensured(channel: Wanted, signal: AbortSignal): Promise<Topic> {
    const { name } = channel
    const said = await this.ensure(channel, signal)
    if (said.state !== 'differs') return this.#cluster.known(name) as Topic
    const [first] = said.what
    const text = `"${name}": ${first?.name} is ${first?.found}, wanted ${first?.wanted}`
    const hint =
      first?.name === 'pattern'
        ? 'Another program, or an older setting, has made it so: use another name, or remove it there.'
        : `Take ${first?.name} out of the URL to use it as it is, or add to it with kafka-topics.sh or kafka-reassign-partitions.sh.`
    throw kafkaError('CONFLICT', 'open', text, { channel: name, hint })
  }

  async #missing(
    names: readonly string[],
    partitions: number,
    configs: NewTopic['configs'],
  ): Promise<NewTopic[]> {
    const found = await this.#cluster.topics(names)
    return names.filter((name) => !found.has(name)).map((name) => ({ name, partitions, configs }))
  }

  async #make(all: readonly NewTopic[], channel: string, signal: AbortSignal): Promise<string[]> {
    const made: string[] = []
    if (all.length === 0) return made
    const control = await this.#cluster.control()
    const wanted = all.map(({ name, partitions, configs }) => ({
      ...{ name, numPartitions: partitions, assignments: [], configs },
      replicationFactor: this.#cluster.target.replicas ?? -1,
    }))
    const { topics } = await control.call('createTopics', wanted, createMsMax, false)
    for (const { name, errorCode, errorMessage } of topics) {
      if (errorCode === 0) made.push(name)
      if (errorCode === 0 || errorCode === exists) continue
      const said = errorMessage === null ? '' : ` (${errorMessage})`
      const names = all.map((one) => `${one.name} with ${one.partitions} partitions`)
      throw protocolError(errorCode, 'open', `topic "${name}" cannot be made${said}`, {
        channel,
        hint: `Who may make topics can make them beforehand: ${names.join(', ')}.`,
      })
    }
    await this.#led(
      all.map(({ name }) => name),
      signal,
    )
    return made
  }

  /** A topic is told of before somebody leads it. */
  async #led(names: readonly string[], signal: AbortSignal): Promise<void> {
    for (;;) {
      const found = await this.#cluster.topics(names)
      const isLed = (name: string) =>
        found.get(name)?.partitions.every(({ leader }) => leader !== null)
      if (names.every(isLed)) return
      await sleep(leaderEveryMs, undefined, { signal })
    }
  }
}
