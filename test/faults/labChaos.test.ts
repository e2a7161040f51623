import { expect, test } from 'vitest'
import { scenarioSchema } from '../../src/lab/scenarios/scenario.ts'
import { testRedis } from '../brokers/redisHere.ts'
import { playScenario } from './labScene.ts'

/** As often as that, while 300 messages a second are sent for a minute. */
async function broken(on: string, times: number): Promise<readonly string[]> {
  const scenario = scenarioSchema.parse({
    ...{ name: 'mine', title: 'mine', teaches: 'nothing' },
    faults: [{ kind: 'any', at: '1s', times, pauseMs: 500 }],
  })
  const load = { messages: 18_000, perSecond: 300 }
  const { verdict, faults } = await playScenario(scenario, on, load)
  expect(verdict).toEqual({ status: 'KEPT', reasons: [] })
  expect(faults).toHaveLength(times)
  return faults.map(({ kind }) => kind)
}

test('file: everything that can be broken, one after the other', async () => {
  const kinds = new Set(await broken('file:queue', 8))
  expect([...kinds].toSorted()).toEqual([
    ...['block', 'broker-crash', 'broker-stop', 'kill', 'leave', 'stop'],
  ])
})

testRedis.for(['redis-stream:stream@safe', 'redis-pubsub:narrowcast'])(
  '%s: six faults in an order of the seed',
  async (on) => void (await broken(on, 6)),
)
