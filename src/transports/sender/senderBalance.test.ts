import fc from 'fast-check'
import { expect, test } from 'vitest'
import { balance, folder, message, setUp } from '../../../test/senderScene.ts'
import { seededRandom } from '../../runtime/random.ts'
import { openSpool, type Spool } from './spool.ts'

/** Steps of a run: what is written, how the channel answers, how time goes. */
const step = fc.oneof(
  fc.record({
    do: fc.constant('write' as const),
    count: fc.integer({ min: 1, max: 30 }),
    keep: fc.boolean(),
    bytes: fc.integer({ min: 1, max: 4_000 }),
  }),
  fc.record({
    do: fc.constant('answer' as const),
    code: fc.constantFrom(
      null,
      'reject' as const,
      'UNAVAILABLE' as const,
      'PAYLOAD_TOO_LARGE' as const,
      'STORE_UNUSABLE' as const,
    ),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    takesMs: fc.constantFrom(0, 5, 300),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 5_000 }) }),
)

const brokenSpool = (dir: string, first: boolean): Spool => {
  const spool = openSpool({ dir, first, bytesMax: 20_000 })
  let calls = 0
  const fail = <A extends unknown[], R>(work: (...args: A) => R) => {
    return (...args: A): R => {
      if (++calls % 5 === 0) throw new Error('input/output error')
      return work(...args)
    }
  }
  return {
    get place() {
      return spool.place
    },
    isFirst: first,
    get count() {
      return spool.count
    },
    get bytes() {
      return spool.bytes
    },
    get firstOrder() {
      return spool.firstOrder
    },
    get lastOrder() {
      return spool.lastOrder
    },
    put: fail((records) => spool.put(records)),
    oldest: fail((count, bytes) => spool.oldest(count, bytes)),
    remove: fail((orders) => spool.remove(orders)),
    close: () => spool.close(),
  }
}

test('accepted = acked + dropped + spilled + queued + on its way, whatever fails', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25 }),
      fc.constantFrom('none' as const, 'whole' as const, 'broken' as const),
      fc.boolean(),
      fc.integer(),
      async (steps, spoolKind, first, seed) => {
        const dir = folder()
        const spools = {
          none: () => null,
          whole: () => openSpool({ dir, first }),
          broken: () => brokenSpool(dir, first),
        }
        const random = seededRandom(seed)
        const limits = { recordsMax: 40, bytesMax: 60_000, random }
        const { clock, fake, lost, sender } = setUp({ ...limits, spool: spools[spoolKind]() })
        let written = 0
        for (const next of steps) {
          if (next.do === 'write') {
            for (let n = 0; n < next.count; n++) sender.write(message(written++, next))
          } else if (next.do === 'answer') {
            fake.takes(next.takesMs)
            fake.answers(() => (random() < next.share ? next.code : null))
          } else await clock.advance(next.ms)
          expect(balance(sender)).toBe(0)
          const { queued, onTheWay } = sender.stats
          expect(queued + onTheWay).toBeLessThanOrEqual(500 + limits.recordsMax)
        }
        await clock.runUntil(sender.close())
        expect(balance(sender)).toBe(0)
        const { accepted, acked, dropped, spilled } = sender.stats
        const drops = Object.values(dropped).reduce((sum, count) => sum + count, 0)
        expect(accepted).toBe(written)
        expect(acked + drops + spilled).toBe(written)
        expect(lost).toHaveLength(drops)
        if (spoolKind !== 'broken') expect(new Set(fake.stored).size).toBe(fake.stored.length)
      },
    ),
    { numRuns: 150 },
  )
}, 60_000)
