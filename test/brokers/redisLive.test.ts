import { describe } from 'vitest'
import { redis } from '../../src/drivers/redis/index.ts'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'
import { keepsLivePromises } from './promises.ts'

const { redis: server, missing } = await obtainRedis()

describe.skipIf(server === null)(
  `redis${missing === null ? '' : ` (skipped: ${missing})`}:`,
  () => {
    const make = async () => ({
      driver: redis({ url: server?.url as string }),
      [Symbol.asyncDispose]: async () => {},
    })
    keepsLivePromises({ name: 'redis', make })
  },
)
