import { describe, type SuiteAPI, type TestAPI, test } from 'vitest'
import { findKafkaProgram } from '../../src/lab/brokers/kafkaProgram.ts'

/** What `startKafka` would start; null: nothing. */
export const kafkaProgram = await findKafkaProgram()

const isMissing = kafkaProgram === null

/**
 * For tests that start servers of their own. Where there is no program they are skipped; the summary
 * says so in the line of the brokers.
 */
export const testKafka: ReturnType<TestAPI['skipIf']> = test.skipIf(isMissing)
export const describeKafka: ReturnType<SuiteAPI['skipIf']> = describe.skipIf(isMissing)
