import { expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { grounds, liveScene } from './liveScene.ts'

/** Only who is frozen is to stand still for so long. */
const leaseMs = 5_000

test.each(grounds)(
  'on %s what a relay had not read when another took its place is told as a gap, and no more than that',
  { timeout: 60_000 },
  async (ground) => {
    await using scene = await liveScene(ground)
    const first = scene.start('relay', 'first', { options: { leaseMs } })
    await first.tells('waits')
    first.say('begin')
    await first.tells('leads')
    const second = scene.start('relay', 'second', { options: { leaseMs } })
    await second.tells('waits')
    second.say('begin')
    await second.tells('opened')
    const worker = scene.start('worker', 'w', { via: 'relay' })
    await worker.tells('opened')
    await using bus = await connect(scene.url)
    const rooms = bus.narrowcast<number>('rooms', { via: 'relay' })
    const publish = async (count: number) => {
      const batch = Array.from({ length: count }, (_, data) => ({ data }))
      expect(await rooms.publishMany(batch)).toMatchObject(batch.map(() => ({ receivers: 1 })))
    }
    await publish(3)
    const got = () => worker.book.filter(({ event }) => event === 'got').length
    await expect.poll(got, { timeout: 30_000 }).toBe(3)
    await first.freeze()
    await publish(120)
    await second.tells('leads')
    await publish(50)
    first.thaw()
    expect(await first.tells('gap')).toMatchObject({ missed: 120, why: 'reconnect' })
    expect(await second.end()).toMatchObject({ counts: { taken: 50, routed: 50 } })
    await first.tells('leads', 2)
    await publish(1)
    await expect.poll(got, { timeout: 30_000 }).toBe(54)
    expect(await first.end()).toMatchObject({ counts: { taken: 4, routed: 4, dropped: 0 } })
    for (const one of [first, second]) {
      const gaps = one.told.filter(({ event }) => event === 'gap')
      expect(gaps).toHaveLength(one === first ? 1 : 0)
    }
  },
)
