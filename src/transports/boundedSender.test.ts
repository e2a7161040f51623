import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { type ErrorCode, NarrowcastError } from '../core/errors.ts'
import { seededRandom } from '../runtime/random.ts'
import { type VirtualClock, virtualClock } from '../testing/virtualClock.ts'
import { BoundedSender, type SenderOptions } from './boundedSender.ts'
import type { RecordMessage } from './record.ts'
import type { Sendable } from './sendBatch.ts'
import { openSpool, type Spool } from './spool.ts'

const folders: string[] = []
function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'narrowcast-sender-'))
  folders.push(dir)
  return dir
}
afterEach(() => {
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true })
})

function message(n: number, more: Partial<RecordMessage> = {}): RecordMessage {
  const id = `m${n}`
  return {
    id,
    channel: 'logs',
    key: null,
    timeMs: n,
    data: { n },
    bytes: 100,
    keep: false,
    ...more,
  }
}

/** A channel that answers as the test says, after `waitMs` of the clock. */
function fakeChannel(clock: VirtualClock) {
  const stored: string[] = []
  const batches: number[] = []
  let answer: () => ErrorCode | 'reject' | null = () => null
  let waitMs = 0
  const channel: Sendable = {
    async publishMany(batch) {
      batches.push(batch.length)
      if (waitMs > 0) await clock.sleep(waitMs, new AbortController().signal)
      if (answer() === 'reject') throw new NarrowcastError('CONNECTION_LOST', 'cut')
      return batch.map(({ options }) => {
        const code = answer()
        if (code !== null && code !== 'reject') return new NarrowcastError(code, 'as told')
        stored.push(options?.id ?? 'none')
        return { id: options?.id ?? 'none', duplicate: false }
      })
    },
  }
  return {
    channel,
    stored,
    batches,
    answers(next: () => ErrorCode | 'reject' | null) {
      answer = next
    },
    takes(ms: number) {
      waitMs = ms
    },
  }
}

function setUp(options: Partial<SenderOptions> = {}) {
  const clock = virtualClock()
  const fake = fakeChannel(clock)
  const said: string[] = []
  const lost: { id: string; reason: string }[] = []
  const sender = new BoundedSender({
    clock,
    channelFor: () => fake.channel,
    notice: (line) => said.push(line),
    onDropped: ({ id }, reason) => lost.push({ id, reason }),
    random: () => 1,
    ...options,
  })
  return { clock, fake, said, lost, sender }
}

function balance(sender: BoundedSender): number {
  const { accepted, acked, dropped, spilled, queued, onTheWay } = sender.stats
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  return accepted - (acked + lost + spilled + queued + onTheWay)
}

describe('a batch leaves', () => {
  test('after 20 ms, however small', async () => {
    const { clock, fake, sender } = setUp()
    sender.write(message(1))
    await clock.advance(19)
    expect(fake.stored).toEqual([])
    await clock.advance(1)
    expect(fake.stored).toEqual(['m1'])
  })

  test('at once with 500 records or 256 KiB', async () => {
    const many = setUp()
    for (let n = 0; n < 500; n++) many.sender.write(message(n))
    await many.clock.settle()
    expect(many.fake.batches).toEqual([500])
    const large = setUp()
    for (let n = 0; n < 3; n++) large.sender.write(message(n, { bytes: 131_072 }))
    await large.clock.settle()
    expect(large.fake.batches[0]).toBe(2)
  })
})

