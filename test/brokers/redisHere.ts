import { describe } from 'vitest'
import { findRedisProgram } from '../../src/lab/brokers/redisProgram.ts'

/** What `startRedis` would start; null: nothing. */
export const redisProgram = await findRedisProgram()

/** For tests that start servers of their own; skipped with the reason where none can be started. */
export function describeRedis(title: string, tests: () => void): void {
  const isMissing = redisProgram === null
  describe.skipIf(isMissing)(isMissing ? `${title} (no redis-server on the PATH)` : title, tests)
}
