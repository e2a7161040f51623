import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, ChannelInfo } from '../../../core/admin.ts'
import type { ChannelRef } from '../../../core/channel.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import { patiently } from '../cluster/patiently.ts'
import { kafkaError, protocolError } from '../kafkaErrors.ts'
import {
  broadcastTopicOf,
  deadTopicOf,
  groupIdOf,
  groupOfRetryTopic,
  isHelper,
  retryTopicsOf,
} from '../layout.ts'
import { offsetsAt } from '../reading/begins.ts'
import type { Topics } from '../topics.ts'
import { groupsOn } from './groups.ts'
import { checkPage } from './page.ts'

export interface ManagingOptions {
  readonly cluster: Cluster
  readonly topics: Topics
  readonly checkOpen: (operation: string) => void
  /** @throws NOT_FOUND */
  readonly checkThere: (operation: string, channel: ChannelRef) => Promise<void>
  /** @throws NOT_FOUND, where it is not there; UNSUPPORTED, where it keeps no messages */
  readonly checkKept: (operation: string, channel: ChannelRef) => Promise<void>
  /** By partition: what lay before these is gone. */
  readonly purged: (channel: string, ends: readonly number[]) => void
  /** What the session has open of a channel ends. */
  readonly removed: (channel: string) => Promise<void>
}

const first = -2n
const end = -1n
const askMsMax = 20_000
const goneEveryMs = 20
const unknownTopic = 3
const nonEmptyGroup = 68
const subscribed = 86

type Managing = Required<Pick<Admin, 'channels' | 'find' | 'purge' | 'remove' | 'removeGroup'>>

export function managing(options: ManagingOptions): Managing {
  const { cluster, topics, checkOpen, checkThere, checkKept } = options
  return {
    async channels(query) {
      checkOpen('channels')
      checkPage(query)
      const { cursor, limit, newestFirst, prefix } = query
      const all = channelsOf(await cluster.allTopics())
        .filter(({ name }) => name.startsWith(prefix))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
      if (newestFirst) all.reverse()
      const isAfter = (name: string) =>
        cursor === null || (newestFirst ? name < cursor : name > cursor)
      const rest = all.filter(({ name }) => isAfter(name))
      const items = rest.slice(0, limit)
      return { items, cursor: rest.length > limit ? (items.at(-1)?.name ?? null) : null }
    },
    async find(name) {
      checkOpen('find')
      const pattern = await topics.find(name)
      return pattern === null || pattern === 'topic' ? null : { name, pattern }
    },
    async purge(channel) {
      checkOpen('purge')
      await checkThere('purge', channel)
      return await purge(options, channel)
    },
    async remove(channel, signal) {
      checkOpen('remove')
      await checkThere('remove', channel)
      const { name } = channel
      await options.removed(name)
      const home = { channel: name, group: null }
      const all = await cluster.allTopics()
      const own = all.filter((one) => one.name === name || isHelper(name, one.name))
      // A group may read other streams too: it forgets this one alone.
      for (const group of own.flatMap((one) => groupOfRetryTopic(name, one.name) ?? [])) {
        await forgetOffsets(cluster, group, own).catch(() => {}) // Kafka forgets what is gone by itself
      }
      await removeTopics(
        cluster,
        own.map((one) => one.name),
        signal,
      )
      topics.forget(name)
      if (channel.pattern !== 'queue') return
      // Where nobody has read anything yet there is no place to note groups: asking makes one, in some time.
      const [topic] = own as [Topic]
      await patiently(cluster, topic, () => forgetGroup(cluster, groupIdOf(home)))
    },
    async removeGroup(channel, group, signal) {
      checkOpen('removeGroup')
      await checkKept('removeGroup', channel)
      const { name } = channel
      const topic = cluster.known(name) as Topic
      const isThere = (await groupsOn(cluster, topic, [group])).length > 0
      if (channel.pattern !== 'stream' || !isThere) {
        const text = `${channel.pattern} "${name}" has no group "${group}"`
        throw kafkaError('NOT_FOUND', 'removeGroup', text, { channel: name })
      }
      const helpers = retryTopicsOf({ channel: name, group })
      const there = [...(await cluster.topics(helpers)).values()]
      await forgetOffsets(cluster, group, [topic, ...there])
      await removeTopics(
        cluster,
        there.map((one) => one.name),
        signal,
      )
    },
  }
}

