import { describe } from 'vitest'
import { redis } from '../../src/drivers/redis/index.ts'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'
import { keepsPromises } from './promises.ts'

const { redis: server, missing } = await obtainRedis()

describe.skipIf(server === null)(
  `redis streams${missing === null ? '' : ` (skipped: ${missing})`}:`,
  () => {
    const make = async () => ({
      driver: redis({ url: server?.url as string, queue: 'stream' }),
      [Symbol.asyncDispose]: async () => {},
    })
    keepsPromises({ name: 'redis', make }, ['queue', 'stream'])
  },
)
