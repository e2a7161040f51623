import assert from 'node:assert/strict'
import type { ChannelSpec } from '../../core/channel.ts'
import type { Depth } from '../../core/driver.ts'
import type { Case, World } from './case.ts'
import {
  ack,
  declare,
  failure,
  letter,
  offered,
  openReader,
  outgoing,
  publish,
  settle,
  several,
  take,
} from './steps.ts'

const firstPage = { cursor: null, limit: 100, newestFirst: false } as const

async function depthOf(world: World, channel: ChannelSpec): Promise<Depth> {
  const depths = offered(world.session.admin.depths, 'depths')
  const [depth] = await world.until(depths([channel], world.signal))
  assert.ok(depth, 'the channel is there')
  return depth
}

const countsOf = ({ waiting, inFlight, scheduled, dead, in: came, out }: Depth) => ({
  waiting,
  inFlight,
  scheduled,
  dead,
  in: came,
  out,
})

export const adminCases: readonly Case[] = [
  {
    name: 'admin: ensure creates once',
    async run(world) {
      const channel = world.channel()
      const other = await world.open()
      const said = await Promise.all([
        world.session.admin.ensure(channel, world.signal),
        other.admin.ensure(channel, world.signal),
      ])
      assert.deepEqual(said.map(({ state }) => state).sort(), ['created', 'same'])
    },
  },
  {
    name: 'admin: counts add up at every step',
    needs: (claimed) => claimed.depth === 'exact',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      const expectCounts = async (wanted: Partial<Depth>) => {
        const depth = await depthOf(world, channel)
        const all = { waiting: 0, inFlight: 0, scheduled: 0, dead: 0, in: 0, out: 0, ...wanted }
        assert.deepEqual(countsOf(depth), all)
      }
      await expectCounts({})
      await publish(world, channel, [...several(5), outgoing('later', { delayMs: 50_000 })])
      await expectCounts({ waiting: 5, scheduled: 1, in: 6 })
      const [a, b, c, d] = await take(world, opened, 4)
      assert.ok(a && b && c && d)
      await expectCounts({ waiting: 1, inFlight: 4, scheduled: 1, in: 6 })
      const retry = { kind: 'retry', failures: 1, error: failure() } as const
      await settle(world, opened, [
        { token: a.token, kind: 'ack' },
        { token: b.token, ...retry, delayMs: 50_000 },
        { token: c.token, kind: 'dead', letter: letter(world, channel) },
        { token: d.token, kind: 'release', delayMs: 0 },
      ])
      await expectCounts({ waiting: 2, scheduled: 2, dead: 1, in: 6, out: 1 })
      await opened.source[Symbol.asyncDispose]()
      await expectCounts({ waiting: 2, scheduled: 2, dead: 1, in: 6, out: 1 })
    },
    async refusal(world) {
      if (world.claimed.depth === 'no') assert.equal(world.session.admin.depths, undefined)
    },
  },
  {
    name: 'admin: looking changes nothing, and a channel that is not there stays so',
    needs: (claimed) => claimed.manage !== false,
    async run(world) {
      const channel = await declare(world)
      const missing = world.channel()
      const opened = await openReader(world, channel)
      await publish(world, channel, several(3))
      await take(world, opened, 1)
      const before = await depthOf(world, channel)
      const { admin } = world.session
      const { signal } = world
      for (let n = 0; n < 3; n++) {
        await admin.peek?.(channel, { ...firstPage, from: 'first' }, signal)
        await admin.message?.(channel, 'm0', signal)
        await admin.deadLetters?.(channel, null, firstPage, signal)
        if (world.pattern === 'stream') await admin.groups?.(channel, signal)
        await admin.channels?.({ ...firstPage, prefix: channel.name }, signal)
      }
      const after = await depthOf(world, channel)
      const isExact = world.claimed.depth === 'exact'
      if (isExact) assert.deepEqual(countsOf(after), countsOf(before))
      else assert.deepEqual([after.waiting, after.dead], [before.waiting, before.dead])
      const unknown = { code: 'NOT_FOUND' }
      const depths = await admin.depths?.([missing, channel], signal)
      assert.equal(depths?.[0], null)
      assert.notEqual(depths?.[1], null)
      const query = { ...firstPage, from: 'first' } as const
      const { peek } = admin
      if (peek) await assert.rejects(async () => peek(missing, query, signal), unknown)
      await assert.rejects(async () => admin.purge?.(missing, signal), unknown)
      const found = await admin.channels?.({ ...firstPage, prefix: missing.name }, signal)
      assert.ok(!found?.items.some(({ name }) => name === missing.name))
    },
    refusal: async () => {},
  },
  {
    name: 'admin: peek shows every message once over its pages, from either end',
    needs: (claimed) => claimed.peek === 'exact',
    run: peekPages,
    async refusal(world) {
      if (world.claimed.peek === 'no') assert.equal(world.session.admin.peek, undefined)
    },
  },
  {
    name: 'admin: a page has a limit, and a wrong one is refused',
    needs: (claimed) => claimed.peek !== 'no',
    async run(world) {
      const channel = await declare(world)
      const peek = offered(world.session.admin.peek, 'peek')
      for (const limit of [0, -1, 1.5, 1_001]) {
        const query = { ...firstPage, limit, from: 'first' } as const
        await assert.rejects(peek(channel, query, world.signal), { code: 'INVALID_ARGUMENT' })
      }
    },
    refusal: async () => {},
  },
  {
    name: 'admin: one message with its state and owner',
    needs: (claimed) => claimed.peek === 'exact',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, [...several(2), outgoing('later', { delayMs: 50_000 })])
      await take(world, opened, 1)
      const message = offered(world.session.admin.message, 'message')
      const look = async (id: string) => message(channel, id, world.signal)
      const held = await look('m0')
      assert.deepEqual([held?.state, held?.worker], ['in-flight', `worker-${opened.name}`])
      assert.equal((await look('m1'))?.state, 'waiting')
      assert.equal((await look('later'))?.state, 'scheduled')
      assert.equal((await look('m1'))?.message.id, 'm1')
      assert.equal(await look('nobody'), null)
    },
    refusal: async (world) => assert.equal(world.session.admin.message, undefined),
  },
  {
    name: 'admin: groups say how far they are',
    patterns: ['stream'],
    needs: (claimed) => claimed.depth !== 'no',
    async run(world) {
      const isExact = world.claimed.depth === 'exact'
      const channel = await declare(world)
      const mail = await openReader(world, channel, { group: 'mail' })
      await openReader(world, channel, { group: 'stats', from: 'end' })
      await publish(world, channel, several(4))
      const groups = offered(world.session.admin.groups, 'groups')
      const ask = async () => {
        const all = await groups(channel, world.signal)
        return new Map(all.map((one) => [one.group, one]))
      }
      const fresh = await ask()
      assert.deepEqual([...fresh.keys()].sort(), ['mail', 'stats'])
      assert.equal(fresh.get('mail')?.readers, 1)
      if (!isExact) return
      assert.deepEqual([fresh.get('mail')?.lag, fresh.get('mail')?.inFlight], [4, 0])
      const got = await take(world, mail, 4)
      assert.equal((await ask()).get('mail')?.inFlight, 4)
      await ack(world, mail, got)
      const done = (await ask()).get('mail')
      assert.deepEqual([done?.lag, done?.inFlight, done?.position], [0, 0, got[3]?.position])
      assert.equal((await ask()).get('stats')?.lag, 4)
    },
    refusal: async (world) => assert.equal(world.session.admin.groups, undefined),
  },
  {
    name: 'admin: pause is seen in the depth',
    needs: (claimed) => claimed.pause && claimed.depth !== 'no',
    async run(world) {
      const channel = await declare(world)
      const pause = offered(world.session.admin.pause, 'pause')
      for (const isPaused of [true, true, false]) {
        await pause(channel, isPaused, world.signal)
        assert.equal((await depthOf(world, channel)).paused, isPaused)
      }
    },
    refusal: async () => {},
  },
  {
    name: 'admin: the age is that of the oldest message that waits',
    needs: (claimed) => claimed.depth === 'exact',
    async run(world) {
      const channel = await declare(world)
      await openReader(world, channel)
      assert.equal((await depthOf(world, channel)).oldestMs, 0)
      await publish(world, channel, several(1))
      await world.pass(100)
      assert.ok(Number((await depthOf(world, channel)).oldestMs) >= 90)
    },
    refusal: async () => {},
  },
]

