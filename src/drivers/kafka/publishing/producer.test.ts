import { expect, test } from 'vitest'
import type { Cluster } from '../cluster/cluster.ts'
import { Producer } from './producer.ts'

const notLeader = 6

/** A cluster of one node that answers so, and is gone afterwards. */
function answering(errorCode: number, baseOffset: bigint) {
  const ended = new AbortController()
  const answers: Record<string, () => object> = {
    initProducerId: () => ({ errorCode: 0, producerId: 7n, producerEpoch: 0 }),
    produce() {
      ended.abort()
      const partitionResponses = [{ index: 0, errorCode, baseOffset, errorMessage: null }]
      return { responses: [{ name: 'orders', partitionResponses }] }
    },
  }
  const link = {
    closed: new AbortController().signal,
    call: async (api: string) => answers[api]?.(),
    close: async () => {},
    destroy: () => {},
  }
  return {
    ended: ended.signal,
    control: async () => link,
    link: async () => link,
    known: () => ({ partitions: [{ index: 0, leader: 1 }] }),
    topics: async () => new Map([['orders', {}]]),
  } as unknown as Cluster
}

test.for([
  ['has written it and steps down', 12n, 'unknown'],
  ['leads it no more', -1n, 'refused'],
] as const)('a node that %s: nothing is said that is not known', async ([, baseOffset, state]) => {
  const producer = new Producer(answering(notLeader, baseOffset))
  const record = { key: null, value: Buffer.from('{}'), headers: [], timestampMs: 0 }
  const [outcome] = await producer.send(
    [{ topic: 'orders', partition: 0, record: record as never }],
    new AbortController().signal,
  )
  expect(outcome).toMatchObject({ state, message: expect.stringContaining('NOT_LEADER') })
  await producer.close()
})
