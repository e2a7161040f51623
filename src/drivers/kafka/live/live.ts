import type { ChannelSpec, SubscriberSpec } from '../../../core/channel.ts'
import type { Live, LiveEvents, LiveSource } from '../../../core/driver.ts'
import { untilAborted } from '../../_shared/untilAborted.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { kafkaError } from '../kafkaErrors.ts'
import type { Topics } from '../topics.ts'
import type { Places } from './places.ts'
import { KafkaSubscriber } from './subscriber.ts'

export interface LiveHost {
  readonly cluster: Cluster
  readonly topics: Topics
  /** Of all sessions of the driver. */
  readonly places: Places
  readonly checkOpen: (operation: string) => void
}

/** Broadcast: everybody reads the topic alone. */
export class KafkaLive implements Live {
  readonly #host: LiveHost

  constructor(host: LiveHost) {
    this.#host = host
  }

  async subscribe(
    channel: ChannelSpec,
    spec: SubscriberSpec,
    on: LiveEvents,
    signal: AbortSignal,
  ): Promise<LiveSource> {
    const { cluster, topics, places, checkOpen } = this.#host
    const { name, pattern } = channel
    const { worker } = spec
    checkOpen('subscribe')
    if (pattern !== 'broadcast') {
      const text = `${pattern} "${name}" has no such call: this is for broadcasts`
      throw kafkaError('UNSUPPORTED', 'subscribe', text, { channel: name })
    }
    // Of a partition that nobody told of we would take what is old for new.
    topics.forget(name)
    const topic = await topics.declared(channel, signal)
    const before = places.of(name, worker)
    const other = before?.subscriber ?? null
    if (other?.isOn(cluster) && before?.worker.incarnation === worker.incarnation) {
      throw twice(channel, spec)
    }
    const place = places.enter(name, worker, topic.id)
    const subscriber = new KafkaSubscriber({
      ...{ channel, spec, on, cluster, topic, place, checkOpen, sessionEnded: cluster.ended },
      left: () => {},
      over: (one) => places.leave(one),
    })
    place.subscriber = subscriber
    other?.replace(worker.incarnation)
    try {
      const aborted = () => kafkaError('ABORTED', 'subscribe', `"${name}": it was aborted`)
      await untilAborted(subscriber.begin(), signal, aborted)
      return subscriber
    } catch (error) {
      // Where its session is lost it may go on in the next.
      if (!subscriber.isAway) void subscriber[Symbol.asyncDispose]()
      throw error
    }
  }

  /** What lay in the topic up to these offsets is gone. */
  purged(channel: string, ends: readonly number[]): void {
    for (const one of this.#host.places.subscribersOf(channel)) one.purged(ends)
  }

  removed(channel: string): void {
    for (const one of this.#host.places.subscribersOf(channel)) one.removed()
  }
}

function twice({ name }: ChannelSpec, { worker }: SubscriberSpec) {
  const text = `${worker.id} is subscribed to broadcast "${name}" in this session already`
  const hint = 'Give each subscription a worker of its own.'
  return kafkaError('CONFLICT', 'subscribe', text, { channel: name, hint })
}
