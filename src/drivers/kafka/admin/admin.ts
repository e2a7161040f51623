import type { Admin } from '../../../core/admin.ts'
import type { ChannelRef } from '../../../core/channel.ts'
import { isLive } from '../../../core/message.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { kafkaError } from '../kafkaErrors.ts'
import type { Producer } from '../publishing/producer.ts'
import type { Topics } from '../topics.ts'
import { counting } from './counting.ts'
import { DeadLetters } from './dead.ts'
import { type ManagingOptions, managing } from './managing.ts'
import { checkPage } from './page.ts'

export interface AdminOptions extends Pick<ManagingOptions, 'removed'> {
  readonly cluster: Cluster
  readonly topics: Topics
  readonly producer: Producer
  readonly checkOpen: (operation: string) => void
}

export function kafkaAdmin(options: AdminOptions): Admin {
  const { cluster, topics, producer, checkOpen, removed } = options
  const dead = new DeadLetters(cluster, producer)
  const checkThere = async (operation: string, { name, pattern }: ChannelRef) => {
    if (isLive(pattern)) {
      const text = `${pattern} "${name}" keeps no messages: this is for queues and streams`
      throw kafkaError('UNSUPPORTED', operation, text, { channel: name })
    }
    if ((await topics.find(name)) === pattern) return
    throw kafkaError('NOT_FOUND', operation, `there is no ${pattern} "${name}"`, { channel: name })
  }
  return {
    ...counting({ cluster, topics, dead, checkOpen, checkThere }),
    ...managing({ cluster, topics, checkOpen, checkThere, removed }),
    async ensure(channel, signal) {
      checkOpen('ensure')
      return await topics.ensure(channel, signal)
    },
    async deadLetters(channel, group, query) {
      checkOpen('deadLetters')
      checkPage(query)
      await checkThere('deadLetters', channel)
      return await dead.page(channel.name, group, query)
    },
    async redrive(channel, refs, to, signal) {
      checkOpen('redrive')
      await checkThere('redrive', channel)
      if (to !== null) await checkThere('redrive', to)
      return await dead.redrive(channel.name, refs, to, signal)
    },
    async removeDead(channel, refs, signal) {
      checkOpen('removeDead')
      await checkThere('removeDead', channel)
      return await dead.remove(channel.name, refs, signal)
    },
  }
}
