import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import type { RelayCounts } from '../../src/runtime/live/relayApi.ts'
import { type Actor, type Ground, grounds, liveScene } from './liveScene.ts'

/** Only who is frozen is to stand still for so long. */
const leaseMs = 2_000

const got = ({ book }: Actor) =>
  book.filter(({ event }) => event === 'got').map(({ id }) => String(id))
const errors = ({ book }: Actor) =>
  book.filter(({ event }) => event === 'error').map(({ id, code }) => [id, code])
const isLeading = ({ told }: Actor) =>
  told.findLast(({ event }) => event === 'leads' || event === 'stands by')?.event === 'leads'

/** One that was frozen may take the lead for its own until it hears that it is not. */
async function whoLeads(relays: readonly Actor[]): Promise<Actor> {
  const leading = () => relays.filter(isLeading)
  await expect.poll(leading, { timeout: 30_000, interval: 5 }).toHaveLength(1)
  return leading()[0] as Actor
}

/**
 * Until the other one leads. A lease that was over before nobody took it is rightly kept, and one
 * that was lost may be won back: it is frozen again.
 */
async function freezeUntil(other: Actor, leader: Actor): Promise<void> {
  if (isLeading(other)) return
  const count = other.told.filter(({ event }) => event === 'leads').length
  const taken = other.tells('leads', count + 1)
  for (let tries = 0; tries < 12 && !isLeading(other); tries++) {
    await leader.freeze()
    await Promise.race([taken, wait(4 * leaseMs)])
    leader.thaw()
    await Promise.race([taken, wait(leaseMs / 10)])
  }
  if (isLeading(other)) return
  const told = [leader, other].map(({ name, told: words }) => `${name} ${JSON.stringify(words)}`)
  throw new Error(`${other.name} never led: ${told.join('; ')}`)
}

const countsOf = async (relay: Actor) => (await relay.end()).counts as RelayCounts

/** Two relays, of which the first leads, and somebody who publishes. */
async function paused(ground: Ground, wish: object) {
  const scene = await liveScene(ground)
  const bus = await connect(scene.url)
  const start = async (name: string, more: object = {}) => {
    const relay = scene.start('relay', name, more)
    await relay.tells('waits')
    relay.say('begin')
    return relay
  }
  const first = await start('first', wish)
  await first.tells('leads')
  const second = await start('second', { options: { leaseMs } })
  await second.tells('opened')
  const rooms = bus.narrowcast<string>('rooms', { via: 'relay' })
  return {
    ...{ scene, first, second },
    publish: async (...ids: string[]) => {
      const answers = await rooms.publishMany(ids.map((id) => ({ data: id, options: { id } })))
      expect(answers).toMatchObject(ids.map(() => ({ receivers: 1 })))
    },
    [Symbol.asyncDispose]: async () => {
      await bus.close()
      await scene[Symbol.asyncDispose]()
    },
  }
}

test.for(grounds)(
  '%s: a relay paused past its lease between decision and send routes nothing old when it goes on',
  { timeout: 60_000 },
  async (ground) => {
    await using run = await paused(ground, { pauses: true, options: { leaseMs } })
    const { scene, first, second, publish } = run
    const worker = scene.start('worker', 'w', { via: 'relay' })
    await worker.tells('opened')
    await publish('old-1', 'old-2')
    const { ids } = await first.tells('deciding')
    expect(ids).toEqual(['old-1', 'old-2'])
    await publish('unread')
    await first.freeze()
    await second.tells('leads')
    await publish('new-1')
    first.say('go on')
    first.thaw()
    await first.tells('stands by')
    await publish('new-2')
    expect(await countsOf(second)).toMatchObject({ taken: 2, routed: 2 })

    await first.tells('leads', 2)
    await publish('again')
    await first.tells('deciding', 2)
    first.say('go on')
    expect(await countsOf(first)).toMatchObject({ taken: 3, routed: 1, dropped: 2, unknown: 0 })
    await worker.end()
    expect(got(worker)).toEqual(['new-1', 'new-2', 'again'])
    expect(errors(first)).toContainEqual(['old-1', 'FENCED'])
    expect(errors(first)).toContainEqual(['old-2', 'FENCED'])
  },
)

