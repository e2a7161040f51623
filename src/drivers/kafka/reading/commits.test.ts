import { expect, test } from 'vitest'
import { filled } from '../../../../test/kafkaLog.ts'
import type { Committed, Offsets } from '../group/offsets.ts'
import { Commits } from './commits.ts'
import { Owned } from './owned.ts'
import type { PartitionLog } from './partitionLog.ts'

type Answer = Awaited<ReturnType<Offsets['commit']>>

/** A group that answers what it is told as `answers` says, and then always does it. */
function group(...answers: Answer[]) {
  const told: Pick<Committed, 'offset' | 'note'>[] = []
  const freed: number[] = []
  const offsets = {
    async commit(all: readonly Committed[]) {
      const answer = answers.shift() ?? 'done'
      if (answer === 'done') for (const { offset, note } of all) told.push({ offset, note })
      return answer
    },
  } as unknown as Offsets
  const commits = new Commits({
    offsets,
    signature: () => ({ memberId: 'm', generation: 1 }),
    tenure: () => 1,
    isCurrent: () => true,
    disowned: () => {},
    freed: () => freed.push(told.length),
    order: 'none',
  })
  return { commits, told, freed, offsets }
}

const owning = (log: PartitionLog, offsets: Offsets) => {
  const owned = new Owned({ offsets, begin: () => 0, began: () => {} })
  ;(owned.all as Set<PartitionLog>).add(log)
  return owned
}

test('what is handed out first is counted, also where the members just change', async () => {
  const { commits, told } = group('not-now', 'not-now')
  const log = filled([5, 6])
  await commits.charge(log.take())
  expect(told).toEqual([{ offset: 5, note: '{"c":1}' }])
})

test('nothing is counted of what is not ours any more, or not wanted', async () => {
  const { commits, told } = group('not-now', 'not-now')
  const [lost, unwanted] = [filled([5]), filled([5])]
  const counting = commits.charge(lost.take())
  lost.isGone = true
  await counting
  await commits.charge(unwanted.take(), () => false)
  expect(told).toEqual([])
  expect(unwanted.isCharged).toBe(false)
})

test('behind one that ended its owner nothing is handed out before the group knows it settled', async () => {
  const { commits, told, freed, offsets } = group('not-now')
  const log = filled([5, 6, 7], 5, '{"c":2}')
  const owned = owning(log, offsets)
  const suspect = log.take()
  await commits.charge(suspect)
  expect(owned.next()).toBe(null)
  log.settled(suspect)
  commits.settled(log)
  expect(owned.next()).toBe(null)
  await commits.noted()
  expect(freed).toEqual([2])
  const next = log.take()
  expect([next.record.offset, log.crashesOf(next)]).toEqual([6, 0])
  expect(owned.next()?.record.offset).toBe(7)
  // It is counted too: it may have been in hand beside that one.
  await commits.charge(next)
  expect(told).toEqual([
    { offset: 5, note: '{"c":3}' },
    { offset: 6, note: '' },
    { offset: 6, note: '{"c":1}' },
  ])
})

test('one that rests until its time holds back nobody', () => {
  const { offsets } = group()
  const log = filled([5, 6, 7], 5, '{"c":2}')
  const owned = owning(log, offsets)
  log.rest(log.take())
  expect(owned.next()?.record.offset).toBe(6)
  log.take()
  expect(owned.next()?.record.offset).toBe(7)
})

test('after enough that did no harm no more are counted', async () => {
  const { commits, told } = group()
  const log = filled([...Array(40).keys()], 0, '{"c":1}')
  for (let at = 0; at < 40; at++) {
    const one = log.take()
    await commits.charge(one)
    log.settled(one)
    commits.settled(log)
    await commits.noted()
  }
  const counted = told.filter(({ note }) => note !== '').map(({ offset }) => offset)
  expect(counted).toEqual([...Array(17).keys()])
})

test.for(['{"c":2}', ''])(
  'where the one that came first is gone, noted as %j, the next is counted',
  async (note) => {
    const { commits, told, offsets } = group()
    const log = filled([7, 8], 5, note)
    const owned = owning(log, offsets)
    expect(owned.next()?.record.offset).toBe(7)
    const first = log.take()
    expect(log.crashesOf(first)).toBe(0)
    await commits.charge(first)
    expect(told).toEqual([{ offset: 7, note: '{"c":1}' }])
  },
)

test('who asks for the same waits for the same answer', async () => {
  const { commits, told } = group('not-now')
  const log = filled([5])
  const first = log.take()
  void commits.charge(first)
  await commits.charge(first)
  expect(told).toHaveLength(1)
})

test('where nobody knows whether it was noted, and it is given back, that is told', async () => {
  const { commits, told } = group()
  const log = filled([5])
  const first = log.take()
  let isWanted = true
  const lost = group()
  Object.assign(lost.offsets, {
    async commit() {
      isWanted = false
      throw new Error('no answer')
    },
  })
  await lost.commits.charge(first, () => isWanted)
  expect(log.isCharged).toBe(false)
  await commits.putDown([log])
  expect(told).toEqual([{ offset: 5, note: '' }])
})

test('beside a healthy one the next is handed out at once', async () => {
  const { commits, freed, offsets } = group()
  const log = filled([5, 6])
  const owned = owning(log, offsets)
  const first = log.take()
  await commits.charge(first)
  expect(owned.next()?.record.offset).toBe(6)
  log.settled(first)
  commits.settled(log)
  await commits.noted()
  expect(freed).toEqual([])
})
