import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { ChannelSpec } from '../../core/channel.ts'
import type { DeadEntry } from '../../core/driver.ts'
import type { IncomingMessage, OutgoingMessage, Settlement } from '../../core/message.ts'
import type { Case, World } from './case.ts'
import {
  ack,
  declare,
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

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)
/** A text that is cut inside of a character, after a sign that no text begins with. */
const brokenText = Uint8Array.of(0xff, 0x7b, 0x22, 0xe2, 0x82)

/** All that the producer had said. */
function headAndBytes(message: OutgoingMessage | IncomingMessage) {
  const { id, key, timeMs, headers, type, source, body } = message
  return { id, key, timeMs, headers: { ...headers }, type, source, bytes: [...Buffer.from(body)] }
}

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
      const outcomes = await world.until(redrive(channel, refs, null, world.signal))
      assert.deepEqual(
        outcomes.map((one) => (one.state === 'stored' ? 'stored' : one.code)),
        ['stored', 'NOT_FOUND', 'stored'],
      )
      assert.deepEqual((await deadOf(world, channel)).length, 1)
      const again = await redrive(channel, [first.ref], null, world.signal)
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
    name: 'dead: bytes and head survive death and redrive',
    needs: hasDead,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const before = [everyByte, brokenText].map((body, n) => ({
        ...outgoing(`m${n}`, { key: `k${n}`, headers: { a: 'b' }, type: 't', source: 's' }),
        body,
      }))
      await publish(world, channel, before)
      await bury(world, channel, 2)
      const found = await deadOf(world, channel)
      assert.deepEqual(
        found.map(({ message }) => headAndBytes(message)),
        before.map(headAndBytes),
      )
      const redrive = offered(world.session.admin.redrive, 'redrive')
      const refs = found.map(({ ref }) => ref)
      await world.until(redrive(channel, refs, null, world.signal))
      const again = await take(world, await openReader(world, channel), 2)
      assert.deepEqual(
        again.map(({ message }) => headAndBytes(message)),
        before.map(headAndBytes),
      )
    },
  },
  {
    name: 'dead: redrive to another channel keeps the message, for all who read it',
    needs: hasDead,
    refusal,
    async run(world) {
      const hasWindow = world.claimed.dedupe.publishWindowMsMax !== null
      const over = hasWindow ? { dedupeWindowMs: 60_000 } : {}
      const [from, to] = [await declare(world), await declare(world, over)]
      const message = outgoing('m0', { key: 'k', headers: { a: 'b' }, type: from.name })
      await publish(world, from, [message])
      await publish(world, to, [{ ...message, dedupeId: message.id }])
      await bury(world, from, 1)
      const redrive = offered(world.session.admin.redrive, 'redrive')
      const [dead] = await deadOf(world, from)
      assert.ok(dead)
      const nowhere = world.channel()
      await assert.rejects(redrive(from, [dead.ref], nowhere, world.signal), { code: 'NOT_FOUND' })
      const refs = [dead.ref, 'no such ref', dead.ref]
      const outcomes = await world.until(redrive(from, refs, to, world.signal))
      assert.deepEqual(
        outcomes.map((one) => (one.state === 'stored' ? one.duplicate : one.code)),
        [false, 'NOT_FOUND', 'NOT_FOUND'],
      )
      assert.deepEqual(await deadOf(world, from), [])
      await takeNothing(world, await openReader(world, from))
      const opened = await openReader(world, to)
      await ack(world, opened, await take(world, opened, 1))
      const [again] = await take(world, opened, 1)
      assert.ok(again)
      assert.deepEqual(headAndBytes(again.message), headAndBytes(message))
      assert.deepEqual([again.redrives, again.failures, again.past], [1, 0, null])
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
