import { expect, test } from 'vitest'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { type ScenarioInput, scenarioSchema } from '../../src/lab/scenarios/scenario.ts'
import { testRedis } from '../brokers/redisHere.ts'
import { accountOf, playScenario } from './labScene.ts'

const kept = { status: 'KEPT', reasons: [] }

function scenarioWith(faults: ScenarioInput['faults']) {
  return scenarioSchema.parse({ name: 'mine', title: 'mine', teaches: 'nothing', faults })
}

const frozen = scenarioWith([{ kind: 'broker-freeze', at: '1s', forMs: 3_000 }])

testRedis('redis: a broker that stood still has lost nothing', async () => {
  const result = await playScenario(frozen, 'redis-list:queue', { messages: 2_400 })
  expect(result.verdict).toEqual(kept)
  const [fault] = result.faults
  expect(fault).toMatchObject({ kind: 'broker-freeze', target: 'the broker' })
  const froze = result.evidence.events.filter(({ event }) => event === 'NET_ON')
  expect(froze).toHaveLength(6)
})

test('file: no broker can be frozen beside its processes', async () => {
  await expect(playScenario(frozen, 'file:queue')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
})

testRedis('redis: a broker that is given is not frozen', async () => {
  await using server = await startRedis()
  const refused = playScenario(frozen, 'redis-list:queue', {}, server.url)
  await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})

test('file: what a worker that was blocked says too late changes nothing', async () => {
  const result = await playScenario('blocked', 'file:queue', { messages: 1_200 })
  expect(result.verdict).toEqual(kept)
  expect(accountOf(result).late).toBeGreaterThan(0)
})

testRedis(
  'redis: who starts anew while connections are refused comes in when they are not',
  async () => {
    const refused = scenarioWith([
      { kind: 'network', rule: { kind: 'refuse' }, target: 'workers', at: '1s', forMs: 3_000 },
      { kind: 'kill', target: 'workers', at: '1500ms', restartAfterMs: 500 },
    ])
    const { verdict, evidence, faults } = await playScenario(refused, 'redis-list:queue', {
      messages: 2_400,
    })
    const [network] = faults
    const healedNs = Math.max(
      ...evidence.events
        .filter(({ event }) => event === 'NET_OFF')
        .map(({ fromNs }) => Number(fromNs)),
    )
    const back = evidence.events.filter(
      (one) => one.event === 'SUBSCRIBED' && one.incarnation === 1,
    )
    expect(back.map(({ toNs }) => Number(toNs) > healedNs)).toEqual([true, true, true, true])
    expect(network).toMatchObject({ kind: 'network', hit: true })
    expect(verdict).toEqual(kept)
  },
)
