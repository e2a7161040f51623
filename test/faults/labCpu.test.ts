import { expect, test } from 'vitest'
import { type ExperimentResult, runExperiment } from '../../src/lab/run/experiment.ts'
import { scenarios } from '../../src/lab/scenarios/index.ts'
import type { Scenario } from '../../src/lab/scenarios/scenario.ts'
import { testRedis } from '../brokers/redisHere.ts'
import { tempFolder } from './labScene.ts'

const isTold = process.platform === 'linux'

async function calmOn(backend: string): Promise<ExperimentResult> {
  return await runExperiment({
    scenario: scenarios.find(({ name }) => name === 'calm') as Scenario,
    subject: { backend, pattern: 'queue', profile: 'default', url: null },
    ...{ seed: 7, load: { messages: 400 }, settings: {}, folder: await tempFolder() },
    watcher: { event: () => {}, depth: () => {}, phase: () => {} },
    signal: new AbortController().signal,
  })
}

test.skipIf(!isTold)('it is told what a message costs whom', async () => {
  const { cpuMicrosPerMessage } = await calmOn('file')
  expect(Object.keys(cpuMicrosPerMessage).sort()).toEqual(['lab', 'producer', 'worker'])
  expect(cpuMicrosPerMessage.worker).toBeGreaterThan(0)
})

testRedis('redis: the broker and the proxy have their share', async () => {
  const { cpuMicrosPerMessage } = await calmOn('redis-list')
  const users = isTold ? ['broker', 'lab', 'producer', 'proxy', 'worker'] : []
  expect(Object.keys(cpuMicrosPerMessage).sort()).toEqual(users)
})

test('where all share one process nobody can tell', async () => {
  expect((await calmOn('memory')).cpuMicrosPerMessage).toEqual({})
})
