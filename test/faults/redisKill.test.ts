import { expect, test } from 'vitest'
import { findRedisProgram } from '../../src/lab/brokers/redisProgram.ts'
import { killedRedis } from './killedRedis.ts'
import { queueKillRun } from './queueKillRun.ts'

const isMissing = (await findRedisProgram()) === null
const plan = { messages: 10_000, kills: 8, workers: 3, stuckMs: 30_000, say: () => undefined }

test.skipIf(isMissing).for(['list', 'stream'] as const)(
  'workers and the server killed while messages flow through a %s: none is lost',
  async (queue) => {
    const seed = Math.floor(Math.random() * 1_000_000)
    const ledger = await queueKillRun({ ...plan, seed, start: () => killedRedis(queue) })
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
)
