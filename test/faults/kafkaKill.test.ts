import { expect } from 'vitest'
import { startKafka } from '../../src/lab/brokers/kafka.ts'
import { testKafka } from '../brokers/kafkaHere.ts'
import { queueKillRun } from './queueKillRun.ts'

const plan = { messages: 10_000, kills: 8, workers: 3, stuckMs: 60_000, say: () => undefined }

/** A worker that was killed holds up its partitions for so long. */
async function start() {
  const server = await startKafka()
  return { ...server, url: `${server.url}?session=2s` }
}

testKafka(
  'workers and the server killed while messages flow through a topic: none is lost',
  async () => {
    const seed = Math.floor(Math.random() * 1_000_000)
    const ledger = await queueKillRun({ ...plan, seed, start })
    expect(ledger, `seed ${seed}`).toMatchObject({
      worked: plan.messages,
      lost: 0,
      unexplained: 0,
      dead: 0,
      left: 0,
      workerKills: 6,
      serverKills: 2,
    })
  },
  240_000,
)
