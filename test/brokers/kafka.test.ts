import { afterAll, describe, expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { kafka } from '../../src/drivers/kafka/index.ts'
import { obtainKafka } from '../../src/lab/brokers/obtainKafka.ts'
import { keepsPromises } from './promises.ts'

const { kafka: server, missing } = await obtainKafka()
afterAll(() => server?.stop())

/** They have two readers take turns: each needs a partition of its own. */
const byTwo =
  'settle: a token of somebody else|settings: every group has every message|order by key: one of a key'

describe.skipIf(server === null)(
  `kafka${missing === null ? '' : ` (skipped: ${missing})`}:`,
  () => {
    const on = (partitions: number) => async () => ({
      driver: kafka({ url: `${server?.url}?partitions=${partitions}` }),
      [Symbol.asyncDispose]: async () => {},
    })
    test('broadcast and narrowcast are refused', async () => {
      await using bus = await connect(server?.url as string)
      for (const pattern of ['broadcast', 'narrowcast'] as const) {
        await expect(async () => await bus[pattern]('news').publish('a')).rejects.toMatchObject({
          ...{ code: 'UNSUPPORTED', message: expect.stringContaining(pattern) },
        })
      }
    })
    const rest = new RegExp(`^(?!${byTwo})`)
    keepsPromises({ name: 'kafka', make: on(1), only: rest }, ['queue', 'stream'])
    const some = new RegExp(`^(${byTwo}|work:|publish: a lost)`)
    keepsPromises({ name: 'kafka by partitions', make: on(2), only: some }, ['queue', 'stream'])
  },
)