test.for(grounds)(
  '%s: a relay paused past its lease gives up what it held for a worker to come',
  { timeout: 60_000 },
  async (ground) => {
    const hold = { messages: 10, ms: 60_000 }
    await using run = await paused(ground, { options: { leaseMs, hold } })
    const { scene, first, second, publish } = run
    await publish('old-1', 'old-2')
    const taken = () => first.book.flatMap(({ made }) => (made ?? []) as string[][])
    const ids = () => taken().flatMap(([id, kind]) => (kind === 'taken' ? [id] : []))
    await expect.poll(ids, { timeout: 30_000 }).toEqual(['old-1', 'old-2'])
    await first.freeze()
    await second.tells('leads')
    const worker = scene.start('worker', 'w', { via: 'relay' })
    await worker.tells('opened')
    await publish('new')
    first.thaw()
    await first.tells('stands by')
    await expect.poll(() => errors(first), { timeout: 30_000 }).toContainEqual(['old-2', 'FENCED'])
    expect(await countsOf(second)).toMatchObject({ taken: 1, routed: 1 })
    await first.tells('leads', 2)
    expect(await countsOf(first)).toMatchObject({ taken: 2, routed: 0, dropped: 2, held: 0 })
    await worker.end()
    expect(got(worker)).toEqual(['new'])
  },
)

test.for(grounds)(
  '%s: relays that are frozen in turn under load route each message once',
  { timeout: 90_000 },
  async (ground) => {
    await using scene = await liveScene(ground)
    const workers = ['a', 'b'].map((name) => scene.start('worker', name, { via: 'relay' }))
    await Promise.all(workers.map((one) => one.tells('opened')))
    const relays = ['first', 'second'].map((name) => {
      return scene.start('relay', name, { options: { leaseMs, strategy: 'roundRobin' } })
    })
    await Promise.all(relays.map((one) => one.tells('waits')))
    for (const one of relays) one.say('begin')
    await Promise.race(relays.map((one) => one.tells('leads')))
    const publisher = scene.start('publisher', 'p', { via: 'relay', atOnce: 50, pauseMs: 1 })
    await publisher.tells('opened')
    for (let freeze = 0; freeze < 6; freeze++) {
      const leader = await whoLeads(relays)
      const { length } = got(workers[0] as Actor)
      const more = () => got(workers[0] as Actor).length
      await expect.poll(more, { timeout: 30_000 }).toBeGreaterThan(length)
      await freezeUntil(relays.find((one) => one !== leader) as Actor, leader)
    }
    await publisher.end()
    const counts: RelayCounts[] = []
    for (const one of relays) counts.push(await countsOf(one))
    for (const one of workers) await one.end()
    const delivered = workers.flatMap(got)
    const taken = relays.flatMap(({ book }) =>
      book.flatMap(({ made }) =>
        ((made ?? []) as string[][]).filter(([, kind]) => kind === 'taken'),
      ),
    )
    expect(new Set(delivered).size).toBe(delivered.length)
    expect(new Set(taken.map(([id]) => id)).size).toBe(taken.length)
    const sum = (of: (one: RelayCounts) => number) => counts.reduce((all, one) => all + of(one), 0)
    expect(sum(({ taken: own }) => own)).toBe(taken.length)
    // Workers that had to wait for the write lock, too, may not have been there for a moment.
    expect(sum(({ routed }) => routed)).toBeGreaterThanOrEqual(delivered.length)
    expect(sum(({ unknown, held }) => unknown + held)).toBe(0)
    expect(sum(({ routed, noWorker, dropped }) => routed + noWorker + dropped)).toBe(taken.length)
    expect(delivered.length).toBeGreaterThan(0)
  },
)
