import { describe } from 'vitest'
import { rabbitmq } from '../../src/drivers/rabbitmq/index.ts'
import { obtainRabbitmq } from '../../src/lab/brokers/obtainRabbitmq.ts'
import { keepsLivePromises, keepsPromises } from './promises.ts'

const { rabbitmq: server, missing } = await obtainRabbitmq()

describe.skipIf(server === null)(
  `rabbitmq${missing === null ? '' : ` (skipped: ${missing})`}:`,
  () => {
    const make = async () => ({
      driver: rabbitmq({ url: server?.url as string }),
      [Symbol.asyncDispose]: async () => {},
    })
    keepsPromises({ name: 'rabbitmq', make }, ['queue', 'stream'])
    keepsLivePromises({ name: 'rabbitmq', make }, ['broadcast', 'narrowcast'])
  },
)
