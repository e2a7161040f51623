import type { RedisServer } from './redisServer.ts'

/** All of them, or none: where one cannot be started the others are stopped. */
export async function startAll(starts: readonly Promise<RedisServer>[]): Promise<RedisServer[]> {
  const outcomes = await Promise.allSettled(starts)
  const started = outcomes.filter((one) => one.status === 'fulfilled').map(({ value }) => value)
  const failed = outcomes.find((one) => one.status === 'rejected')
  if (failed === undefined) return started
  await stopAll(started)
  throw failed.reason
}

export async function stopAll(servers: readonly RedisServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()))
}
