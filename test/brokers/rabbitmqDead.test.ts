import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChannelSpec } from '../../src/core/channel.ts'
import type { DeadEntry, Page, Session } from '../../src/core/driver.ts'
import { rabbitmq } from '../../src/drivers/rabbitmq/index.ts'
import { obtainRabbitmq } from '../../src/lab/brokers/obtainRabbitmq.ts'
import {
  declare,
  idsOf,
  letter,
  openReader,
  outgoing,
  publish,
  settle,
  several,
  take,
} from '../../src/testing/conformance/steps.ts'
import { createWorld, type World } from '../../src/testing/index.ts'
import { withChannel } from './rabbitmqClient.ts'

const { rabbitmq: server, missing } = await obtainRabbitmq()
const url = server?.url as string
const signal = AbortSignal.timeout(600_000)
const limit = { timeout: 120_000 }
const skipped = missing === null ? '' : ` (skipped: ${missing})`

describe.skipIf(server === null)(`dead letters on rabbitmq${skipped}:`, () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld({ driver: rabbitmq({ url }), pattern: 'queue', signal })
    return async () => await world[Symbol.asyncDispose]()
  }, 120_000)
  afterAll(() => server?.stop())

  /** In steps, the ids counting on. */
  async function bury(channel: ChannelSpec, count: number, from = 0): Promise<void> {
    const reader = await openReader(world, channel)
    for (let at = from; at < from + count; at += 500) {
      const some = several(Math.min(500, from + count - at))
      await publish(
        world,
        channel,
        some.map((one, n) => ({ ...one, id: `m${at + n}` })),
      )
      for (let left = some.length; left > 0; ) {
        const got = await take(world, reader, left)
        const dead = got.map(
          ({ token }) => ({ token, kind: 'dead', letter: letter(world, channel) }) as const,
        )
        await settle(world, reader, dead)
        left -= got.length
      }
    }
    await reader.source[Symbol.asyncDispose]()
  }

  async function dead(
    channel: ChannelSpec,
    over: { limit: number; newestFirst: boolean },
    { admin }: Session = world.session,
  ) {
    const found: DeadEntry[] = []
    let cursor: string | null = null
    do {
      const page: Page<DeadEntry> | undefined = await admin.deadLetters?.(
        channel,
        null,
        { cursor, ...over },
        signal,
      )
      found.push(...(page?.items ?? []))
      cursor = page?.cursor ?? null
    } while (cursor !== null)
    return found
  }

  const namesFrom = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => `m${from + n}`)
  const idsIn = (entries: readonly DeadEntry[]) => entries.map(({ message }) => message.id)
  const countOf = async (channel: ChannelSpec) =>
    (await world.session.admin.depths?.([channel], signal))?.[0]?.dead

  test('more than a consumer may hold are shown once each, from either end', limit, async () => {
    const channel = await declare(world)
    await bury(channel, 4_500)
    const ids = namesFrom(0, 4_500)
    expect(idsIn(await dead(channel, { limit: 1_000, newestFirst: false }))).toEqual(ids)
    const all = await dead(channel, { limit: 700, newestFirst: true })
    expect(idsIn(all)).toEqual(ids.toReversed())
    const { admin } = world.session
    const refs = all.slice(2_000, 2_300).map(({ ref }) => ref)
    const outcomes = await admin.redrive?.(
      channel,
      [...refs, 'nobody', refs[0] as string],
      null,
      signal,
    )
    expect(outcomes?.filter(({ state }) => state === 'stored')).toHaveLength(300)
    expect(outcomes?.slice(300)).toMatchObject([{ code: 'NOT_FOUND' }, { code: 'NOT_FOUND' }])
    expect(
      await admin.removeDead?.(
        channel,
        all.slice(0, 100).map(({ ref }) => ref),
        signal,
      ),
    ).toBe(100)
    const left = [...ids.slice(0, 2_200), ...ids.slice(2_500, 4_400)]
    expect(idsIn(await dead(channel, { limit: 1_000, newestFirst: false }))).toEqual(left)
    expect(await countOf(channel)).toBe(left.length)
    await admin.remove?.(channel, signal)
  })

  test('two who look while a worker buries see all that was there', limit, async () => {
    const channel = await declare(world)
    await bury(channel, 2_500)
    const other = await world.open()
    const looks = [world.session, other].map(async (session) => {
      for (let n = 0; n < 3; n++) {
        const found = new Set(
          idsIn(await dead(channel, { limit: 1_000, newestFirst: false }, session)),
        )
        expect(namesFrom(0, 2_500).filter((id) => !found.has(id))).toEqual([])
      }
    })
    await Promise.all([...looks, bury(channel, 1_000, 2_500)])
    expect(idsIn(await dead(channel, { limit: 1_000, newestFirst: false }))).toEqual(
      namesFrom(0, 3_500),
    )
    await world.session.admin.remove?.(channel, signal)
  })

  test('nothing is lost where who looks and redrives is killed', limit, async () => {
    const channel = await declare(world)
    await bury(channel, 600)
    const program = join(import.meta.dirname, 'rabbitmqRedriver.ts')
    for (let n = 0; n < 8; n++) {
      const child = spawn(process.execPath, [program, url, channel.name], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const looked = Promise.withResolvers<void>()
      let looks = 0
      child.stdout.on('data', (dots: Buffer) => {
        looks += dots.length
        if (looks > 2) looked.resolve()
      })
      await looked.promise
      // Somewhere in a redrive, or in the look behind it.
      await new Promise((done) => setTimeout(done, 80 * Math.random()))
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const left = await dead(channel, { limit: 1_000, newestFirst: false })
    const [depth] = (await world.session.admin.depths?.([channel], signal)) ?? []
    const reader = await openReader(world, channel)
    const back: string[] = []
    while (back.length < Number(depth?.waiting)) {
      back.push(...idsOf(await take(world, reader, 1)))
    }
    const both = new Set([...idsIn(left), ...back])
    expect(namesFrom(0, 600).filter((id) => !both.has(id))).toEqual([])
    expect(back.length).toBeGreaterThanOrEqual(8 * 2 * 20)
    await world.session.admin.remove?.(channel, signal)
  })

  test('what other programs have put there is shown, and sent back', limit, async () => {
    const channel = await declare(world)
    const place = `${channel.name}:n:dead`
    await withChannel(url, async (amqp) => {
      const odd = [undefined, 'null', '5', '"x"', '{', '{"ref":1}', '{"ref":"r"}']
      for (const said of odd) {
        const headers = said === undefined ? {} : { 'ce-deadletter': said }
        amqp.sendToQueue(place, Buffer.from(`"${said}"`), { persistent: true, headers })
      }
      await amqp.waitForConfirms()
    })
    const first = await dead(channel, { limit: 3, newestFirst: false })
    const again = await dead(channel, { limit: 100, newestFirst: true })
    const refs = first.map(({ ref }) => ref)
    expect(new Set(refs).size).toBe(7)
    expect(again.map(({ ref }) => ref)).toEqual(refs.toReversed())
    const outcomes = await world.session.admin.redrive?.(channel, refs, null, signal)
    expect(outcomes?.map(({ state }) => state)).toEqual(Array(7).fill('stored'))
    expect(await countOf(channel)).toBe(0)
    await world.session.admin.remove?.(channel, signal)
  })

  test('a queue of another program has no place for them, and spoils no other count', async () => {
    const channel = await declare(world)
    const foreign = `${channel.name}.foreign`
    await withChannel(url, (amqp) => amqp.assertQueue(foreign, { durable: true }))
    await publish(world, channel, [outgoing('a')])
    const refs = [foreign, `${channel.name}.none`, channel.name].map(
      (name) => ({ name, pattern: 'queue' }) as const,
    )
    expect(await world.session.admin.depths?.(refs, signal)).toMatchObject([
      { waiting: 0, dead: 'unknown' },
      null,
      { waiting: 1, dead: 0 },
    ])
    const query = { cursor: null, limit: 1, newestFirst: true }
    const look = world.session.admin.deadLetters?.(
      { name: foreign, pattern: 'queue' },
      null,
      query,
      signal,
    )
    await expect(look).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
