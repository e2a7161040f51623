import type { Cluster, Topic } from '../cluster/cluster.ts'
import { offsetsAt } from './begins.ts'
import type { PartitionLog } from './partitionLog.ts'

const end = -1n

/**
 * What could be handed out now: what is here and waits for nobody, and what lies in the channel and has
 * not come, for as long as that was seen. What lies beside the channel may not be due.
 */
export async function deliverable(
  cluster: Cluster,
  topic: Topic,
  logs: readonly PartitionLog[],
): Promise<{ messages: number; oldestMs: number }> {
  const own = logs.filter((one) => !one.isLeaving && !one.isGone && !one.isHeldBack)
  const ends = own.length === 0 ? [] : await offsetsAt(cluster, topic, end)
  const nowMs = performance.now()
  let messages = 0
  let sinceMs = nowMs
  for (const log of own) {
    const isBehind = log.topic === topic.name && !log.isFull
    const behind = isBehind ? Math.max(0, (ends[log.partition] ?? 0) - log.nextOffset) : 0
    log.behindSinceMs = behind === 0 ? null : (log.behindSinceMs ?? nowMs)
    messages += log.waiting + behind
    sinceMs = Math.min(sinceMs, log.behindSinceMs ?? nowMs, log.next?.sinceMs ?? nowMs)
  }
  return { messages, oldestMs: nowMs - sinceMs }
}
