import { describe, type SuiteAPI, type TestAPI, test } from 'vitest'
import { findRedisProgram } from '../../src/lab/brokers/redisProgram.ts'

/** What `startRedis` would start; null: nothing. */
export const redisProgram = await findRedisProgram()

const isMissing = redisProgram === null

/**
 * For tests that start servers of their own. Where no program is on the PATH they are skipped; the
 * summary says so in the line of the brokers.
 */
export const testRedis: ReturnType<TestAPI['skipIf']> = test.skipIf(isMissing)
export const describeRedis: ReturnType<SuiteAPI['skipIf']> = describe.skipIf(isMissing)
