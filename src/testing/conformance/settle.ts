import assert from 'node:assert/strict'
import type { Settlement } from '../../core/message.ts'
import type { Case } from './case.ts'
import {
  ack,
  declare,
  done,
  endingLeaseMs,
  failure,
  idsOf,
  letter,
  offered,
  openReader,
  outgoing,
  publish,
  seenDelayMs,
  settle,
  several,
  shortLeaseMs,
  take,
  takeNothing,
} from './steps.ts'

const firstPage = { cursor: null, limit: 100, newestFirst: false } as const

export const settleCases: readonly Case[] = [
  {
    name: 'settle: what was acknowledged does not come again',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { leaseMs: endingLeaseMs })
      await publish(world, channel, several(3))
      await ack(world, opened, await take(world, opened, 3))
      await world.pass(1.5 * endingLeaseMs)
      await opened.source[Symbol.asyncDispose]()
      await takeNothing(world, await openReader(world, channel))
    },
  },
  {
    name: 'settle: repeated settle gives the first answer, and changes nothing',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, several(2))
      const [one, two] = await take(world, opened, 2)
      assert.ok(one && two)
      const batch: Settlement[] = [
        { token: one.token, kind: 'ack' },
        { token: two.token, kind: 'release', delayMs: 0 },
      ]
      assert.deepEqual(await settle(world, opened, batch), [done(world), done(world)])
      assert.deepEqual(await settle(world, opened, batch), [done(world), done(world)])
      const [again] = await take(world, opened, 1)
      assert.equal(again?.message.id, 'm1')
      const ackTwo: Settlement = { token: two.token, kind: 'ack' }
      assert.deepEqual(await settle(world, opened, [ackTwo]), [done(world)])
      await takeNothing(world, opened)
      if (again) await ack(world, opened, [again])
    },
  },
  {
    name: 'settle: stale ack, retry, release and dead leave the new owner alone',
    needs: (claimed) => claimed.fencing === 'token',
    async run(world) {
      const channel = await declare(world)
      const stale = await openReader(world, channel, { leaseMs: shortLeaseMs })
      const owner = await openReader(world, channel, { session: await world.open() })
      await publish(world, channel, several(1))
      const [old] = await take(world, stale, 1)
      const held = await take(world, owner, 1)
      assert.ok(old)
      const { token } = old
      const late: Settlement[] = [
        { token, kind: 'ack' },
        { token, kind: 'retry', delayMs: 0, failures: 7, error: failure() },
        { token, kind: 'release', delayMs: 0 },
        { token, kind: 'dead', letter: letter(world, channel) },
      ]
      assert.deepEqual(await settle(world, stale, late), ['late', 'late', 'late', 'late'])
      await takeNothing(world, stale)
      await ack(world, owner, held)
      await takeNothing(world, owner)
      const { deadLetters } = world.session.admin
      const dead = await deadLetters?.(channel, null, firstPage, world.signal)
      assert.deepEqual(dead?.items ?? [], [])
    },
    async refusal(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, several(1))
      await ack(world, opened, await take(world, opened, 1))
    },
  },
  {
    name: 'settle: a token of somebody else, or of nobody, is late',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      const other = await openReader(world, channel)
      await publish(world, channel, several(2))
      const [mine] = await take(world, opened, 1)
      const [theirs] = await take(world, other, 1)
      assert.ok(mine && theirs)
      const ofOthers: Settlement[] = [
        { token: mine.token, kind: 'ack' },
        { token: { ...theirs.token, reader: opened.name }, kind: 'ack' },
      ]
      assert.deepEqual(await settle(world, other, ofOthers), ['late', 'late'])
      const { reader, serial } = mine.token
      const unknown: Settlement = { token: { reader, serial: serial + 1_000 }, kind: 'ack' }
      assert.deepEqual(await settle(world, opened, [unknown]), ['late'])
      for (const [one, delivery] of [
        [opened, mine],
        [other, theirs],
      ] as const) {
        const retry = { kind: 'retry', delayMs: 0, failures: 1, error: failure() } as const
        await settle(world, one, [{ token: delivery.token, ...retry }])
      }
      await other.source[Symbol.asyncDispose]() // a broker may hand over before it is asked
      assert.equal((await take(world, opened, 2)).length, 2)
    },
  },
  {
    name: 'settle: a batch of every kind, one outcome each, each done',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, several(5))
      const [a, b, c, d, e] = await take(world, opened, 5)
      assert.ok(a && b && c && d && e)
      const outcomes = await settle(world, opened, [
        { token: d.token, kind: 'dead', letter: letter(world, channel) },
        { token: a.token, kind: 'ack' },
        { token: c.token, kind: 'release', delayMs: 0 },
        { token: b.token, kind: 'retry', delayMs: 0, failures: 1, error: failure() },
        { token: e.token, kind: 'ack' },
      ])
      assert.deepEqual(outcomes, Array(5).fill(done(world)))
      const got = await take(world, opened, 2)
      const failures = new Map(got.map((one) => [one.message.id, one.failures]))
      assert.deepEqual([...failures].sort(), [
        ['m1', 1],
        ['m2', 0],
      ])
      await ack(world, opened, got)
      await takeNothing(world, opened)
    },
  },
  {
    name: 'settle: a retry comes when it is due, with its history, and blocks nobody',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, several(2))
      const [first] = await take(world, opened, 1)
      assert.ok(first)
      const startMs = performance.now()
      const retry = (token = first.token, failures = 1, message = 'first'): Settlement => {
        const error = failure({ message, atMs: failures * 1_000 })
        return { token, kind: 'retry', delayMs: seenDelayMs / failures, failures, error }
      }
      assert.deepEqual(await settle(world, opened, [retry()]), [done(world)])
      assert.deepEqual(idsOf(await take(world, opened, 1)), ['m1'])
      const [second] = await take(world, opened, 1)
      assert.ok(second && second.message.id === 'm0')
      const isInTime = world.isExact || performance.now() - startMs >= seenDelayMs
      assert.ok(isInTime, 'it came before its time')
      assert.deepEqual([second.failures, second.crashes], [1, 0])
      assert.deepEqual(second.past, {
        firstFailedMs: 1_000,
        last: failure({ message: 'first', atMs: 1_000 }),
      })
      await settle(world, opened, [retry(second.token, 2, 'second')])
      const [third] = await take(world, opened, 1)
      assert.equal(third?.failures, 2)
      assert.equal(third?.past?.firstFailedMs, 1_000)
      assert.equal(third?.past?.last.message, 'second')
    },
  },
  {
    name: 'settle: a release with a delay waits, and charges nobody',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, several(1))
      const [first] = await take(world, opened, 1)
      assert.ok(first)
      const startMs = performance.now()
      const release: Settlement = { token: first.token, kind: 'release', delayMs: 200 }
      assert.deepEqual(await settle(world, opened, [release]), [done(world)])
      if (world.isExact) await takeNothing(world, opened, 199)
      const [again] = await take(world, opened, 1)
      assert.ok(world.isExact || performance.now() - startMs >= 200, 'it came before its time')
      assert.deepEqual([again?.failures, again?.crashes, again?.past], [0, 0, null])
    },
  },
  {
    name: 'settle: the dead keep their message byte for byte, and why they died',
    needs: (claimed) => claimed.deadLetters,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      const body = new Uint8Array([0, 200, 13, 10])
      await publish(world, channel, [outgoing('m0', { body, headers: { a: 'b' }, key: 'k' })])
      const [delivery] = await take(world, opened, 1)
      assert.ok(delivery)
      const why = letter(world, channel, {
        cause: 'failures',
        reason: 'out of attempts',
        error: failure({ code: 'TIMEOUT', stack: 'Error: it broke\n  at x' }),
        failures: 5,
        firstFailedMs: 17,
      })
      const dead: Settlement = { token: delivery.token, kind: 'dead', letter: why }
      assert.deepEqual(await settle(world, opened, [dead]), [done(world)])
      const { deadLetters } = world.session.admin
      const found = await offered(deadLetters, 'deadLetters')(
        channel,
        null,
        firstPage,
        world.signal,
      )
      assert.equal(found.items.length, 1)
      assert.deepEqual(found.items[0]?.letter, why)
      const { body: kept, headers, ...rest } = found.items[0]?.message ?? delivery.message
      const { body: _, headers: __, ...was } = delivery.message
      assert.deepEqual(rest, was)
      assert.deepEqual({ ...headers }, { a: 'b' })
      assert.deepEqual(Buffer.from(kept), Buffer.from(body))
      await takeNothing(world, opened)
    },
    async refusal(world) {
      assert.equal(world.session.admin.deadLetters, undefined)
      assert.equal(world.session.admin.redrive, undefined)
      assert.equal(world.session.admin.removeDead, undefined)
    },
  },
]
