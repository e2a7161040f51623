import { expect, test } from 'vitest'
import { entry, filled } from '../../../../test/kafkaLog.ts'
import { seededRandom } from '../../../runtime/random.ts'
import type { Entry } from './entry.ts'
import { PartitionLog } from './partitionLog.ts'

test('the watermark stands before the first that is not settled', () => {
  const log = filled([5, 6, 9])
  const [a, b, c] = [log.take(), log.take(), log.take()]
  expect(log.watermark).toBe(5)
  log.settled(b)
  expect([log.watermark, log.beyond, log.inHand]).toEqual([5, 3, 2])
  log.settled(a)
  // What a compacted topic has forgotten is nothing to wait for.
  expect([log.watermark, log.beyond]).toEqual([9, 1])
  log.settled(c)
  expect([log.watermark, log.beyond, log.inHand]).toEqual([10, 0, 0])
})

test('what is put back is the next, in its order', () => {
  const log = filled([0, 1, 2, 3])
  const taken = [log.take(), log.take(), log.take()]
  for (const one of taken.toReversed()) log.putBack(one)
  const again = Array.from({ length: 4 }, () => log.take().record.offset)
  expect(again).toEqual([0, 1, 2, 3])
})

test('a crash is charged to the first message of all, and to no other', () => {
  const log = new PartitionLog({ topic: 't', partition: 0 }, 5, '{"c":2}')
  for (const offset of [5, 6]) log.add(entry(log, offset), false)
  const [a, b] = [log.take(), log.take()]
  expect([log.crashesOf(a), log.crashesOf(b)]).toEqual([2, 0])
  expect([log.isFirst(a), log.isFirst(b)]).toEqual([true, false])
  log.settled(a)
  expect(log.isFirst(b)).toBe(false)
})

test('whatever happens in whichever order, the watermark never passes what is not settled', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed)
    const log = new PartitionLog({ topic: 't', partition: 0 }, 0, '')
    const open = new Set<number>()
    const out: Entry[] = []
    let next = 0
    for (let step = 0; step < 3_000; step++) {
      const dice = random()
      if (dice < 0.35) {
        next += random() < 0.1 ? 2 : 1
        open.add(next)
        log.add(entry(log, next), false)
        log.nextOffset = next + 1
      } else if (dice < 0.7 && log.next !== undefined) out.push(log.take())
      else if (out.length > 0) {
        const [one] = out.splice(Math.floor(random() * out.length), 1) as [Entry]
        if (random() < 0.2) log.putBack(one)
        else {
          log.settled(one)
          open.delete(one.record.offset)
        }
      }
      const first = Math.min(...open, log.nextOffset)
      expect(log.watermark, `seed ${seed}, step ${step}`).toBe(first)
      expect(log.inHand).toBe(out.length)
    }
  }
})
