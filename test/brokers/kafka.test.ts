import { afterAll, describe, expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { kafka } from '../../src/drivers/kafka/index.ts'
import { obtainKafka } from '../../src/lab/brokers/obtainKafka.ts'
import { queue } from './kafkaOpen.ts'
import { keepsLivePromises, keepsPromises } from './promises.ts'

const { kafka: server, missing } = await obtainKafka()
afterAll(() => server?.stop())

/** They have two readers take turns: each needs a partition of its own. */
const byTwo =
  'settle: a token of somebody else|settings: every group has every message|order by key: one of a key'
/** Of messages without a key nobody is told which came first. */
const anyOrder = /^live: (what one publisher|a cut)|^broadcast: every subscriber/
const silent = { closed: () => {} }
const never = new AbortController().signal

describe.skipIf(server === null)(
  `kafka${missing === null ? '' : ` (skipped: ${missing})`}:`,
  () => {
    const on = (partitions: number) => async () => ({
      driver: kafka({ url: `${server?.url}?partitions=${partitions}` }),
      [Symbol.asyncDispose]: async () => {},
    })
    test('narrowcast is refused, and what to take for it is told', async () => {
      await using bus = await connect(server?.url as string)
      const refused = { code: 'UNSUPPORTED', hint: expect.stringContaining('Use a queue') }
      await expect(async () => bus.narrowcast('news')).rejects.toMatchObject(refused)
      const relayed = () => bus.narrowcast('news', { via: 'relay' })
      await expect(async () => relayed()).rejects.toMatchObject(refused)
      // A driver is asked without a bus too.
      await using session = await kafka({ url: server?.url as string }).open(silent, never)
      const narrowcast = { ...queue(), pattern: 'narrowcast' } as const
      await expect(session.admin.ensure(narrowcast, never)).rejects.toMatchObject(refused)
      await expect(session.publisher(narrowcast, never)).rejects.toMatchObject(refused)
    })
    const rest = new RegExp(`^(?!${byTwo})`)
    keepsPromises({ name: 'kafka', make: on(1), only: rest }, ['queue', 'stream'])
    const some = new RegExp(`^(${byTwo}|work:|publish: a lost)`)
    keepsPromises({ name: 'kafka by partitions', make: on(2), only: some }, ['queue', 'stream'])
    keepsLivePromises({ name: 'kafka', make: on(1) }, ['broadcast'])
    keepsLivePromises({ name: 'kafka by partitions', make: on(2), only: anyOrder }, ['broadcast'])
  },
)
