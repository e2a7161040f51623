import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { testRedis } from '../brokers/redisHere.ts'
import { accountOf, playScenario } from './labScene.ts'

const kept = { status: 'KEPT', reasons: [] }

test('file: what fails or kills is dead when its tries are used up, the rest is done', async () => {
  const result = await playScenario('poison', 'file:queue', { messages: 800 })
  expect(result.verdict).toEqual(kept)
  const { dead, processed, attempted } = accountOf(result)
  expect(dead).toBeGreaterThanOrEqual(3)
  expect(dead + processed).toBe(attempted)
  const kills = result.evidence.events.filter(({ event }) => event === 'KILL')
  expect(kills).toHaveLength(3 * result.plan.channel.deliveriesMax)
})

test('file: all processes die at once and come back, producers too', async () => {
  const result = await playScenario('broker-crash', 'file:queue', { messages: 4_000 })
  expect(result.verdict).toEqual(kept)
  const producers = result.evidence.ledgers.filter(({ sidecar }) => sidecar.role === 'producer')
  expect(producers.map(({ sidecar }) => sidecar.incarnation).toSorted()).toEqual([0, 0, 1, 1])
})

test('file: a network that is not there is offered to nobody', async () => {
  await expect(playScenario('partition-heal', 'file:queue')).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('no network lies between'),
  })
})

test.for([
  ['backlog', 'file:broadcast', 'UNSUPPORTED', 'keeps nothing for workers that come later'],
  ['relay-kill', 'file:queue', 'UNSUPPORTED', 'no relay stands between'],
  ['worker-kill', 'memory:queue', 'UNAVAILABLE', 'cannot be ended without it'],
] as const)('%s on %s is refused with %s', async ([name, on, code, text]) => {
  const refused = playScenario(name, on)
  await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
})

testRedis('redis: a worker that stood still changes nothing when it goes on', async () => {
  const result = await playScenario('zombie', 'redis-list:queue', { messages: 1_200 })
  expect(result.verdict).toEqual(kept)
  expect(accountOf(result).late).toBeGreaterThan(0)
})

testRedis('redis: answers that are lost are published again, and done twice', async () => {
  const result = await playScenario('lost-ack', 'redis-list:queue', { messages: 3_000 })
  expect(result.verdict).toEqual(kept)
  const { reprocessed } = accountOf(result)
  expect(reprocessed.byCause['producer-retry']).toBeGreaterThan(0)
})

testRedis('redis: a relay that dies is followed by the other', async () => {
  const result = await playScenario('relay-kill', 'redis-pubsub:narrowcast', { messages: 4_000 })
  const { reprocessed, lost } = accountOf(result)
  expect([reprocessed.total, lost.unexplained]).toEqual([0, 0])
  const killed = new Set(result.faults.map(({ target }) => target))
  expect([...killed].toSorted()).toEqual(['relay 0', 'relay 1'])
})

testRedis('redis: a subscriber that reads too slowly is cut off, and alone in that', async () => {
  const load = { messages: 3_000, bytes: 4_096 }
  const { verdict, judgement } = await playScenario(
    'zombie',
    'redis-pubsub:broadcast@small-buffer',
    load,
  )
  expect(verdict).toEqual(kept)
  if ('groups' in judgement) throw new Error('a broadcast has no groups')
  const missed = judgement.account.subscribers.map(({ missed }) => missed)
  const [most, ...others] = missed.toSorted((a, b) => b.total - a.total)
  expect(most?.byCause['cut-off']).toBeGreaterThan(500)
  expect(others.map(({ total }) => total)).toEqual([0, 0, 0])
})

test('nothing of a run is left in its folder but what belongs there', async () => {
  const result = await playScenario('calm', 'file:queue', { messages: 100 })
  expect(readdirSync(result.folder).toSorted()).toEqual(['broker', 'ledgers'])
  expect(readdirSync(join(result.folder, 'ledgers')).length).toBeGreaterThan(10)
})

testRedis('redis: a broker that is given is left as it was found', async () => {
  await using server = await startRedis()
  const result = await playScenario('calm', 'redis-list:queue', { messages: 100 }, server.url)
  expect(result.verdict).toEqual(kept)
  expect(await askRedis(server.url, 'KEYS', '*')).toEqual([])
})
