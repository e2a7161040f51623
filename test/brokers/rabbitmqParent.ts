import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'

/** Starts a server, says where, and never stops it. */
const { url, folder } = await startRabbitmq()
process.stdout.write(`${JSON.stringify({ url, folder })}\n`)
