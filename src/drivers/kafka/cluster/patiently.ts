import { setTimeout as sleep } from 'node:timers/promises'
import { asNarrowcastError } from '../../../core/errors.ts'
import type { Cluster, Topic } from './cluster.ts'

const everyMs = 100
const triesMax = 50

/** A leader that has moved, or is about to begin, is found: what is asked of it is asked again, for 5 s. */
export async function patiently<T>(
  cluster: Cluster,
  topic: Topic,
  ask: (topic: Topic) => Promise<T>,
): Promise<T> {
  let fresh = topic
  for (let tries = 1; ; tries++) {
    try {
      return await ask(fresh)
    } catch (error) {
      const { retryable } = asNarrowcastError(error)
      if (!retryable || tries === triesMax || cluster.ended.aborted) throw error
    }
    await sleep(everyMs, undefined, { ref: false })
    fresh = (await cluster.topics([topic.name]).catch(() => null))?.get(topic.name) ?? fresh
  }
}
