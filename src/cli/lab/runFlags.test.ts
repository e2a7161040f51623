import { expect, test } from 'vitest'
import { type FaultScene, faultsOf, loadOf } from '../../lab/scenarios/planned.ts'
import { scenarioNamed, withEpisodes } from './runFlags.ts'

test('more episodes come as far apart as before, in a load that has grown', () => {
  const before = scenarioNamed('worker-kill')
  const after = withEpisodes(before, 30)
  expect(after.faults).toMatchObject([{ at: '2.5%', every: '2.5%', times: 30 }])
  expect(after.bites).toEqual([{ is: 'busyKills', atLeast: 24 }])
  const timesOf = (scenario: typeof before) => {
    const load = loadOf(scenario, 'queue', {})
    const scene = { load, channel: { pattern: 'queue', leaseMs: 2_000 } } as FaultScene
    return faultsOf(scenario, scene).map(({ atMs }) => atMs)
  }
  expect(loadOf(after, 'queue', {}).messages).toBe(60_000)
  expect(timesOf(after)).toHaveLength(30)
  expect(timesOf(after).slice(0, 5)).toEqual(timesOf(before))
})

test('times that are no shares stay as they are', () => {
  const churn = withEpisodes(scenarioNamed('churn'), 22)
  expect(churn.faults).toMatchObject([{ at: '3s', every: '3s', times: 22 }])
  expect(churn.load.messages).toBe(30_000)
})

test('a fault that comes once is not made to come more often', () => {
  expect(() => withEpisodes(scenarioNamed('all-dead-revive'), 5)).toThrow(
    expect.objectContaining({
      ...{ code: 'INVALID_ARGUMENT', message: expect.stringContaining('comes again and again') },
      hint: expect.stringContaining('lab run all-dead-revive --repeats 5'),
    }),
  )
})
