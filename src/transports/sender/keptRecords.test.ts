import { describe, expect, test } from 'vitest'
import { balance, folder, message, setUp } from '../../../test/senderScene.ts'
import { openSpool } from './spool.ts'

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

describe('kept records with a spool that comes first', () => {
  const kept = (n: number) => message(n, { keep: true })

  test('are on disk when write returns, and leave it when they are acked', async () => {
    const dir = folder()
    const killed = setUp({ spool: openSpool({ dir, first: true }) })
    for (let n = 1; n <= 3; n++) killed.sender.write(kept(n))
    killed.sender.write(message(4))
    expect(killed.sender.stats).toMatchObject({ accepted: 4, spilled: 3, queued: 1 })
    await killed.clock.advance(20)
    expect(killed.fake.stored.toSorted()).toEqual(['m1', 'm2', 'm3', 'm4'])
    expect(killed.sender.stats).toMatchObject({ acked: 4, spilled: 0, onTheWay: 0 })
  })

  test('are flushed while others go on writing', async () => {
    const { clock, fake, sender } = setUp({ spool: openSpool({ dir: folder(), first: true }) })
    fake.takes(10)
    sender.write(kept(0))
    let isFlushed = false
    void sender.flush(100_000).then((said) => {
      isFlushed = said
    })
    for (let ms = 1; ms <= 100; ms++) {
      sender.write(kept(ms))
      await clock.advance(1)
    }
    expect(isFlushed).toBe(true)
    await clock.runUntil(sender.close())
  })

  test('without it they are in memory, until something fails', () => {
    const { sender } = setUp({ spool: openSpool({ dir: folder() }) })
    sender.write(kept(1))
    expect(sender.stats).toMatchObject({ spilled: 0, queued: 1 })
  })

  test('go by memory where the disk has no room, and nothing is lost by that', async () => {
    const spool = openSpool({ dir: folder(), first: true, bytesMax: 150 })
    const { clock, fake, lost, sender } = setUp({ spool })
    for (let n = 1; n <= 3; n++) sender.write(kept(n))
    expect(sender.stats).toMatchObject({ spilled: 1, queued: 2 })
    await clock.advance(1_000)
    expect(fake.stored.toSorted()).toEqual(['m1', 'm2', 'm3'])
    expect(lost).toEqual([])
    expect(balance(sender)).toBe(0)
  })
})
