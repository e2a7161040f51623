import type { Way } from '../flow/way.ts'
import { rawConsumer } from './rawConsumer.ts'
import { rawProducer } from './rawProducer.ts'

/** The bare client, used as fast as it can be with the same promise, on topics that are there. */
export const raw: Way = { producer: rawProducer, consumer: rawConsumer }