describe('without room', () => {
  test('the oldest go, never those on the way, and the first loss is told at once', async () => {
    const { clock, fake, said, lost, sender } = setUp({ recordsMax: 600 })
    fake.takes(1_000)
    for (let n = 0; n < 500; n++) sender.write(message(n))
    await clock.settle()
    expect(sender.stats.onTheWay).toBe(500)
    for (let n = 500; n < 700; n++) sender.write(message(n))
    expect(lost.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, n) => `m${500 + n}`))
    expect(said.filter((line) => line.includes('lost'))).toHaveLength(1)
    await clock.advance(3_000)
    expect(fake.stored).toHaveLength(600)
    expect(sender.stats.dropped).toEqual({ full: 100 })
    expect(balance(sender)).toBe(0)
  })

  test('bytes count as well, and dropNewest turns the choice around', async () => {
    const { lost, sender } = setUp({ bytesMax: 250, whenFull: 'dropNewest' })
    for (let n = 0; n < 4; n++) sender.write(message(n))
    expect(lost.map(({ id }) => id)).toEqual(['m2', 'm3'])
  })

  test('a warning every 30 s, and the last count on close', async () => {
    const { clock, fake, said, sender } = setUp({ recordsMax: 1 })
    fake.answers(() => 'reject')
    for (let n = 0; n < 10; n++) {
      sender.write(message(n))
      await clock.advance(5_000)
    }
    const warnings = () => said.filter((line) => line.includes('lost'))
    expect(warnings()).toHaveLength(2)
    await clock.runUntil(sender.close())
    expect(warnings()).toHaveLength(3)
    expect(warnings()[2]).toContain('full 9, deadline 1')
  })
})

describe('trouble of the channel', () => {
  test('the same ids again, with growing pauses of at most 30 s, for as long as it takes', async () => {
    const { clock, fake, sender } = setUp()
    fake.answers(() => (fake.batches.length <= 14 ? 'UNAVAILABLE' : null))
    sender.write(message(1))
    await clock.advance(60_000)
    // 0.1 + 0.2 + 0.4 … + 25.6 s, then 30 s each.
    expect(fake.batches).toHaveLength(10)
    await clock.advance(600_000)
    expect(fake.stored).toEqual(['m1'])
    expect(sender.stats).toMatchObject({ state: 'ok', acked: 1 })
  })

  test('one refused record does not hold up its neighbours', async () => {
    const { clock, fake, lost, sender } = setUp()
    let n = 0
    // The first question is for the batch as a whole.
    fake.answers(() => (n++ === 2 ? 'PAYLOAD_TOO_LARGE' : null))
    for (let id = 1; id <= 3; id++) sender.write(message(id))
    await clock.advance(20)
    expect(fake.stored).toEqual(['m1', 'm3'])
    expect(lost).toEqual([{ id: 'm2', reason: 'refused' }])
  })

  test('a hopeless connection gives records back at once, and is tried again later', async () => {
    let isMended = false
    const { clock, fake, said, lost, sender } = setUp({
      channelFor: () => {
        if (!isMended) throw new NarrowcastError('INVALID_CONFIG', 'no such scheme')
        return fake.channel
      },
    })
    sender.write(message(1))
    await clock.advance(20)
    sender.write(message(2))
    expect(lost.map(({ reason }) => reason)).toEqual(['no-connection', 'no-connection'])
    expect(said[0]).toContain('INVALID_CONFIG')
    isMended = true
    await clock.advance(60_000)
    sender.write(message(3))
    await clock.advance(20)
    expect(fake.stored).toEqual(['m3'])
    expect(sender.stats.state).toBe('ok')
  })

  test('after a loss the working channel gets one record that says so', async () => {
    const { clock, fake, sender } = setUp({ recordsMax: 1, reportTo: 'logs' })
    sender.write(message(1))
    sender.write(message(2))
    await clock.advance(20)
    await clock.advance(20)
    expect(fake.stored).toHaveLength(2)
    expect(sender.stats).toMatchObject({ accepted: 3, acked: 2, dropped: { full: 1 } })
  })
})

