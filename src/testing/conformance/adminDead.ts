import assert from 'node:assert/strict'
import type { ChannelSpec } from '../../core/channel.ts'
import type { DeadEntry } from '../../core/driver.ts'
import type { Settlement } from '../../core/message.ts'
import type { Case, World } from './case.ts'
import {
  declare,
  groupOf,
  idsOf,
  letter,
  offered,
  openReader,
  publish,
  settle,
  several,
  take,
  takeNothing,
} from './steps.ts'

const firstPage = { cursor: null, limit: 100, newestFirst: false } as const

/** Buries the next `count` messages of a group. */
async function bury(
  world: World,
  channel: ChannelSpec,
  count: number,
  group = groupOf(world),
): Promise<void> {
  const opened = await openReader(world, channel, { group })
  const dead = (await take(world, opened, count)).map(({ token }): Settlement => {
    return { token, kind: 'dead', letter: letter(world, channel, { group }) }
  })
  await settle(world, opened, dead)
  await opened.source[Symbol.asyncDispose]()
}

async function deadOf(
  world: World,
  channel: ChannelSpec,
  group: string | null = null,
): Promise<DeadEntry[]> {
  const deadLetters = offered(world.session.admin.deadLetters, 'deadLetters')
  return (await deadLetters(channel, group, firstPage, world.signal)).items
}

const hasDead = (claimed: World['claimed']) => claimed.deadLetters
const refusal = async (world: World) => assert.equal(world.session.admin.deadLetters, undefined)

export const adminDeadCases: readonly Case[] = [
  {
    name: 'dead: pages show each dead letter once, from either end',
    needs: hasDead,
    refusal,
    async run(world) {
      const channel = await declare(world)
      await publish(world, channel, several(23))
      await bury(world, channel, 23)
      const deadLetters = offered(world.session.admin.deadLetters, 'deadLetters')
      for (const newestFirst of [false, true]) {
        const ids: string[] = []
        let cursor: string | null = null
        do {
          const query = { cursor, limit: 10, newestFirst }
          const page = await deadLetters(channel, null, query, world.signal)
          assert.ok(page.items.length <= 10)
          ids.push(...page.items.map(({ message }) => message.id))
          cursor = page.cursor
        } while (cursor !== null)
        const wanted = several(23).map(({ id }) => id)
        assert.deepEqual(ids, newestFirst ? wanted.reverse() : wanted)
      }
    },
  },
  {
    name: 'dead: redrive brings it back once, with its count, and the letter goes',
    needs: hasDead,
    refusal,
    async run(world) {
      const channel = await declare(world)
      await publish(world, channel, several(3))
      await bury(world, channel, 3)
      const redrive = offered(world.session.admin.redrive, 'redrive')
      const [first, second] = await deadOf(world, channel)
      assert.ok(first && second)
      const refs = [first.ref, 'no such ref', second.ref]
      const outcomes = await world.until(redrive(channel, refs, world.signal))
      assert.deepEqual(
        outcomes.map((one) => (one.state === 'stored' ? 'stored' : one.code)),
        ['stored', 'NOT_FOUND', 'stored'],
      )
      assert.deepEqual((await deadOf(world, channel)).length, 1)
      const again = await redrive(channel, [first.ref], world.signal)
      assert.equal(again[0]?.state, 'refused')
      const opened = await openReader(world, channel)
      const got = await take(world, opened, 2)
      assert.deepEqual(idsOf(got).sort(), ['m0', 'm1'])
      for (const { redrives, failures, crashes, past, message } of got) {
        assert.deepEqual([redrives, failures, crashes, past], [1, 0, 0, null])
        assert.equal(
          message.body,
          first.message.id === message.id ? first.message.body : second.message.body,
        )
      }
      await takeNothing(world, opened)
    },
  },
  {
    name: 'dead: removing says how many, and they do not come back',
    needs: hasDead,
    refusal,
    async run(world) {
      const channel = await declare(world)
      await publish(world, channel, several(4))
      await bury(world, channel, 4)
      const removeDead = offered(world.session.admin.removeDead, 'removeDead')
      const refs = (await deadOf(world, channel)).map(({ ref }) => ref)
      const some = [...refs.slice(0, 3), 'no such ref']
      assert.equal(await world.until(removeDead(channel, some, world.signal)), 3)
      assert.equal(await world.until(removeDead(channel, some, world.signal)), 0)
      assert.deepEqual(
        (await deadOf(world, channel)).map(({ ref }) => ref),
        refs.slice(3),
      )
      await takeNothing(world, await openReader(world, channel))
    },
  },
  {
    name: 'dead: of a stream, each group has its own',
    patterns: ['stream'],
    needs: hasDead,
    refusal,
    async run(world) {
      const channel = await declare(world)
      await publish(world, channel, several(3))
      await bury(world, channel, 3, 'mail')
      await bury(world, channel, 2, 'stats')
      const count = async (group: string | null) => (await deadOf(world, channel, group)).length
      assert.deepEqual([await count('mail'), await count('stats'), await count(null)], [3, 2, 5])
    },
  },
]
