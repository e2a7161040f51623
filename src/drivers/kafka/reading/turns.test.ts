import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Entry } from './entry.ts'
import { PartitionLog } from './partitionLog.ts'
import { Turns } from './turns.ts'

const past = { failures: 0, crashes: 0, redrives: 0, history: null, dueMs: null }
const main = new PartitionLog({ topic: 'work', partition: 0 }, 0, '')
const beside = new PartitionLog({ topic: 'work..retry.1', partition: 0 }, 0, '')

function entry(
  log: PartitionLog,
  offset: number,
  key: string | null,
  failures = 0,
  was = offset,
): Entry {
  const { topic, partition } = log
  const record = { topic, partition, offset, timestampMs: 0, key: null, value: null, headers: [] }
  const position = `${partition}-${was}`
  const message = { key } as Entry['read']['message']
  const read = { message, past: { ...past, failures }, position }
  return { log, record, read, bytes: 10, sinceMs: 0, state: 'waiting' }
}

it('what has no key waits for nobody', () => {
  const turns = new Turns('work')
  const all = [entry(main, 0, null), entry(main, 1, null)]
  expect(all.map((one) => turns.admit(one))).toEqual([true, true])
  expect(all.map((one) => turns.pass(one))).toEqual([null, null])
})

it('one of a key has the turn, and keeps it until it is done', () => {
  const turns = new Turns('work')
  const [first, second, other] = [entry(main, 0, 'a'), entry(main, 1, 'a'), entry(main, 2, 'b')]
  expect([first, second, other, first].map((one) => turns.admit(one))).toEqual([
    ...[true, false, true, true],
  ])
  expect(turns.pass(second)).toBe(null) // it has no turn to pass
  expect(turns.pass(first)).toBe(second)
  expect(turns.pass(first)).toBe(null)
  expect(turns.pass(second)).toBe(null)
  expect(turns.admit(entry(main, 3, 'a'))).toBe(true)
})

it('what failed has its former place, what was delayed the one at which it comes', () => {
  const turns = new Turns('work')
  const holder = entry(main, 5, 'a')
  turns.admit(holder)
  const waiting = [
    entry(main, 6, 'a'),
    entry(beside, 0, 'a'), // delayed
    entry(main, 7, 'a'),
    entry(beside, 1, 'a', 1, 3), // it had failed before the delayed one came
    entry(beside, 2, 'a', 1, 2),
  ]
  for (const one of waiting) turns.admit(one)
  const order: Entry[] = []
  for (let one = turns.pass(holder); one !== null; one = turns.pass(one)) order.push(one)
  expect(order.map((one) => waiting.indexOf(one))).toEqual([0, 1, 4, 3, 2])
})

it('no two of a key have the turn, and each key comes in its order', () => {
  const keys = fc.constantFrom('a', 'b', 'c', null)
  const steps = fc.array(fc.oneof(keys, fc.nat(9)), { maxLength: 80 })
  fc.assert(
    fc.property(steps, (all) => {
      const turns = new Turns('work')
      const out: Entry[] = []
      const handed: Entry[] = []
      const hand = (one: Entry) => {
        out.push(one)
        handed.push(one)
      }
      let offset = 0
      const step = (one: string | null | number) => {
        if (typeof one !== 'number') {
          const came = entry(main, offset++, one)
          if (turns.admit(came)) hand(came)
          return
        }
        const [done] = out.splice(one % Math.max(1, out.length), 1)
        const next = done ? turns.pass(done) : null
        if (next) hand(next)
        const open = out.flatMap(({ read }) => read.message.key ?? [])
        expect(new Set(open).size).toBe(open.length)
      }
      for (const one of all) step(one)
      while (out.length > 0) step(0)
      expect(handed.length).toBe(offset)
      for (const own of Map.groupBy(handed, ({ read }) => read.message.key).values()) {
        const offsets = own.map(({ record }) => record.offset)
        expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
      }
    }),
    { seed: 7 },
  )
})

it('there is room for so many that wait, until they are passed their turn or go to others', () => {
  const turns = new Turns('work')
  const all = Array.from({ length: 10_001 }, (_, at) => entry(main, at, 'a'))
  for (const one of all) {
    expect(turns.isFull).toBe(false)
    turns.admit(one)
  }
  expect(turns.isFull).toBe(true)
  turns.pass(all[0] as Entry)
  expect(turns.isFull).toBe(false)
  turns.admit(entry(main, 10_001, 'a'))
  expect(turns.isFull).toBe(true)
  turns.forget([main])
  expect([turns.isFull, turns.admit(entry(main, 10_002, 'a'))]).toEqual([false, true])
})
