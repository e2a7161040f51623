import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import { killedRedis } from './killedRedis.ts'
import { queueKillRun } from './queueKillRun.ts'

const say = (line: string) => process.stderr.write(`${line}\n`)
const seed = Math.floor(Math.random() * 1_000_000)
const plan = { messages: 250_000, kills: 50, workers: 3, seed, stuckMs: 120_000, say }
const queues = {
  'a list': () => killedRedis('list'),
  'a stream': () => killedRedis('stream'),
  'a quorum queue': () => startRabbitmq(),
}

for (const [queue, start] of Object.entries(queues)) {
  say(`seed ${seed}: ${plan.messages} messages through ${queue}, ${plan.kills} kills`)
  const ledger = await queueKillRun({ ...plan, start })
  process.stdout.write(`${queue}: ${JSON.stringify(ledger)}\n`)
  const { lost, unexplained, dead, left } = ledger
  if (lost + unexplained + dead + left > 0) process.exitCode = 8
}
