import type { WorkerRef } from '../../../core/channel.ts'
import type { KafkaSubscriber } from './subscriber.ts'

/** How far one subscriber is. It is this process that knows: nothing of it is told to the cluster. */
export interface Place {
  readonly channel: string
  readonly worker: WorkerRef
  /** A topic that was removed and made again is another one. */
  readonly topicId: string
  /** By partition: the first that was not handed out. Empty: not known yet. */
  readonly offsets: number[]
  /** Who reads from there, or did until its session was lost. */
  subscriber: KafkaSubscriber | null
}

/** So many may be away: who does not come back is forgotten for the next. */
const awayMax = 1_000

/** Of all sessions of one driver: where each subscriber is, also while its session is lost. */
export class Places {
  readonly #places = new Map<string, Place>()

  /** The place of that worker, or none. */
  of(channel: string, { id }: WorkerRef): Place | null {
    return this.#places.get(keyOf(channel, id)) ?? null
  }

  /** Another start of a worker, and another topic, begin anew. */
  enter(channel: string, worker: WorkerRef, topicId: string): Place {
    const key = keyOf(channel, worker.id)
    const before = this.#places.get(key)
    const isSame = before?.worker.incarnation === worker.incarnation && before.topicId === topicId
    const place = isSame ? before : { channel, worker, topicId, offsets: [], subscriber: null }
    this.#places.delete(key)
    this.#places.set(key, place) // the last of all
    this.#forgetAway()
    return place
  }

  /** Its subscription is over, unless another has its place. */
  leave(subscriber: KafkaSubscriber): void {
    for (const [key, place] of this.#places) {
      if (place.subscriber === subscriber) this.#places.delete(key)
    }
  }

  /** Those who are subscribed there. */
  subscribersOf(channel: string): KafkaSubscriber[] {
    const all = [...this.#places.values()].filter((place) => place.channel === channel)
    return all.flatMap(({ subscriber }) => subscriber ?? [])
  }

  #forgetAway(): void {
    const away = [...this.#places].filter(([, { subscriber }]) => subscriber?.isAway)
    for (const [key] of away.slice(0, Math.max(0, away.length - awayMax))) {
      this.#places.delete(key)
    }
  }
}

/** A name of a channel has no space. */
const keyOf = (channel: string, worker: string) => `${channel} ${worker}`
