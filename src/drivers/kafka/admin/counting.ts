import type { Admin, Depth, GroupInfo } from '../../../core/admin.ts'
import type { ChannelRef } from '../../../core/channel.ts'
import { isLive } from '../../../core/message.ts'
import type { Cluster, Topic } from '../cluster/cluster.ts'
import { groupIdOf, groupOfRetryTopic, type Home, retryTopicsOf } from '../layout.ts'
import { offsetsAt } from '../reading/begins.ts'
import type { Topics } from '../topics.ts'
import type { DeadLetters } from './dead.ts'
import { type GroupOffsets, groupNames, groupsOn } from './groups.ts'

export interface CountingOptions {
  readonly cluster: Cluster
  readonly topics: Topics
  readonly dead: DeadLetters
  readonly checkOpen: (operation: string) => void
  /** @throws NOT_FOUND, where it is not there; UNSUPPORTED, where it keeps no messages */
  readonly checkKept: (operation: string, channel: ChannelRef) => Promise<void>
}

const first = -2n
const end = -1n
/** Of groups that are ours alone. */
const own = /\.\.(queue|w\.[^.]+)$/

/** By offsets: what a transaction took back, or a compacted topic forgot, counts as if it were there. */
export function counting(options: CountingOptions): Pick<Admin, 'depths' | 'groups'> {
  const { cluster, topics, dead, checkOpen, checkKept } = options
  const behind = (ends: readonly number[], firsts: readonly number[], { offsets }: GroupOffsets) =>
    ends.reduce((sum, last, at) => {
      const next = Math.max(firsts[at] ?? 0, offsets[at] ?? 0)
      return sum + Math.max(0, last - next)
    }, 0)

  /** What lies in the topics beside it, and has not been worked off. */
  const scheduledOf = async (home: Home) => {
    let sum = 0
    const found = await cluster.topics(retryTopicsOf(home))
    for (const topic of found.values()) {
      const ends = await offsetsAt(cluster, topic, end)
      if (ends.every((last) => last === 0)) continue
      const firsts = await offsetsAt(cluster, topic, first)
      const group = groupIdOf(home)
      const [known] = await groupsOn(cluster, topic, [group])
      sum += behind(ends, firsts, known ?? { group, offsets: [], readers: 0, order: 'none' })
    }
    return sum
  }
  const groupsOf = async (topic: Topic) => {
    const names = await groupNames(cluster)
    return await groupsOn(
      cluster,
      topic,
      names.filter((name) => !own.test(name)),
    )
  }
  const depthOf = async ({ name, pattern }: ChannelRef): Promise<Depth | null> => {
    if (isLive(pattern) || (await topics.find(name)) !== pattern) return null
    const topic = cluster.known(name) as Topic
    const [firsts, ends] = [
      await offsetsAt(cluster, topic, first),
      await offsetsAt(cluster, topic, end),
    ]
    const isStream = pattern === 'stream'
    const home = { channel: name, group: null }
    const groups = isStream
      ? await groupsOf(topic)
      : await groupsOn(cluster, topic, [groupIdOf(home)])
    const ours = isStream ? await groupsWithHelpers(cluster, name) : [null]
    const scheduled = await Promise.all(ours.map((group) => scheduledOf({ channel: name, group })))
    const stored = ends.reduce((sum, last, at) => sum + last - (firsts[at] ?? 0), 0)
    const lags = groups.map((one) => behind(ends, firsts, one))
    return {
      // A queue that nobody has read yet has all of it before it.
      waiting: lags.length === 0 && !isStream ? stored : Math.max(0, ...lags),
      scheduled: scheduled.reduce((sum, one) => sum + one, 0),
      // What is settled of a queue stays in its topic.
      ...{ dead: await dead.count(name), stored: isStream ? stored : 'unknown' },
      ...{ inFlight: 'unknown', in: 'unknown', out: 'unknown', oldestMs: 'unknown' },
      ...{ paused: false, order: isStream ? null : (groups[0]?.order ?? 'none') },
    }
  }
  return {
    async depths(channels) {
      checkOpen('depths')
      const all: (Depth | null)[] = []
      for (const channel of channels) all.push(await depthOf(channel))
      return all
    },
    async groups(channel) {
      checkOpen('groups')
      await checkKept('groups', channel)
      const topic = cluster.known(channel.name) as Topic
      const ends = await offsetsAt(cluster, topic, end)
      const firsts = await offsetsAt(cluster, topic, first)
      return (await groupsOf(topic)).map(
        (one): GroupInfo => ({
          ...{ group: one.group, lag: behind(ends, firsts, one), readers: one.readers },
          partitions: ends.map((last, partition) => {
            const next = Math.max(firsts[partition] ?? 0, one.offsets[partition] ?? 0)
            const position = `${partition}-${next}`
            return { partition, lag: Math.max(0, last - next), position }
          }),
          ...{ inFlight: 'unknown', oldestMs: 'unknown', position: null, order: one.order },
        }),
      )
    },
  }
}

async function groupsWithHelpers(cluster: Cluster, channel: string): Promise<string[]> {
  const all = await cluster.allTopics()
  return all.flatMap(({ name }) => groupOfRetryTopic(channel, name) ?? [])
}
