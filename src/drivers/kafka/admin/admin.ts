import type { Admin } from '../../../core/admin.ts'
import type { ChannelRef } from '../../../core/channel.ts'
import { isLive } from '../../../core/message.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { kafkaError } from '../kafkaErrors.ts'
import { checkOffered } from '../offered.ts'
import type { Producer } from '../publishing/producer.ts'
import type { Topics } from '../topics.ts'
import { counting } from './counting.ts'
import { DeadLetters } from './dead.ts'
import { type ManagingOptions, managing } from './managing.ts'
import { checkPage } from './page.ts'
import { peeking } from './peeking.ts'

export interface AdminOptions extends Pick<ManagingOptions, 'purged' | 'removed'> {
  readonly cluster: Cluster
  readonly topics: Topics
  readonly producer: Producer
  readonly checkOpen: (operation: string) => void
}

export function kafkaAdmin(options: AdminOptions): Admin {
  const { cluster, topics, producer, checkOpen, purged, removed } = options
  const dead = new DeadLetters(cluster, producer)
  const checkThere = async (operation: string, { name, pattern }: ChannelRef) => {
    checkOffered(operation, name, pattern)
    if ((await topics.find(name)) === pattern) return
    throw kafkaError('NOT_FOUND', operation, `there is no ${pattern} "${name}"`, { channel: name })
  }
  const checkKept = async (operation: string, channel: ChannelRef) => {
    const { name, pattern } = channel
    if (!isLive(pattern)) return await checkThere(operation, channel)
    const text = `${pattern} "${name}" keeps no messages: this is for queues and streams`
    throw kafkaError('UNSUPPORTED', operation, text, { channel: name })
  }
  return {
    ...counting({ cluster, topics, dead, checkOpen, checkKept }),
    ...peeking({ cluster, checkOpen, checkKept }),
    ...managing({ cluster, topics, checkOpen, checkThere, checkKept, purged, removed }),
    async ensure(channel, signal) {
      checkOpen('ensure')
      return await topics.ensure(channel, signal)
    },
    async deadLetters(channel, group, query) {
      checkOpen('deadLetters')
      checkPage(query)
      await checkKept('deadLetters', channel)
      return await dead.page(channel.name, group, query)
    },
    async redrive(channel, refs, to, signal) {
      checkOpen('redrive')
      await checkKept('redrive', channel)
      if (to !== null) await checkKept('redrive', to)
      return await dead.redrive(channel.name, refs, to, signal)
    },
    async removeDead(channel, refs, signal) {
      checkOpen('removeDead')
      await checkKept('removeDead', channel)
      return await dead.remove(channel.name, refs, signal)
    },
  }
}
