import { expect, test } from 'vitest'
import { type Lie, lies } from '../../testing/liar.ts'
import { type GroupJudgement, judge } from '../checker/judge.ts'
import type { PlannedFault } from '../plan.ts'
import { judged, killsAt, planFor, played, sequenceOf, stopAt } from './judgedRun.ts'

const { load } = planFor('none', 0)
const leave = (atMs: number): PlannedFault => ({ kind: 'leave', atMs, restartAfterMs: 150 })

test.for<[string, PlannedFault[]]>([
  ['are stopped for longer than their lease', [stopAt(200, 5_000), stopAt(250, 5_000)]],
  ['are stopped for a moment', [stopAt(200, 700), stopAt(400, 700)]],
  ['leave and come', [leave(100), leave(300)]],
  ['die while others are stopped', [stopAt(200, 5_000), ...killsAt(210, 300)]],
])('an honest broker is all green when workers %s', { timeout: 120_000 }, async ([_, faults]) => {
  for (let seed = 0; seed < 5; seed++) {
    for (const handlerMs of [20, 300]) {
      const change = { faults, load: { ...load, handlerMs } }
      const { all, red, status } = await judged('none', seed, change)
      expect([red, status], `seed ${seed}: ${JSON.stringify(all)}`).toEqual([[], 'KEPT'])
    }
  }
})

test.for(lies)('an honest broker is all green where one shows that %s', async (lie) => {
  for (let seed = 0; seed < 3; seed++) {
    const { red, status } = await judged('none', seed, planFor(lie, seed))
    expect([red, status], `seed ${seed}`).toEqual([[], 'KEPT'])
  }
})

const isUneven = ({ evenness }: GroupJudgement) => evenness.some((epoch) => epoch.isUneven)

test.for<[Lie, (group: GroupJudgement) => boolean]>([
  ['puts behind what comes again', ({ order }) => order.byRedelivery > 0],
  ['starves a worker', isUneven],
  ['prefers a worker', isUneven],
])('a broker that %s shows in a figure of which nothing is promised', async ([lie, shows]) => {
  for (let seed = 0; seed < 3; seed++) {
    const { group, red, status } = await judged(lie, seed)
    expect([red, status, shows(group)], `seed ${seed}`).toEqual([[], 'KEPT', true])
    const honest = await judged('none', seed, planFor(lie, seed))
    expect(shows(honest.group), `seed ${seed}, honest`).toBe(false)
  }
})

test('what is lost while a worker is dead is excused for as many as it can have held', async () => {
  const plan = { ...planFor('none', 0), faults: killsAt(200) }
  for (let seed = 0; seed < 4; seed++) {
    // Sent while it was dead, and on their way to all the others.
    const isHit = (id: string) => sequenceOf(id) >= 40 && sequenceOf(id) < 80
    const { evidence, run } = await played('drops what it has stored', { ...plan, seed }, (id) =>
      isHit(id) ? 0 : 1,
    )
    const terms = { ...run.terms, mayLose: ['worker-killed'] as const }
    const [group] = judge(evidence, { ...run, terms }, 250, []).groups as [GroupJudgement]
    const red = group.checks.filter(({ status }) => status === 'violated').map(({ id }) => id)
    expect(red).toContain('lost') // and what it really held finds nothing left of its excuse
    const { inHandMax } = terms
    const { total, byCause, unexplained } = group.account.lost
    expect([total, byCause]).toEqual([80, { 'worker-killed': inHandMax }])
    expect(unexplained).toBe(80 - inHandMax)
  }
})
