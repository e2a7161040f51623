import { expect, test } from 'vitest'
import { memory } from '../../drivers/memory/index.ts'
import { type VirtualClock, virtualClock } from '../../testing/virtualClock.ts'
import type { Bus } from '../api.ts'
import { createBus } from '../bus.ts'
import { planRedrive, type RedriveWish } from './plan.ts'
import { type RedriveOptions, type RedriveProgress, runRedrive } from './run.ts'

const orders = { name: 'orders', pattern: 'queue' } as const
const wish = { attempts: 1 } as const

interface Scene {
  readonly clock: VirtualClock
  readonly bus: Bus
  /** Takes everything until it has been called so often; `fails` says what dies. */
  handle(count: number, fails: (n: number) => boolean): Promise<void>
  plan(over?: Partial<RedriveWish>): ReturnType<typeof planRedrive>
  run(
    plan: Awaited<ReturnType<typeof planRedrive>>,
    options?: RedriveOptions,
    admin?: Bus['admin'],
  ): ReturnType<typeof runRedrive>
  count(): Promise<{ waiting: unknown; dead: unknown }>
}

/** A queue of `{n: 0}` to `{n: dead - 1}`, all dead. */
async function scene(dead: number): Promise<Scene> {
  const clock = virtualClock()
  const bus = await createBus(memory({ clock }), { clock, seed: 1 })
  const channel = bus.queue<{ n: number }>('orders', wish)
  const handle = async (count: number, fails: (n: number) => boolean) => {
    let seen = 0
    const worker = channel.subscribe(({ n }) => {
      seen++
      if (fails(n)) throw new Error(`no ${n}`)
    })
    worker.on('error', () => {})
    while (seen < count) await clock.advance(10)
    await clock.runUntil(worker.drain())
  }
  for (let n = 0; n < dead; n++) await channel.publish({ n })
  if (dead > 0) await handle(dead, () => true)
  return {
    clock,
    bus,
    handle,
    plan: (over = {}) => planRedrive(bus.admin, { channel: orders, clock, ...over }),
    run: (plan, options = {}, admin = bus.admin) =>
      clock.runUntil(runRedrive(admin, plan, { clock, ...options })),
    async count() {
      const [depth] = await bus.admin.depths([orders])
      return { waiting: depth?.waiting, dead: depth?.dead }
    },
  }
}

test('moves what fits, the oldest first, at its rate, and counts what is gone', async () => {
  const { plan, run, count, bus, clock } = await scene(30)
  const planned = await plan({ fits: ({ letter }) => !letter.reason.includes('no 1') })
  expect(planned).toMatchObject({ dead: 30, leftOut: 0, more: 0, to: null })
  expect(planned.letters).toHaveLength(19)
  await bus.admin.removeDead(orders, [planned.letters[3]?.ref ?? ''])
  const beganMs = clock.monotonicMs()
  const saved: RedriveProgress[] = []
  const save = async (progress: RedriveProgress) => void saved.push(progress)
  expect(await run(planned, { ratePerS: 10, save })).toEqual({
    ...{ state: 'done', why: null },
    progress: {
      ...{ at: 19, begunTo: 19, moved: 18, gone: 1, failed: 0, unsure: 0 },
      ...{ repeated: 0, diedAgain: 0 },
    },
  })
  expect(clock.monotonicMs() - beganMs).toBe(1_800) // ten batches of two, the last a single one
  expect(await count()).toEqual({ waiting: 18, dead: 11 })
  expect(saved.slice(0, 3)).toMatchObject([
    { at: 0, begunTo: 2, moved: 0 },
    { at: 2, begunTo: 2, moved: 2 },
    { at: 2, begunTo: 4, moved: 2 },
  ])
  const { items } = await bus.admin.peek(orders, {
    ...{ from: 'first', cursor: null, limit: 4, newestFirst: false },
  })
  expect(items.map(({ message, redrives }) => [message.body, redrives])).toEqual([
    ['{"n":0}', 1],
    ['{"n":2}', 1],
    ['{"n":3}', 1],
    ['{"n":5}', 1],
  ])
})

