import assert from 'node:assert/strict'
import { checkNotStronger } from '../../core/contract.ts'
import type { Place, Settlement } from '../../core/message.ts'
import type { Case } from './case.ts'
import {
  ack,
  declare,
  eventually,
  failure,
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

const streams = ['stream'] as const
const firstPage = { cursor: null, limit: 100, newestFirst: false } as const

export const settingsCases: readonly Case[] = [
  {
    name: 'settings: contract is never stronger than claimed',
    async run(world) {
      const channel = world.channel()
      const found = await world.session.contract(channel, world.signal)
      checkNotStronger(world.driver.name, world.claimed, found)
      assert.ok(found.payloadBytesMax > 0)
    },
  },
  {
    name: 'settings: a second deploy with other time limits starts',
    async run(world) {
      const channel = await declare(world)
      const other = await world.open()
      const next = { ...channel, leaseMs: channel.leaseMs * 2, payloadBytesMax: 99 }
      assert.deepEqual(await other.admin.ensure(next, world.signal), { state: 'same' })
      await openReader(world, next, { session: other })
    },
  },
  {
    name: 'settings: a differing object is told with both values, and stays as it was',
    async run(world) {
      const channel = await declare(world)
      const pattern = channel.pattern === 'queue' ? 'stream' : 'queue'
      const other = await world.open()
      const said = await other.admin.ensure({ ...channel, pattern }, world.signal)
      assert.equal(said.state, 'differs')
      assert.ok(said.state === 'differs')
      assert.deepEqual(
        said.what.find(({ name }) => name === 'pattern'),
        { name: 'pattern', wanted: pattern, found: channel.pattern },
      )
      assert.deepEqual(await other.admin.ensure(channel, world.signal), { state: 'same' })
      await publish(world, channel, several(1))
    },
  },
  {
    name: 'settings: another dedupe window is told, and that of the channel holds',
    needs: (claimed) => claimed.dedupe.publishWindowMsMax !== null,
    async run(world) {
      const channel = await declare(world, { dedupeWindowMs: 50_000 })
      const silent = { ...channel, dedupeWindowMs: null }
      const said = await world.session.admin.ensure(silent, world.signal)
      assert.ok(said.state === 'differs')
      assert.deepEqual(
        said.what.map(({ name }) => name),
        ['dedupeWindowMs'],
      )
      const twice = [outgoing('m', { dedupeId: 'm' }), outgoing('m', { dedupeId: 'm' })]
      const outcomes = await publish(world, silent, twice)
      assert.deepEqual(
        outcomes.map((one) => one.state === 'stored' && one.duplicate),
        [false, true],
      )
      const opened = await openReader(world, silent)
      assert.equal((await take(world, opened, 1)).length, 1)
    },
    refusal: async () => {},
  },
  {
    name: 'settings: a queue has no groups, a stream is read by one',
    async run(world) {
      const channel = await declare(world)
      const group = channel.pattern === 'queue' ? 'mail' : null
      await assert.rejects(openReader(world, channel, { group }), { code: 'INVALID_ARGUMENT' })
    },
  },
  {
    name: 'settings: every group has every message, one reader of it each',
    patterns: streams,
    async run(world) {
      const channel = await declare(world)
      const groups = ['mail', 'mail', 'stats']
      const readers = await Promise.all(
        groups.map((group) => openReader(world, channel, { group })),
      )
      await publish(world, channel, several(40))
      const [one, two, three] = readers
      assert.ok(one && two && three)
      const mail = [...(await take(world, one, 20)), ...(await take(world, two, 20))]
      assert.equal(new Set(idsOf(mail)).size, 40)
      assert.equal(new Set(idsOf(await take(world, three, 40))).size, 40)
    },
  },
  {
    name: 'settings: another group never sees a retry, a dead letter, a redrive',
    patterns: streams,
    needs: (claimed) => claimed.deadLetters,
    async run(world) {
      const channel = await declare(world)
      const mail = await openReader(world, channel, { group: 'mail' })
      const stats = await openReader(world, channel, { group: 'stats' })
      await publish(world, channel, several(2))
      const [first, second] = await take(world, mail, 2)
      await ack(world, stats, await take(world, stats, 2))
      assert.ok(first && second)
      const retry: Settlement = {
        token: first.token,
        kind: 'retry',
        delayMs: 0,
        failures: 1,
        error: failure(),
      }
      const dead: Settlement = {
        token: second.token,
        kind: 'dead',
        letter: letter(world, channel, { group: 'mail' }),
      }
      await settle(world, mail, [retry, dead])
      await takeNothing(world, stats)
      const { deadLetters, redrive } = world.session.admin
      const ask = offered(deadLetters, 'deadLetters')
      assert.deepEqual((await ask(channel, 'stats', firstPage, world.signal)).items, [])
      const { items } = await ask(channel, 'mail', firstPage, world.signal)
      const refs = items.map(({ ref }) => ref)
      const [outcome] = await offered(redrive, 'redrive')(channel, refs, null, world.signal)
      assert.equal(outcome?.state, 'stored')
      const again = await take(world, mail, 2)
      assert.deepEqual(
        new Map(again.map((one) => [one.message.id, one.redrives])),
        new Map([
          ['m0', 0],
          ['m1', 1],
        ]),
      )
      await takeNothing(world, stats)
      await takeNothing(world, await openReader(world, channel, { group: 'later', from: 'end' }))
    },
    refusal: async () => {},
  },
  {
    name: 'settings: a group begins at the first, the end, a time, an id, a position',
    patterns: streams,
    needs: (claimed) => claimed.replay,
    async run(world) {
      const channel = await declare(world)
      const sent = Array.from({ length: 6 }, (_, n) => outgoing(`m${n}`, { timeMs: 1_000 * n }))
      const outcomes = await publish(world, channel, sent)
      const third = outcomes[2]
      const position = (third?.state === 'stored' && third.position) || ''
      const begins: [Place, string][] = [
        ['first', 'm0'],
        [{ timeMs: 1_500 }, 'm2'],
        [{ timeMs: 4_000 }, 'm4'],
        [{ id: 'm3' }, 'm4'],
        ...(world.claimed.positions === 'none' ? [] : [[{ position }, 'm3'] as [Place, string]]),
        ['end', 'new'],
        [{ timeMs: 9_999_999_999_999 }, 'new'],
      ]
      const readers: [Awaited<ReturnType<typeof openReader>>, string][] = []
      for (const [n, [from, first]] of begins.entries()) {
        readers.push([await openReader(world, channel, { group: `g${n}`, from }), first])
      }
      await publish(world, channel, [outgoing('new', { timeMs: 6_000 })])
      for (const [opened, first] of readers) {
        const got = await take(world, opened, first === 'new' ? 1 : 7 - Number(first.slice(1)))
        assert.equal(got[0]?.message.id, first)
        assert.equal(got.at(-1)?.message.id, 'new')
      }
      if (world.claimed.positions !== 'none') return
      const from = { position: '1' }
      const nowhere = openReader(world, channel, { group: 'nowhere', from })
      await assert.rejects(nowhere, { code: 'UNSUPPORTED' })
    },
    async refusal(world) {
      const channel = await declare(world)
      await publish(world, channel, several(2))
      await takeNothing(world, await openReader(world, channel, { from: 'first' }))
    },
  },
  {
    name: 'settings: a group goes on where it stood, whatever from says',
    patterns: streams,
    async run(world) {
      const channel = await declare(world)
      await publish(world, channel, several(4))
      const opened = await openReader(world, channel)
      await ack(world, opened, await take(world, opened, 2))
      await opened.source[Symbol.asyncDispose]()
      const next = await openReader(world, channel, { from: 'end' })
      assert.deepEqual(idsOf(await take(world, next, 2)), ['m2', 'm3'])
    },
  },
  {
    name: 'settings: retention by count and bytes keeps what a group has not settled',
    patterns: streams,
    needs: (claimed) => claimed.retention,
    refusal: async () => {},
    async run(world) {
      for (const retention of [
        { ageMs: null, messages: 10, bytes: null },
        { ageMs: null, messages: null, bytes: 130 },
        { ageMs: 200, messages: null, bytes: null },
      ]) {
        const channel = await declare(world, { retention })
        const opened = await openReader(world, channel)
        const body = '"0123456789"'
        const sent = several(50).map((one) => ({ ...one, body }))
        await publish(world, channel, sent)
        await world.pass(retention.ageMs === null ? 0 : 2 * retention.ageMs)
        const got = await take(world, opened, 50)
        await ack(world, opened, got.slice(0, 49))
        const depths = offered(world.session.admin.depths, 'depths')
        await publish(world, channel, [outgoing('late', { body })])
        await eventually(world, async () => {
          const [depth] = await depths([channel], world.signal)
          assert.ok(Number(depth?.stored) <= 11, `${depth?.stored} are stored`)
          assert.ok(Number(depth?.stored) >= 2, `${depth?.stored} are stored`)
        })
        await settle(world, opened, [
          { token: got[49]?.token ?? failed(), kind: 'release', delayMs: 0 },
        ])
        assert.deepEqual(idsOf(await take(world, opened, 2)), ['m49', 'late'])
      }
    },
  },
]

function failed(): never {
  throw new Error('fewer deliveries than expected')
}
