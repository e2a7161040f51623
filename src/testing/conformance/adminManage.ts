import assert from 'node:assert/strict'
import type { ChannelSpec } from '../../core/channel.ts'
import type { Place, Settlement } from '../../core/message.ts'
import type { Case, World } from './case.ts'
import {
  ack,
  declare,
  done,
  groupOf,
  idsOf,
  letter,
  offered,
  openReader,
  outgoing,
  publish,
  settle,
  several,
  take,
  takeNothing,
} from './steps.ts'

const firstPage = { cursor: null, limit: 100, newestFirst: false } as const
const manages = ({ manage }: Pick<World['claimed'], 'manage'>) => manage !== false
const lists = ({ manage }: World['claimed']) => manage === true
const removesOne = (claimed: World['claimed']) => lists(claimed) && claimed.peek === 'exact'

type Call = 'purge' | 'remove' | 'removeGroup' | 'removeMessage'

const lacks =
  (...calls: readonly Call[]) =>
  async (world: World) => {
    const { signal, session } = world
    const channel = await declare(world)
    for (const name of calls) {
      const call = session.admin[name]
      if (call === undefined) continue
      // It is there for another pattern.
      const named = { purge: [], remove: [], removeGroup: ['one'], removeMessage: ['one'] }[name]
      const ask = async () => Reflect.apply(call, session.admin, [channel, ...named, signal])
      await assert.rejects(world.until<unknown>(ask()), { code: 'UNSUPPORTED' }, name)
    }
  }
const refusal = lacks('purge', 'remove', 'removeGroup')

/** By its name alone. */
async function found({ session: { admin }, signal }: World, name: string) {
  if (admin.find) return await admin.find(name, signal)
  const page = await offered(admin.channels, 'channels')({ ...firstPage, prefix: name }, signal)
  return page.items.find((one) => one.name === name) ?? null
}

async function storedOf(world: World, channel: ChannelSpec): Promise<unknown> {
  const depths = offered(world.session.admin.depths, 'depths')
  const [depth] = await world.until(depths([channel], world.signal))
  return depth && [depth.waiting, depth.inFlight]
}

