import { expect, test } from 'vitest'
import type { Judgement } from '../../src/lab/checker/judge.ts'
import type { ExperimentResult } from '../../src/lab/run/experiment.ts'
import { testRabbitmq } from '../brokers/rabbitmqHere.ts'
import { testRedis } from '../brokers/redisHere.ts'
import { playScenario } from './labScene.ts'

// What is known beforehand of real brokers. Where one of these says something else, the lab is wrong.

function accountOf({ judgement }: ExperimentResult) {
  const [group] = (judgement as Judgement).groups
  if (!group) throw new Error('a queue has one group')
  return group.account
}

const few = { messages: 800 }
/** Ten seconds, so that a kill seldom meets a worker that has just come back. */
const some = { messages: 4_000 }

test('calm is KEPT on file:broadcast', async () => {
  const { verdict } = await playScenario('calm', 'file:broadcast', few)
  expect(verdict).toEqual({ status: 'KEPT', reasons: [] })
})

for (const on of ['redis-stream:stream', 'redis-pubsub:narrowcast@direct']) {
  testRedis(`redis: calm is KEPT on ${on}`, async () => {
    expect((await playScenario('calm', on, few)).verdict).toEqual({ status: 'KEPT', reasons: [] })
  })
}

test('a file keeps its contract while busy workers are killed', async () => {
  const { verdict, judgement } = await playScenario('worker-kill', 'file:queue', some)
  expect(verdict).toEqual({ status: 'KEPT', reasons: [] })
  expect(judgement.bites).toMatchObject([{ atLeast: 4, seen: expect.any(Number) }])
})

testRedis('redis: who pops a list plainly loses what dies in hand', async () => {
  const result = await playScenario('worker-kill', 'redis-list:queue@naive', { messages: 2_000 })
  expect(result.verdict.status).toBe('BROKEN')
  // Some were in a handler, others popped and not begun.
  expect(accountOf(result).lost.worker).toBeGreaterThan(0)
})

testRedis('redis: a list without an append-only file loses what waits in a crash', async () => {
  const result = await playScenario('broker-crash', 'redis-list:queue', some)
  expect(result.verdict).toEqual({ status: 'KEPT', reasons: [] }) // as its contract says
  const { lost } = accountOf(result)
  expect(lost.byCause).toEqual({ 'broker-crash': lost.total })
  expect(lost.total).toBeGreaterThan(0)
})

testRedis('redis: nobody hears what is broadcast while everybody is dead', async () => {
  const { verdict, judgement, evidence } = await playScenario(
    'all-dead-revive',
    'redis-pubsub:broadcast',
  )
  expect(verdict).toEqual({ status: 'KEPT', reasons: [] })
  if (!('account' in judgement)) throw new Error('a broadcast has no groups')
  const { unheard, acknowledged } = judgement.account
  const died = evidence.events.filter(({ event }) => event === 'KILL')
  expect(died).toHaveLength(4)
  // The window is 30 % of the load, and what starting takes.
  expect(unheard.total).toBeGreaterThan(acknowledged * 0.3)
  expect(unheard.total).toBe(unheard.reported + unheard.silent)
})

for (const on of ['rabbitmq:stream', 'rabbitmq:broadcast', 'rabbitmq:narrowcast']) {
  testRabbitmq(`rabbitmq: calm is KEPT on ${on}`, async () => {
    expect((await playScenario('calm', on, few)).verdict).toEqual({ status: 'KEPT', reasons: [] })
  })
}

testRabbitmq('rabbitmq: a queue keeps its contract while busy workers are killed', async () => {
  const { verdict, judgement } = await playScenario('worker-kill', 'rabbitmq:queue', some)
  expect(verdict).toEqual({ status: 'KEPT', reasons: [] })
  expect(judgement.bites).toMatchObject([{ atLeast: 4, seen: expect.any(Number) }])
})

testRabbitmq('rabbitmq: a queue loses nothing when its server is killed', async () => {
  // Twice as long a queue as the scenario wants, also where a busy machine publishes late.
  const result = await playScenario('broker-crash', 'rabbitmq:queue', { messages: 6_000 })
  expect(result.verdict).toEqual({ status: 'KEPT', reasons: [] })
  expect(accountOf(result).lost.total).toBe(0)
})

testRabbitmq('rabbitmq: what is acknowledged as it comes dies in hand', async () => {
  const result = await playScenario('worker-kill', 'rabbitmq:queue@naive', { messages: 2_000 })
  expect(result.verdict.status).toBe('BROKEN')
  expect(accountOf(result).lost.worker).toBeGreaterThan(0)
})

testRabbitmq('rabbitmq: what no queue is bound for is confirmed, and gone', async () => {
  const result = await playScenario('backlog', 'rabbitmq:queue@naive', few)
  expect(result.verdict.status).toBe('BROKEN')
  const { acknowledged, lost } = accountOf(result)
  expect(acknowledged).toBe(few.messages)
  expect(lost).toMatchObject({ broker: few.messages, byCause: { 'no-worker': few.messages } })
})
