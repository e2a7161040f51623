import { startRedis } from '../../src/lab/brokers/redis.ts'

/** Starts a server, says where, and never stops it. */
const { url, folder } = await startRedis()
process.stdout.write(`${JSON.stringify({ url, folder })}\n`)
