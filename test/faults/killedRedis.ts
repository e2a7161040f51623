import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { KilledServer } from './queueKillRun.ts'

/** It writes each change to its disk. `queue`: how queues are kept. */
export async function killedRedis(queue: 'list' | 'stream'): Promise<KilledServer> {
  const server = await startRedis({ profile: 'always' })
  return { ...server, url: `${server.url}?queue=${queue}` }
}
