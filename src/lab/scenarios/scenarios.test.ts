import { describe, expect, test } from 'vitest'
import { type ChannelPlan, lengthMs, type PlannedFault } from '../plan.ts'
import { scenarios } from './index.ts'
import { channelOf, faultsOf, loadOf } from './planned.ts'
import { type ScenarioInput, scenarioSchema } from './scenario.ts'

const queue = { name: 'lab.1', pattern: 'queue', via: 'direct' } as const
const plain: ScenarioInput = { name: 'mine', title: 'mine', teaches: 'nothing' }

function plannedFaults(faults: ScenarioInput['faults'], change: Partial<ChannelPlan> = {}) {
  const scenario = scenarioSchema.parse({ ...plain, faults })
  const load = loadOf(scenario, 'queue', { messages: 1_000, perSecond: 100 })
  const channel = { ...channelOf(scenario, {}, queue), ...change }
  const breakable = { hasNetwork: true, hasBroker: true }
  return faultsOf(scenario, { load, channel, seed: 7, breakable })
}

test('every scenario has a name of its own and fits into a line', () => {
  expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length)
  for (const { name, title } of scenarios) expect(`${name} ${title}`.length).toBeLessThan(60)
})

describe('times of faults', () => {
  test('are shares of the load, or times', () => {
    const kill = { kind: 'kill', target: 'worker:busy' } as const
    const at = (moment: string) => plannedFaults([{ ...kill, at: moment }])[0]?.atMs
    expect(['15%', '0%', '2s', '250ms', '1.5s'].map(at)).toEqual([1_500, 0, 2_000, 250, 1_500])
  })

  test('come again, by time over all faults', () => {
    const found = plannedFaults([
      { kind: 'kill', target: 'workers', at: '50%', restartAt: '80%' },
      { kind: 'kill', target: 'worker:busy', at: '10%', every: '30%', times: 3 },
    ])
    expect(found).toEqual([
      { kind: 'kill', target: 'busiest', atMs: 1_000, restartAfterMs: 500 },
      { kind: 'kill', target: 'busiest', atMs: 4_000, restartAfterMs: 500 },
      { kind: 'kill', target: 'workers', atMs: 5_000, restartAfterMs: 3_000 },
      { kind: 'kill', target: 'busiest', atMs: 7_000, restartAfterMs: 500 },
    ])
  })

  test('let one leave and come back in turn', () => {
    const found = plannedFaults([{ kind: 'churn', at: '3s', every: '2s', times: 4 }])
    expect(found).toEqual([
      { kind: 'leave', atMs: 3_000, restartAfterMs: 2_000 },
      { kind: 'leave', atMs: 7_000, restartAfterMs: 2_000 },
    ])
  })

  test('let a worker stand still for three leases, or ten seconds where it has none', () => {
    const stop = [{ kind: 'stop', target: 'worker:busy', at: '1s' }] as const
    const forMs = (channel: Partial<ChannelPlan>) => plannedFaults([...stop], channel)[0]
    expect(forMs({ leaseMs: 700 })).toMatchObject({ forMs: 2_100 })
    expect(forMs({ pattern: 'broadcast' })).toMatchObject({ forMs: 10_000 })
  })

  test('come by a draw where any fault will do', () => {
    const [first, second] = plannedFaults([{ kind: 'any', at: '20%', times: 2, pauseMs: 300 }])
    expect(first?.atMs).toBe(2_000)
    expect(second?.atMs).toBe(2_000 + lengthMs(first as PlannedFault) + 300)
  })
})

describe('the load of a scenario', () => {
  const scenario = scenarioSchema.parse({
    ...plain,
    load: { handlerMs: 60, keys: 3 },
    live: { handlerMs: 20 },
  })

  test('is other where nothing is kept, and as asked above all', () => {
    const of = (pattern: 'queue' | 'broadcast', changed = {}) => loadOf(scenario, pattern, changed)
    expect(of('queue')).toMatchObject({ handlerMs: 60, keys: 3, concurrency: 4 })
    expect(of('broadcast')).toMatchObject({ handlerMs: 20, keys: 3, concurrency: 16 })
    expect(of('queue', { handlerMs: 1 })).toMatchObject({ handlerMs: 1 })
  })
})

test.for([
  [{ faults: [{ kind: 'kill', target: 'workers', at: 'soon' }] }, 'expected a share of the load'],
  [{ faults: [{ kind: 'flood', at: '1s' }] }, 'faults.0.kind'],
  [{ faults: [{ kind: 'block', target: 'producers', at: '1s' }] }, 'faults.0.target'],
  [{ faults: [{ kind: 'churn', at: '1s', times: 2 }] }, 'faults.0.times: without every they'],
  [
    { faults: [{ kind: 'broker-stop', at: '1s', every: '2s' }] },
    'faults.0.every: without times it',
  ],
  [{ load: { bytes: 10 } }, 'load.bytes'],
  [{ load: { workers: 0 } }, 'load.workers'],
  [{ settings: { dedupeWindowMs: 999 } }, 'settings.dedupeWindowMs'],
  [{ bites: [{ is: 'everything', atLeast: 1 }] }, 'bites.0.is'],
  [{ name: 'Mine!' }, 'expected lower-case letters'],
  [{ title: 'x'.repeat(51) }, 'title'],
] as const)('a scenario with %j is refused', ([change, text]) => {
  const { error } = scenarioSchema.safeParse({ ...plain, ...change })
  const told = error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n')
  expect(told).toContain(text)
})