test('after a stall it keeps its rate, and makes up for nothing', async () => {
  const { plan, run, clock } = await scene(40)
  const sentMs: number[] = []
  const save = async ({ at, begunTo }: RedriveProgress) => {
    if (begunTo > at) sentMs.push(clock.monotonicMs())
    if (at === 10 && begunTo === 20) await clock.sleep(60_000, new AbortController().signal)
  }
  await run(await plan(), { save })
  const steps = sentMs.map((ms) => ms - (sentMs[0] ?? 0))
  expect(steps).toEqual([0, 200, 60_200, 60_400])
})

test('what died three times after a redrive is left out, and counted', async () => {
  const { plan, run, handle, count } = await scene(2)
  for (let round = 0; round < 3; round++) {
    const planned = await plan()
    expect(planned).toMatchObject({ leftOut: 0, letters: { length: 2 } })
    await run(planned)
    await handle(2, () => true)
  }
  expect(await plan()).toMatchObject({ leftOut: 2, letters: [] })
  const [letter] = (await plan({ redrivesMax: 4 })).letters
  expect(letter).toMatchObject({ redrives: 3 })
  expect(await count()).toMatchObject({ dead: 2 })
})

test('more than a plan takes are counted, and wait for the next', async () => {
  const { plan, run } = await scene(5)
  const first = await plan({ lettersMax: 3 })
  expect(first).toMatchObject({ dead: 5, more: 2, letters: { length: 3 } })
  await run(first)
  expect(await plan()).toMatchObject({ dead: 2, more: 0, letters: { length: 2 } })
  await expect(plan({ lettersMax: 100_001 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  const to = { name: 'news', pattern: 'broadcast' } as const
  await expect(plan({ to })).rejects.toMatchObject({ code: 'UNSUPPORTED', channel: 'news' })
  await expect(plan({ redrivesMax: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('stops when more than the share die again; what dies meanwhile is never sent by itself', async () => {
  const { plan, run, bus, count, clock } = await scene(400)
  const planned = await plan()
  let isMended = false
  const worker = bus.queue<{ n: number }>('orders', wish).subscribe(
    (data) => {
      if (!isMended && data.n % 2 === 0) throw new Error('again')
    },
    { concurrency: 20 },
  )
  worker.on('error', () => {})
  const ended = await run(planned)
  expect(ended).toMatchObject({ state: 'stopped', why: expect.stringMatching(/^\d+ of \d+ died/) })
  expect(ended.progress.at).toBeLessThan(100)
  while ((await count()).waiting !== 0) await clock.advance(10)
  const { dead } = await count()
  // Going on is a decision: what had died before, seen or not, does not stop the next run.
  isMended = true
  const next = await run(planned, { from: ended.progress })
  expect(next).toMatchObject({ state: 'done', progress: { at: 400, moved: 400 } })
  await clock.runUntil(worker.drain())
  const died = next.progress.diedAgain
  expect(died).toBeGreaterThan(ended.progress.diedAgain)
  expect(dead).toBe(400 - ended.progress.moved + died)
  expect(await count()).toMatchObject({ dead: died })
  const again = await plan({ fits: ({ letter }) => letter.redrives === 1 })
  expect(again.letters).toHaveLength(died)
})

test('fewer than the share stop nothing', async () => {
  const { plan, run, bus, clock } = await scene(100)
  const planned = await plan()
  const worker = bus.queue<{ n: number }>('orders', wish).subscribe((data) => {
    if (data.n === 3) throw new Error('again')
  })
  worker.on('error', () => {})
  expect(await run(planned)).toMatchObject({ state: 'done', progress: { diedAgain: 1 } })
  await clock.runUntil(worker.drain())
})

test('ends between two batches when it is told to, and goes on there', async () => {
  const { plan, run, count } = await scene(37)
  const planned = await plan()
  const cancelling = new AbortController()
  const cancelled = await run(planned, {
    signal: cancelling.signal,
    save: async ({ at }) => void (at === 20 && cancelling.abort()),
  })
  expect(cancelled).toMatchObject({ state: 'cancelled', progress: { at: 20, moved: 20 } })
  expect(await count()).toEqual({ waiting: 20, dead: 17 })
  const { progress } = await run(planned, { from: cancelled.progress })
  expect(progress).toMatchObject({ at: 37, moved: 37, gone: 0, repeated: 0 })
})

test('killed between stored and noted, the batch is tried again and nothing is lost', async () => {
  const { plan, run, count } = await scene(30)
  const planned = await plan()
  let saved: RedriveProgress | undefined
  const dying = run(planned, {
    save: async (progress) => {
      if (progress.at === 20) throw new Error('killed')
      saved = progress
    },
  })
  await expect(dying).rejects.toThrow('killed')
  expect(saved).toMatchObject({ at: 10, begunTo: 20 })
  expect(await count()).toEqual({ waiting: 20, dead: 10 })
  const from = saved as RedriveProgress
  expect((await run(planned, { from, ratePerS: 1_000 })).progress).toMatchObject({
    ...{ at: 30, moved: 30, gone: 0, repeated: 0 },
  })
  expect(await count()).toEqual({ waiting: 30, dead: 0 })
})

test('killed before anything was stored, the batch may be there twice, and it says so', async () => {
  const { plan, run, count } = await scene(20)
  const from = {
    ...(await run(await plan({ lettersMax: 5 }))).progress,
    at: 0,
    begunTo: 0,
    moved: 0,
  }
  const planned = await plan()
  const { progress } = await run(planned, { from: { ...from, begunTo: 7 } })
  expect(progress).toMatchObject({ at: 15, moved: 15, repeated: 7 })
  expect(await count()).toEqual({ waiting: 20, dead: 0 })
})

test('a broker that refuses one after the other stops it; a single refusal does not', async () => {
  const { plan, run, bus, count } = await scene(60)
  const refusing = (refuses: (ref: number) => boolean, { admin } = bus): Bus['admin'] => ({
    ...admin,
    async redrive(channel, refs, to) {
      const taken = refs.filter((ref) => !refuses(Number(ref)))
      const outcomes = await admin.redrive(channel, taken, to)
      return refs.map((ref) => {
        const outcome = outcomes[taken.indexOf(ref)]
        return outcome ?? { state: 'refused', code: 'DISK_FULL', message: 'no room' }
      })
    },
  })
  const told: string[] = []
  const onTrouble: RedriveOptions['onTrouble'] = ({ ref }, { code }) => told.push(`${ref} ${code}`)
  const one = await run(
    await plan(),
    { onTrouble },
    refusing((ref) => ref === 4),
  )
  expect(one).toMatchObject({ state: 'done', progress: { moved: 59, failed: 1 } })
  expect(told).toEqual(['4 DISK_FULL'])
  expect(await count()).toMatchObject({ dead: 1 })
  const odd = await scene(60)
  const half = await odd.run(
    await odd.plan(),
    {},
    refusing((ref) => ref % 2 === 1, odd.bus),
  )
  expect(half).toMatchObject({ state: 'done', progress: { moved: 30, failed: 30 } })
  const many = await scene(60)
  const none: Bus['admin'] = {
    ...many.bus.admin,
    redrive: async (_, refs) =>
      refs.map(() => ({ state: 'unknown', code: 'CONNECTION_LOST', message: 'gone' })),
  }
  expect(await many.run(await many.plan(), {}, none)).toMatchObject({
    ...{ state: 'stopped', why: 'the last 20 were refused, CONNECTION_LOST: gone' },
    progress: { at: 20, unsure: 20, moved: 0 },
  })
  await expect(run(await plan(), { diedAgainShareMax: 2 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
})

test('to another channel; what dies there counts as died again', async () => {
  const { plan, run, bus, count, clock } = await scene(60)
  const repair = bus.stream('repair', wish)
  const to = { name: 'repair', pattern: 'stream' } as const
  const worker = repair.subscribe(
    () => {
      throw new Error('here too')
    },
    { group: 'mender' },
  )
  worker.on('error', () => {})
  await repair.opened()
  const ended = await run(await plan({ to }), { ratePerS: 20 })
  await clock.runUntil(worker.drain())
  expect(ended).toMatchObject({ state: 'stopped' })
  expect(ended.progress.diedAgain).toBeGreaterThan(1)
  expect(await count()).toEqual({ waiting: 0, dead: 60 - ended.progress.moved })
})