async function peekPages(world: World): Promise<void> {
  const channel = await declare(world)
  const opened = await openReader(world, channel)
  await publish(world, channel, several(25))
  await take(world, opened, 3)
  const peek = offered(world.session.admin.peek, 'peek')
  const all = async (newestFirst: boolean) => {
    const ids: string[] = []
    let cursor: string | null = null
    do {
      const query = { cursor, limit: 7, newestFirst, from: 'first' } as const
      const page = await peek(channel, query, world.signal)
      assert.ok(page.items.length <= 7)
      ids.push(...page.items.map(({ message }) => message.id))
      cursor = page.cursor
    } while (cursor !== null)
    return ids
  }
  const ids = several(25).map(({ id }) => id)
  assert.deepEqual(await all(false), ids)
  assert.deepEqual(await all(true), ids.toReversed())
  const query = { ...firstPage, from: 'first' } as const
  const { items } = await peek(channel, query, world.signal)
  assert.deepEqual(
    items.slice(0, 4).map(({ state }) => state),
    ['in-flight', 'in-flight', 'in-flight', 'waiting'],
  )
  const after = { ...query, from: { position: items[9]?.position ?? '' } }
  if (world.claimed.positions === 'none') {
    await assert.rejects(peek(channel, after, world.signal), { code: 'UNSUPPORTED' })
    return
  }
  const rest = await peek(channel, after, world.signal)
  assert.equal(rest.items[0]?.message.id, 'm10')
}
