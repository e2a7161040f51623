import { expect, test } from 'vitest'
import { type ChannelPlan, lengthMs, type PlannedFault } from '../plan.ts'
import { type Breakable, drawn } from './drawn.ts'

const everything: Breakable = { hasNetwork: true, hasBroker: true }
const queue = { pattern: 'queue', via: 'direct', leaseMs: 2_000 } as ChannelPlan
const wish = { atMs: 1_000, times: 40, pauseMs: 500 }

function drawnBy(seed: number, channel = queue, breakable = everything): PlannedFault[] {
  return drawn(wish, { seed, channel, breakable })
}

const kindsOf = (faults: readonly PlannedFault[]) => new Set(faults.map(({ kind }) => kind))

test('the same seed draws the same, another one another order', () => {
  expect(drawnBy(7)).toEqual(drawnBy(7))
  expect(drawnBy(7)).not.toEqual(drawnBy(8))
})

test('each begins when the one before is healed and a pause is over', () => {
  const faults = drawnBy(7)
  expect(faults).toHaveLength(wish.times)
  let nextMs = wish.atMs
  for (const fault of faults) {
    expect(fault.atMs).toBe(nextMs)
    nextMs += lengthMs(fault) + wish.pauseMs
  }
})

test('each that there is comes before one comes again', () => {
  const nameOf = (fault: PlannedFault) => {
    const target = 'target' in fault ? fault.target : ''
    return `${fault.kind} ${target} ${fault.kind === 'network' ? fault.rule.kind : ''}`
  }
  const alone: Breakable = { hasNetwork: false, hasBroker: false }
  for (let seed = 0; seed < 20; seed++) {
    const names = drawnBy(seed, queue, alone).map(nameOf)
    const several = new Set(names).size
    expect(new Set(names.slice(0, several)).size).toBe(several)
    expect([...new Set(names)].toSorted()).toEqual([
      'block busiest ',
      'kill busiest ',
      'kill producers ',
      'kill workers ',
      'leave  ',
      'stop busiest ',
    ])
  }
})

test.for([
  [
    everything,
    ['block', 'broker-crash', 'broker-freeze', 'broker-stop', 'kill', 'leave', 'network', 'stop'],
  ],
  [
    { hasNetwork: false, hasBroker: true },
    ['block', 'broker-crash', 'broker-stop', 'kill', 'leave', 'stop'],
  ],
  [{ hasNetwork: true, hasBroker: false }, ['block', 'kill', 'leave', 'network', 'stop']],
] as const)('of %j nothing else is drawn', ([breakable, kinds]) => {
  expect([...kindsOf(drawnBy(7, queue, breakable))].toSorted()).toEqual(kinds)
})

test('a relay is killed where there is one', () => {
  const relays = (via: 'relay' | 'direct') =>
    drawnBy(7, { ...queue, pattern: 'narrowcast', via }).filter(
      (fault) => fault.kind === 'kill' && fault.target === 'relay',
    ).length
  expect(relays('direct')).toBe(0)
  expect(relays('relay')).toBeGreaterThan(0)
})
