import { startKafka } from '../../src/lab/brokers/kafka.ts'

/** Starts a server, says where, and never stops it. */
const { url, folder } = await startKafka()
process.stdout.write(`${JSON.stringify({ url, folder })}\n`)
