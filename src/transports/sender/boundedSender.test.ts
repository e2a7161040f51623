import { describe, expect, test } from 'vitest'
import { balance, message, setUp } from '../../../test/senderScene.ts'
import { NarrowcastError } from '../../core/errors.ts'

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
