import assert from 'node:assert/strict'
import { checkNotStronger } from '../../core/contract.ts'
import type { LiveCase, World } from './case.ts'
import { expectEnded, hand, join, liveOf, takeIds, takeNoMessage, waitForEnd } from './liveSteps.ts'
import { declare, offered, openReader, publisherOf, several } from './steps.ts'

const page = { cursor: null, limit: 100, newestFirst: false } as const
const unsupported = { code: 'UNSUPPORTED' }

/** What can be asked of a live channel, and what its contract denies. */
export const liveAdminCases: readonly LiveCase[] = [
  {
    name: 'live: contract is never stronger than claimed',
    async run(world) {
      const found = await world.session.contract(world.channel(), world.signal)
      checkNotStronger(world.driver.name, world.claimed, found)
      assert.equal(found.delivery, 'at-most-once')
      assert.equal(found.settle, 'none')
      assert.ok(found.payloadBytesMax > 0)
    },
  },
  {
    name: 'live: the calls are there exactly where a row offers them',
    async run(world) {
      const { broadcast, narrowcast, 'narrowcast-relay': relay } = world.driver.contracts
      const { workers, send, lead } = liveOf(world.session)
      assert.ok(broadcast ?? narrowcast)
      assert.deepEqual([workers, send].map(Boolean), Array(2).fill(Boolean(narrowcast)))
      assert.equal(Boolean(lead), Boolean(relay))
    },
  },
  {
    name: 'live: ensure creates once, whoever picks the worker',
    async run(world) {
      const channel = world.channel()
      const other = await world.open()
      const said = await Promise.all([
        world.session.admin.ensure(channel, world.signal),
        other.admin.ensure({ ...channel, leaseMs: 7_000 }, world.signal),
      ])
      assert.deepEqual(said.map(({ state }) => state).sort(), ['created', 'same'])
      const via = channel.via === 'direct' ? 'relay' : 'direct'
      const again = await other.admin.ensure({ ...channel, via }, world.signal)
      assert.deepEqual(again, { state: 'same' })
    },
  },
  {
    name: 'live: another pattern under its name is told, and refused',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      for (const pattern of ['queue', world.pattern === 'broadcast' ? 'narrowcast' : 'broadcast']) {
        const wanted = { ...channel, pattern: pattern as typeof channel.pattern }
        const said = await world.session.admin.ensure(wanted, world.signal)
        assert.ok(said.state === 'differs')
        const what = [{ name: 'pattern', wanted: pattern, found: channel.pattern }]
        assert.deepEqual(said.what, what)
      }
      const conflict = { code: 'CONFLICT' }
      const queue = { ...channel, pattern: 'queue' } as const
      await assert.rejects(publisherOf(world, queue), conflict)
      await assert.rejects(openReader(world, queue, { group: null }), conflict)
      assert.deepEqual(await hand(world, channel, joined, several(1)), [1])
    },
  },
  {
    name: 'live: a queue is nobody to subscribe to',
    async run(world) {
      const queue = { ...world.channel(), pattern: 'queue' } as const
      await world.session.admin.ensure(queue, world.signal)
      const conflict = { code: 'CONFLICT' }
      await assert.rejects(join(world, { ...queue, pattern: world.pattern }), conflict)
      const spec = { leaseMs: 1_000, hold: { messages: 1, bytes: 1_000 } }
      const worker = { id: 'w', incarnation: 'one' }
      const live = liveOf(world.session)
      const on = { gap: () => {} }
      const subscribing = live.subscribe(queue, { ...spec, worker }, on, world.signal)
      await assert.rejects(subscribing, unsupported)
    },
  },
  {
    name: 'live: nothing is kept: no reader, no marks, no peek, dead letters, pause, seek',
    run: denials,
  },
  {
    name: 'live: it is listed with its pattern, and has no depth to tell',
    needs: (claimed) => claimed.manage === true,
    async run(world) {
      const channel = await declare(world)
      const { admin } = world.session
      const list = offered(admin.channels, 'channels')
      const { items } = await list({ ...page, prefix: channel.name }, world.signal)
      assert.deepEqual(items, [{ name: channel.name, pattern: channel.pattern }])
      if (world.claimed.depth !== 'no') return
      assert.deepEqual((await admin.depths?.([channel], world.signal)) ?? [null], [null])
    },
    async refusal(world) {
      const found = await world.session.admin.channels?.({ ...page, prefix: '' }, world.signal)
      assert.ok(!found?.items.some(({ pattern }) => pattern === world.pattern))
    },
  },
  {
    name: 'live: purge drops what waits unread, and those who are there stay',
    needs: (claimed) => claimed.manage !== false && claimed.resumes,
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      await hand(world, channel, joined, several(3))
      const purge = offered(world.session.admin.purge, 'purge')
      assert.equal(await purge(channel, world.signal), 3)
      assert.equal(await purge(channel, world.signal), 0)
      await takeNoMessage(world, joined)
      assert.deepEqual(await hand(world, channel, joined, several(1)), [1])
      assert.deepEqual(await takeIds(world, joined, 1), ['m0'])
    },
    refusal: async (world) => {
      const channel = await declare(world)
      const { purge } = world.session.admin
      if (!world.claimed.manage) {
        await assert.rejects(async () => {
          await (purge?.(channel, world.signal) ?? refused())
        }, unsupported)
        return
      }
      // Where a broker keeps nothing for anybody, what waits is with those it was handed to.
      const joined = await join(world, channel)
      await hand(world, channel, joined, several(1))
      assert.equal(await offered(purge, 'purge')(channel, world.signal), 0)
      assert.deepEqual(await takeIds(world, joined, 1), ['m0'])
    },
  },
  {
    name: 'live: a removed channel ends who was there, and can be made again',
    needs: (claimed) => claimed.manage !== false,
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      const ending = waitForEnd(world, joined)
      await world.pass(5)
      const { remove, purge } = world.session.admin
      await offered(remove, 'remove')(channel, world.signal)
      await world.until(ending)
      await expectEnded(world, joined)
      const missing = { code: 'NOT_FOUND' }
      await assert.rejects(offered(purge, 'purge')(channel, world.signal), missing)
      await assert.rejects(offered(remove, 'remove')(channel, world.signal), missing)
      const again = await join(world, channel)
      assert.equal(again.source.resumed, false)
      await takeNoMessage(world, again)
      assert.deepEqual(await hand(world, channel, again, several(1)), [1])
      assert.deepEqual(await takeIds(world, again, 1), ['m0'])
    },
    refusal: async (world) => {
      const channel = await declare(world)
      await assert.rejects(async () => {
        await (world.session.admin.remove?.(channel, world.signal) ?? refused())
      }, unsupported)
    },
  },
  {
    name: 'live: a name that no channel can have is refused',
    async run(world) {
      const channel = world.channel({ name: 'or ders' })
      const refusal = { code: 'INVALID_ARGUMENT' }
      await assert.rejects(world.session.admin.ensure(channel, world.signal), refusal)
      await assert.rejects(join(world, channel), refusal)
    },
  },
]