describe('close', () => {
  test('sends what is there, without waiting for the batch to grow old', async () => {
    const { clock, fake, sender } = setUp()
    sender.write(message(1))
    await Promise.all([sender.close(), sender.close(), clock.settle()])
    expect(fake.stored).toEqual(['m1'])
    sender.write(message(2))
    expect(sender.stats.dropped).toEqual({ closed: 1 })
  })

  test('ends at its deadline although the channel never answers', async () => {
    const { clock, fake, sender } = setUp()
    fake.takes(1_000_000)
    sender.write(message(1))
    await clock.runUntil(sender.close(), 3_000)
    expect(sender.stats.dropped).toEqual({ deadline: 1 })
    expect(balance(sender)).toBe(0)
  })

  test('flush says whether all is settled', async () => {
    const { clock, fake, sender } = setUp()
    sender.write(message(1))
    expect(await clock.runUntil(sender.flush())).toBe(true)
    fake.answers(() => 'reject')
    sender.write(message(2))
    expect(await clock.runUntil(sender.flush())).toBe(false)
  })
})

describe('kept records', () => {
  const kept = (n: number) => message(n, { keep: true })

  test('go to the spool when the channel fails, and come back in order with their ids', async () => {
    const dir = folder()
    const { clock, fake, sender } = setUp({ spool: openSpool({ dir }) })
    fake.answers(() => 'reject')
    for (let n = 1; n <= 3; n++) sender.write(kept(n))
    await clock.advance(20)
    for (let n = 4; n <= 5; n++) sender.write(kept(n))
    expect(sender.stats).toMatchObject({ spilled: 5, queued: 0 })
    expect(balance(sender)).toBe(0)
    fake.answers(() => null)
    await clock.advance(60_000)
    expect(fake.stored).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])
    expect(sender.stats).toMatchObject({ acked: 5, spilled: 0 })
  })

  test('outlive the process: the next start sends them first', async () => {
    const dir = folder()
    const first = setUp({ spool: openSpool({ dir }) })
    first.fake.answers(() => 'reject')
    for (let n = 1; n <= 3; n++) first.sender.write(kept(n))
    await first.clock.runUntil(first.sender.close())
    expect(first.sender.stats).toMatchObject({ accepted: 3, spilled: 3, acked: 0 })
    expect(first.said.some((line) => line.includes('3 records are kept in'))).toBe(true)

    const second = setUp({ spool: openSpool({ dir }) })
    second.sender.write(kept(4))
    await second.clock.advance(1_000)
    expect(second.fake.stored).toEqual(['m1', 'm2', 'm3', 'm4'])
    expect(second.sender.stats).toMatchObject({ accepted: 4, acked: 4, spilled: 0 })
  })

  test('are spilled, not dropped, when the memory is full', async () => {
    const { clock, fake, lost, sender } = setUp({
      recordsMax: 3,
      spool: openSpool({ dir: folder() }),
    })
    for (let n = 1; n <= 6; n++) sender.write(n === 2 ? message(n) : kept(n))
    expect(lost).toEqual([])
    await clock.advance(1_000)
    expect(fake.stored.toSorted()).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6'])
    expect(fake.stored.filter((id) => id !== 'm2')).toEqual(['m1', 'm3', 'm4', 'm5', 'm6'])
  })

  test('a full spool is said, and counted', async () => {
    const spool = openSpool({ dir: folder(), bytesMax: 250 })
    const { clock, fake, said, sender } = setUp({ spool })
    fake.answers(() => 'reject')
    for (let n = 1; n <= 4; n++) sender.write(kept(n))
    await clock.advance(20)
    expect(sender.stats).toMatchObject({ spilled: 2, dropped: { 'spool-full': 2 } })
    expect(said.some((line) => line.includes('marked keep'))).toBe(true)
    await clock.runUntil(sender.close())
  })
})

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

const brokenSpool = (dir: string): Spool => {
  const spool = openSpool({ dir, bytesMax: 20_000 })
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
    get count() {
      return spool.count
    },
    get bytes() {
      return spool.bytes
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
      fc.integer(),
      async (steps, spoolKind, seed) => {
        const dir = folder()
        const spools = {
          none: () => null,
          whole: () => openSpool({ dir }),
          broken: () => brokenSpool(dir),
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