export const adminManageCases: readonly Case[] = [
  {
    name: 'manage: channels are listed by prefix, in pages, with their pattern',
    needs: lists,
    refusal: async ({ session: { admin } }) => assert.equal(admin.channels, undefined),
    async run(world) {
      const { name } = await declare(world)
      const more = Array.from({ length: 5 }, (_, n) => ({
        ...world.channel(),
        name: `${name}.sub-${n}`,
      }))
      for (const one of more) await world.session.admin.ensure(one, world.signal)
      const list = offered(world.session.admin.channels, 'channels')
      const all: string[] = []
      let cursor: string | null = null
      do {
        const query = { cursor, limit: 4, newestFirst: false, prefix: name }
        const page = await list(query, world.signal)
        assert.ok(page.items.every(({ pattern }) => pattern === world.pattern))
        all.push(...page.items.map((item) => item.name))
        cursor = page.cursor
      } while (cursor !== null)
      assert.deepEqual(all.sort(), [name, ...more.map((one) => one.name)].sort())
    },
  },
  {
    name: 'manage: purge removes what waits, not what is in flight, in steps as many as there are',
    needs: manages,
    refusal,
    async run(world) {
      const channel = await declare(world)
      // It holds no more than it takes: what a client has been sent is in flight.
      const opened = await openReader(world, channel, { hold: { messages: 5, bytes: 1_000_000 } })
      await publish(world, channel, several(12_005))
      const held = await take(world, opened, 5)
      const purge = offered(world.session.admin.purge, 'purge')
      const purged = await world.until(purge(channel, world.signal))
      // By a watermark nobody else knows what is in flight beyond it.
      const most = world.claimed.settle === 'watermark' ? 12_005 : 12_000
      assert.ok(purged >= 12_000 && purged <= most, `${purged} were removed`)
      if (world.claimed.depth === 'exact') assert.deepEqual(await storedOf(world, channel), [0, 5])
      assert.equal(await world.until(purge(channel, world.signal)), 0)
      await ack(world, opened, held)
      await publish(world, channel, [outgoing('new')])
      assert.deepEqual(idsOf(await take(world, opened, 1)), ['new'])
    },
  },
  {
    name: 'manage: a removed channel is gone with all it had, and can be made anew',
    needs: manages,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, several(3))
      const [first, second] = await take(world, opened, 2)
      assert.ok(first && second)
      const dead: Settlement = {
        token: first.token,
        kind: 'dead',
        letter: letter(world, channel),
      }
      await settle(world, opened, [dead])
      const { admin } = world.session
      await world.until(offered(admin.remove, 'remove')(channel, world.signal))
      assert.deepEqual(await admin.depths?.([channel], world.signal), [null])
      assert.equal(await found(world, channel.name), null)
      const late: Settlement = { token: second.token, kind: 'ack' }
      assert.deepEqual(await settle(world, opened, [late]), ['late'])
      const pattern = channel.pattern === 'queue' ? 'stream' : 'queue'
      if (manages({ manage: false, ...world.driver.contracts[pattern] })) {
        const other = await admin.ensure({ ...channel, pattern }, world.signal)
        assert.equal(other.state, 'created')
        await admin.remove?.({ ...channel, pattern }, world.signal)
      }
      assert.equal((await admin.ensure(channel, world.signal)).state, 'created')
      assert.deepEqual(
        (await admin.deadLetters?.(channel, null, firstPage, world.signal))?.items,
        [],
      )
      const next = await openReader(world, channel)
      await takeNothing(world, next)
      await publish(world, channel, [outgoing('new')])
      assert.deepEqual(idsOf(await take(world, next, 1)), ['new'])
    },
  },
  {
    name: 'manage: a channel is found by its name, with its pattern',
    needs: manages,
    refusal,
    async run(world) {
      const missing = world.channel()
      assert.equal(await found(world, missing.name), null)
      const { name, pattern } = await declare(world)
      assert.deepEqual(await found(world, name), { name, pattern })
      const { remove } = world.session.admin
      const gone = offered(remove, 'remove')(missing, world.signal)
      await assert.rejects(world.until(gone), { code: 'NOT_FOUND' })
    },
  },
  {
    name: 'manage: one message is removed, and only that one',
    needs: removesOne,
    refusal: lacks('removeMessage'),
    async run(world) {
      const channel = await declare(world)
      await publish(world, channel, [...several(3), outgoing('later', { delayMs: 50_000 })])
      const remove = offered(world.session.admin.removeMessage, 'removeMessage')
      assert.equal(await world.until(remove(channel, 'm1', world.signal)), true)
      assert.equal(await world.until(remove(channel, 'm1', world.signal)), false)
      assert.equal(await world.until(remove(channel, 'later', world.signal)), true)
      const opened = await openReader(world, channel)
      assert.deepEqual(idsOf(await take(world, opened, 2)), ['m0', 'm2'])
      await takeNothing(world, opened)
    },
  },
  {
    name: 'manage: a removed group begins anew, its neighbour goes on',
    patterns: ['stream'],
    needs: manages,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const mail = await openReader(world, channel, { group: 'mail' })
      const stats = await openReader(world, channel, { group: 'stats' })
      await publish(world, channel, several(4))
      await ack(world, mail, await take(world, mail, 2))
      const held = await take(world, stats, 2)
      await mail.source[Symbol.asyncDispose]()
      const remove = offered(world.session.admin.removeGroup, 'removeGroup')
      await world.until(remove(channel, 'mail', world.signal))
      await assert.rejects(remove(channel, 'mail', world.signal), { code: 'NOT_FOUND' })
      const groups = offered(world.session.admin.groups, 'groups')
      const left = await groups(channel, world.signal)
      assert.deepEqual(
        left.map(({ group }) => group),
        ['stats'],
      )
      const again = await openReader(world, channel, { group: 'mail', from: 'first' })
      assert.deepEqual(idsOf(await take(world, again, 4)), ['m0', 'm1', 'm2', 'm3'])
      await ack(world, stats, held)
      assert.deepEqual(idsOf(await take(world, stats, 2)), ['m2', 'm3'])
    },
  },
  {
    name: 'manage: seek moves a group, and what it holds is lost to its readers',
    patterns: ['stream'],
    needs: (claimed) => claimed.seek,
    run: seek,
    refusal: async (world) => assert.equal(world.session.admin.seek, undefined),
  },
]

async function seek(world: World): Promise<void> {
  const channel = await declare(world)
  const opened = await openReader(world, channel)
  const other = await openReader(world, channel, { group: 'other' })
  const sent = Array.from({ length: 5 }, (_, n) => outgoing(`m${n}`, { timeMs: 1_000 * n }))
  await publish(world, channel, sent)
  const move = offered(world.session.admin.seek, 'seek')
  const group = groupOf(world) ?? ''
  const got = await take(world, opened, 5)
  await ack(world, opened, got.slice(0, 2))
  const third = got[2]
  assert.ok(third)
  const places: [Place, string[]][] = [
    ['first', ['m0', 'm1', 'm2', 'm3', 'm4']],
    ['end', []],
    [{ id: 'm3' }, ['m4']],
    [{ position: third.position ?? '' }, ['m3', 'm4']],
    [{ timeMs: 2_000 }, ['m2', 'm3', 'm4']],
  ]
  let held = got.slice(2)
  for (const [place, ids] of places) {
    await world.until(move(channel, group, place, world.signal))
    const late = held.map(({ token }): Settlement => ({ token, kind: 'ack' }))
    assert.deepEqual(await settle(world, opened, late), Array(late.length).fill('late'))
    held = await take(world, opened, ids.length)
    assert.deepEqual(idsOf(held), ids)
    await takeNothing(world, opened, 10)
  }
  const first = got.slice(0, 1).map(({ token }): Settlement => ({ token, kind: 'ack' }))
  assert.deepEqual(await settle(world, opened, first), [done(world)])
  assert.equal((await take(world, other, 5)).length, 5)
  const nobody = move(channel, 'nobody', 'first', world.signal)
  await assert.rejects(world.until(nobody), { code: 'NOT_FOUND' })
}
