import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { type Actor, liveScene } from './liveScene.ts'

const pattern = 'broadcast'
const leaseMs = 3_000

const got = ({ book }: Actor) =>
  book.filter(({ event }) => event === 'got').map(({ id }) => String(id))
/** Written before what comes after the gap: what it tells its parent may come later. */
const gaps = ({ book }: Actor) => book.filter(({ event }) => event === 'gap')

async function news(names: readonly string[], options: object = {}) {
  const scene = await liveScene()
  const bus = await connect(scene.url)
  const channel = bus.broadcast<string>('rooms')
  const actors = names.map((name) => scene.start('worker', name, { pattern, options }))
  await Promise.all(actors.map((one) => one.tells('opened')))
  let count = 0
  return {
    ...{ scene, actors },
    /** @returns their ids, and to how many each went. */
    publish: async (messages: number) => {
      const ids = Array.from({ length: messages }, () => `m${count++}`)
      const batch = ids.map((id) => ({ data: id, options: { id } }))
      const answers = await channel.publishMany(batch)
      return { ids, receivers: answers.map((one) => ('receivers' in one ? one.receivers : one)) }
    },
    [Symbol.asyncDispose]: async () => {
      await bus.close()
      await scene[Symbol.asyncDispose]()
    },
  }
}

const has = (actor: Actor, id: string) =>
  expect.poll(() => got(actor).includes(id), { timeout: 30_000 }).toBe(true)

test('of five subscribers one frozen within its lease misses nothing, one frozen for longer is told a gap', async () => {
  await using run = await news(['a', 'b', 'c', 'd', 'e'])
  const { actors, publish } = run
  const [brief, long, ...rest] = actors as [Actor, Actor, ...Actor[]]
  const first = await publish(10)
  expect(first.receivers).toEqual(first.ids.map(() => 5))
  for (const one of actors) await has(one, 'm9')
  // It was given something just now, so its lease is whole.
  await brief.freeze()
  await long.freeze()
  const while1 = await publish(200)
  expect(while1.receivers).toEqual(while1.ids.map(() => 5))
  await wait(leaseMs / 6)
  brief.thaw()
  await has(brief, 'm209')
  for (const one of rest) await has(one, 'm209')
  await wait(leaseMs)
  const while2 = await publish(50)
  expect(while2.receivers).toEqual(while2.ids.map(() => 4))
  long.thaw()
  expect(await long.tells('gap')).toMatchObject({ missed: 'unknown', why: 'reconnect' })
  const last = await publish(10)
  expect(last.receivers).toEqual(last.ids.map(() => 5))
  for (const one of actors) await has(one, 'm269')
  const all = [first, while1, while2, last].flatMap(({ ids }) => ids)
  for (const one of [brief, ...rest]) {
    expect(got(one)).toEqual(all)
    expect(gaps(one)).toEqual([])
  }
  expect(got(long)).toEqual([...first.ids, ...last.ids])
  expect(gaps(long)).toHaveLength(1)
}, 120_000)

test('a subscriber that falls behind is told exactly how many it missed, and the others miss nothing', async () => {
  await using run = await news(['slow'], { holdMax: 100 })
  const { scene, publish } = run
  const [slow] = run.actors as [Actor]
  const quick = scene.start('worker', 'quick', { pattern })
  await quick.tells('opened')
  const first = await publish(1)
  await has(slow, 'm0')
  await slow.freeze()
  const burst: string[] = []
  for (let n = 0; n < 10; n++) {
    const { ids, receivers } = await publish(50)
    expect(receivers).toEqual(ids.map(() => 2))
    burst.push(...ids)
  }
  slow.thaw()
  await has(slow, 'm500')
  await has(quick, 'm500')
  expect(got(quick)).toEqual([...first.ids, ...burst])
  expect(got(slow)).toEqual([...first.ids, ...burst.slice(-100)])
  expect(gaps(slow)).toMatchObject([{ missed: 400, why: 'overflow' }])
  expect(gaps(quick)).toEqual([])
}, 60_000)
