import { expect, test } from 'vitest'
import { virtualClock } from '../../testing/virtualClock.ts'
import type { PlannedFault } from '../plan.ts'
import type { Cast } from './cast.ts'
import { Chronicle } from './chronicle.ts'
import { Faults } from './faults.ts'
import { MemoryLedger } from './memoryLedger.ts'
import { Pace } from './pace.ts'
import type { StagedActor } from './stage.ts'

const id = { role: 'worker', actor: 0, incarnation: 0 } as const
const kill: PlannedFault = { kind: 'kill', target: 'busiest', atMs: 0, restartAfterMs: 1 }

/** The first worker to be looked at a second time, after all were: each time it has that many in hand. */
async function killed(...inHand: readonly number[]) {
  const clock = virtualClock()
  const nowNs = () => BigInt(Math.round(clock.monotonicMs() * 1e6))
  const left = [...inHand]
  const worker = {
    id,
    async ledger() {
      const ledger = new MemoryLedger({ ...id, pid: 1, group: null, codes: [] })
      const held = left.length > 1 ? left.shift() : left[0]
      for (let sequence = 0; sequence < (held ?? 0); sequence++) {
        ledger.write({ type: 'recv', message: { producer: 0, incarnation: 0, sequence } }, 1n)
      }
      return ledger.file()
    },
  } as unknown as StagedActor
  const cast = { busiest: async () => worker, kill: async () => {}, start: async () => {} }
  const pace = new Pace(clock, nowNs)
  const chronicle = new Chronicle(nowNs, () => {})
  const faults = new Faults(cast as unknown as Cast, pace, chronicle, {
    broker: null,
    network: null,
  })
  await clock.runUntil(faults.run([kill], 0n, new AbortController().signal))
  return faults.applied
}

test('a worker that has just ended what it had is not killed for a busy one', async () => {
  expect(await killed(0, 0, 3)).toMatchObject([{ inHand: 3, appliedMs: 50 }])
})

test('where all are idle for two seconds, an idle one is', async () => {
  expect(await killed(0)).toMatchObject([{ inHand: 0, appliedMs: 2_000 }])
})