async function denials(world: World): Promise<void> {
  const { session, claimed, signal } = world
  const channel = await declare(world)
  const joined = await join(world, channel)
  await hand(world, channel, joined, several(1))
  const { admin } = session
  const token = { reader: 'nobody', serial: 1 }
  const denied: [boolean, () => Promise<unknown> | undefined][] = [
    [true, () => openReader(world, channel, { group: null })],
    [
      claimed.dedupe.consume === 'no',
      () => session.marks?.(channel, null, 1_000).claim(['m0'], token, 1_000, signal),
    ],
    [claimed.peek === 'no', () => admin.peek?.(channel, { ...page, from: 'first' }, signal)],
    [claimed.peek === 'no', () => admin.message?.(channel, 'm0', signal)],
    [claimed.peek === 'no', () => admin.removeMessage?.(channel, 'm0', signal)],
    [!claimed.deadLetters, () => admin.deadLetters?.(channel, null, page, signal)],
    [!claimed.deadLetters, () => admin.redrive?.(channel, ['1'], null, signal)],
    [!claimed.deadLetters, () => admin.removeDead?.(channel, ['1'], signal)],
    [!claimed.pause, () => admin.pause?.(channel, true, signal)],
    [!claimed.seek, () => admin.seek?.(channel, 'mail', 'first', signal)],
    [claimed.depth === 'no', () => admin.groups?.(channel, signal)],
    [claimed.depth === 'no', () => admin.removeGroup?.(channel, 'mail', signal)],
  ]
  for (const [isDenied, call] of denied) {
    if (isDenied) await assert.rejects(async () => call() ?? refused(), unsupported)
  }
  assert.deepEqual(await takeIds(world, joined, 1), ['m0'])
}

/** A call that is not there is refused too. */
async function refused(): Promise<never> {
  throw Object.assign(new Error('there is no such call'), { code: 'UNSUPPORTED' })
}
