import { redisKillRun } from './redisKillRun.ts'

const say = (line: string) => process.stderr.write(`${line}\n`)
const seed = Math.floor(Math.random() * 1_000_000)
const plan = { messages: 250_000, kills: 50, workers: 3, seed, stuckMs: 120_000, say }

for (const queue of ['list', 'stream'] as const) {
  say(`seed ${seed}: ${plan.messages} messages through a ${queue}, ${plan.kills} kills`)
  const ledger = await redisKillRun({ ...plan, queue })
  process.stdout.write(`${queue}: ${JSON.stringify(ledger)}\n`)
  const { lost, unexplained, dead, left } = ledger
  if (lost + unexplained + dead + left > 0) process.exitCode = 8
}
