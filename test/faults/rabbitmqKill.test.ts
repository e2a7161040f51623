import { expect } from 'vitest'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import { testRabbitmq } from '../brokers/rabbitmqHere.ts'
import { queueKillRun } from './queueKillRun.ts'

const plan = { messages: 10_000, kills: 8, workers: 3, stuckMs: 60_000, say: () => undefined }

testRabbitmq(
  'workers and the server killed while messages flow through a quorum queue: none is lost',
  async () => {
    const seed = Math.floor(Math.random() * 1_000_000)
    const ledger = await queueKillRun({ ...plan, seed, start: startRabbitmq })
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
