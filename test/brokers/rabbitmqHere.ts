import { describe, type SuiteAPI, type TestAPI, test } from 'vitest'
import { findRabbitmqProgram } from '../../src/lab/brokers/rabbitmqProgram.ts'

/** What `startRabbitmq` would start; null: nothing. */
export const rabbitmqProgram = await findRabbitmqProgram()

const isMissing = rabbitmqProgram === null

/**
 * For tests that start servers of their own. Where there is no program they are skipped; the summary
 * says so in the line of the brokers.
 */
export const testRabbitmq: ReturnType<TestAPI['skipIf']> = test.skipIf(isMissing)
export const describeRabbitmq: ReturnType<SuiteAPI['skipIf']> = describe.skipIf(isMissing)