/** Those that this library has made. */
function channelsOf(all: readonly Topic[]): ChannelInfo[] {
  const names = new Set(all.map(({ name }) => name))
  return [...names].flatMap((name): ChannelInfo[] => {
    const [retry = ''] = retryTopicsOf({ channel: name, group: null })
    if (names.has(retry)) return [{ name, pattern: 'queue' }]
    if (names.has(broadcastTopicOf(name))) return [{ name, pattern: 'broadcast' }]
    return names.has(deadTopicOf(name)) ? [{ name, pattern: 'stream' }] : []
  })
}

/** Up to its end, for all who read it. What a worker has read already is in flight. */
async function purge(
  { cluster, purged }: ManagingOptions,
  { name, pattern }: ChannelRef,
): Promise<number> {
  const topic = cluster.known(name) as Topic
  const [firsts, ends] = [
    await offsetsAt(cluster, topic, first),
    await offsetsAt(cluster, topic, end),
  ]
  const group = groupIdOf({ channel: name, group: null })
  const [known] = pattern === 'queue' ? await groupsOn(cluster, topic, [group]) : []
  for (const [leader, partitions] of Map.groupBy(topic.partitions, (one) => one.leader)) {
    if (leader === null) throw protocolError(5, 'purge', `topic "${name}"`, { channel: name })
    const link = await cluster.link(leader, askMsMax)
    try {
      const asked = partitions.map(({ index }) => ({
        ...{ partitionIndex: index, offset: BigInt(ends[index] ?? 0) },
      }))
      const said = await link.call('deleteRecords', [{ name, partitions: asked }], askMsMax)
      for (const { errorCode, partitionIndex } of said.topics[0]?.partitions ?? []) {
        if (errorCode === 0) continue
        const what = `partition ${partitionIndex} of "${name}"`
        throw protocolError(errorCode, 'purge', what, { channel: name })
      }
    } finally {
      await link.close()
    }
  }
  purged(name, ends)
  return ends.reduce((sum, last, at) => {
    const next = Math.max(firsts[at] ?? 0, known?.offsets[at] ?? 0)
    return sum + Math.max(0, last - next)
  }, 0)
}

async function removeTopics(
  cluster: Cluster,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (names.length === 0) return
  const control = await cluster.control()
  const zero = '00000000-0000-0000-0000-000000000000'
  const asked = names.map((name) => ({ name, topicId: zero }))
  const { responses } = await control.call('deleteTopics', asked, askMsMax)
  for (const { name, errorCode } of responses) {
    if (errorCode !== 0 && errorCode !== unknownTopic) {
      throw protocolError(errorCode, 'remove', `topic "${name}"`)
    }
  }
  while ((await cluster.topics(names)).size > 0) {
    await sleep(goneEveryMs, undefined, { signal })
  }
}

/** The one of a queue: it reads nothing else. */
async function forgetGroup(cluster: Cluster, group: string): Promise<void> {
  const link = await cluster.link(await cluster.coordinator(group))
  try {
    await link.call('deleteGroups', [group])
  } finally {
    await link.close()
  }
}

async function forgetOffsets(
  cluster: Cluster,
  group: string,
  topics: readonly Topic[],
): Promise<void> {
  const link = await cluster.link(await cluster.coordinator(group))
  try {
    const asked = topics.map(({ name, partitions }) => ({
      ...{ name, partitions: partitions.map(({ index }) => ({ partitionIndex: index })) },
    }))
    const { errorCode, topics: said } = await link.call('offsetDelete', group, asked)
    const codes = [errorCode, ...said.flatMap((one) => one.partitions.map((two) => two.errorCode))]
    const wrong = codes.find((code) => code !== 0 && code !== unknownTopic)
    if (wrong === undefined) return
    if (wrong !== subscribed && wrong !== nonEmptyGroup) {
      throw protocolError(wrong, 'removeGroup', `group "${group}"`)
    }
    const text = `group "${group}" is being read`
    throw kafkaError('CONFLICT', 'removeGroup', text, { hint: 'Stop its workers first.' })
  } finally {
    await link.close()
  }
}
