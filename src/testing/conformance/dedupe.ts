import assert from 'node:assert/strict'
import type { Marks } from '../../core/driver.ts'
import type { Settlement } from '../../core/message.ts'
import type { Case, World } from './case.ts'
import {
  ack,
  declare,
  done,
  failure,
  groupOf,
  idsOf,
  letter,
  offered,
  openReader,
  outgoing,
  publish,
  publisherOf,
  receive,
  settle,
  shortLeaseMs,
  take,
  takeNothing,
} from './steps.ts'

const windowMs = 60_000
const firstPage = { cursor: null, limit: 100, newestFirst: false } as const
const once = (id: string) => outgoing(id, { dedupeId: id })

export const dedupeCases: readonly Case[] = [
  {
    name: 'dedupe: on publish an id is stored once in its window, for every publisher',
    needs: (claimed) => claimed.dedupe.publishWindowMsMax !== null,
    async run(world) {
      const channel = await declare(world, { dedupeWindowMs: windowMs })
      const sessions = [world.session, await world.open()]
      const publishers = await Promise.all(sessions.map((one) => publisherOf(world, channel, one)))
      const outcomes = await world.until(
        Promise.all(
          publishers.map((one) => one.publish([once('a'), once('b'), once('a')], world.signal)),
        ),
      )
      const news = outcomes.flat().filter((one) => one.state === 'stored' && !one.duplicate)
      assert.equal(news.length, 2)
      assert.ok(outcomes.flat().every(({ state }) => state === 'stored'))
      const opened = await openReader(world, channel)
      const got = await take(world, opened, 2)
      assert.deepEqual(idsOf(got).sort(), ['a', 'b'])
      await ack(world, opened, got)
      await publish(world, channel, [once('a')])
      await takeNothing(world, opened)
    },
    async refusal(world) {
      const channel = world.channel({ dedupeWindowMs: windowMs })
      await assert.rejects(world.session.publisher(channel, world.signal), { code: 'UNSUPPORTED' })
    },
  },
  {
    name: 'dedupe: after its window an id is new again, and no id is never deduped',
    needs: (claimed) => claimed.dedupe.publishWindowMsMax !== null,
    async run(world) {
      const channel = await declare(world, { dedupeWindowMs: 200 })
      await publish(world, channel, [once('a'), outgoing('b'), outgoing('b')])
      await world.pass(400)
      const [again] = await publish(world, channel, [once('a')])
      assert.equal(again?.state === 'stored' && again.duplicate, false)
      const opened = await openReader(world, channel)
      assert.deepEqual(idsOf(await take(world, opened, 4)).sort(), ['a', 'a', 'b', 'b'])
    },
    refusal: async () => {},
  },
  {
    name: 'dedupe: what was refused has not marked',
    needs: (claimed) => claimed.dedupe.publishWindowMsMax !== null,
    async run(world) {
      const channel = await declare(world, { dedupeWindowMs: windowMs, payloadBytesMax: 10 })
      await using publisher = await publisherOf(world, channel)
      const large = outgoing('a', { dedupeId: 'a', body: '"too large for it"' })
      const small = outgoing('a', { dedupeId: 'a', body: '"small"' })
      const [first, second] = await world.until(publisher.publish([large, small], world.signal))
      assert.equal(first?.state, 'refused')
      assert.ok(second?.state === 'stored' && !second.duplicate)
    },
    refusal: async () => {},
  },
  {
    name: 'dedupe: redrive and retry pass the window',
    needs: (claimed) => claimed.dedupe.publishWindowMsMax !== null && claimed.deadLetters,
    async run(world) {
      const channel = await declare(world, { dedupeWindowMs: windowMs })
      const opened = await openReader(world, channel)
      await publish(world, channel, [once('a')])
      const [first] = await take(world, opened, 1)
      assert.ok(first)
      const retry: Settlement = {
        token: first.token,
        kind: 'retry',
        delayMs: 0,
        failures: 1,
        error: failure(),
      }
      await settle(world, opened, [retry])
      for (let redrives = 0; redrives < 3; redrives++) {
        const [delivery] = await take(world, opened, 1)
        assert.ok(delivery)
        assert.equal(delivery.redrives, redrives)
        const dead: Settlement = {
          token: delivery.token,
          kind: 'dead',
          letter: letter(world, channel),
        }
        await settle(world, opened, [dead])
        const { deadLetters, redrive } = world.session.admin
        const { items } = await offered(deadLetters, 'deadLetters')(
          channel,
          null,
          firstPage,
          world.signal,
        )
        assert.equal(items.length, 1)
        const refs = items.map(({ ref }) => ref)
        const [outcome] = await offered(redrive, 'redrive')(channel, refs, null, world.signal)
        assert.ok(outcome?.state === 'stored' && !outcome.duplicate)
      }
    },
    refusal: async () => {},
  },
  {
    name: 'dedupe: on consume mine, busy for others, done when it is finished',
    needs: (claimed) => claimed.dedupe.consume === 'here',
    run: claims,
    refusal: async (world) => assert.equal(world.session.marks, undefined),
  },
  {
    name: 'dedupe: a claim ends with its lease, so that killed between claim and ack is not lost',
    needs: (claimed) => claimed.dedupe.consume === 'here',
    async run(world) {
      const channel = await declare(world)
      const marks = await marksOf(world, channel)
      const [a, b] = [by('a'), by('b')]
      assert.deepEqual(await marks.claim(['x'], a, shortLeaseMs, world.signal), ['mine'])
      await world.pass(2 * shortLeaseMs)
      assert.deepEqual(await marks.claim(['x'], b, windowMs, world.signal), ['mine'])
      assert.deepEqual(await marks.claim(['x'], a, windowMs, world.signal), ['busy'])
      const keepMs = 1_500 // a busy machine asks in that time
      await marks.finish(['y'], a, keepMs, world.signal)
      assert.deepEqual(await marks.claim(['y'], b, windowMs, world.signal), ['done'])
      await world.pass(keepMs + 200)
      assert.deepEqual(await marks.claim(['y'], b, windowMs, world.signal), ['mine'])
    },
    refusal: async () => {},
  },
  {
    name: 'dedupe: done is written with the ack, and not with one that is late',
    needs: (claimed) => claimed.dedupe.consume === 'here' && claimed.redelivery.how === 'on-lease',
    async run(world) {
      const channel = await declare(world)
      const dying = await openReader(world, channel, { leaseMs: shortLeaseMs })
      const opened = await openReader(world, channel)
      const marks = await marksOf(world, channel)
      await publish(world, channel, [outgoing('one'), outgoing('two')])
      const lost = await take(world, dying, 2)
      const acks = (deliveries: typeof lost) =>
        deliveries.map(({ token, message }): Settlement => {
          return { token, kind: 'ack', remember: { id: message.id, keepMs: windowMs } }
        })
      const [one] = await receive(world, opened)
      const two = await receive(world, opened)
      assert.ok(one)
      assert.deepEqual(await settle(world, dying, acks(lost)), ['late', 'late'])
      const ask = () => marks.claim(['one', 'two'], by('z'), 1, world.signal)
      assert.deepEqual(await ask(), ['mine', 'mine'])
      await world.pass(20)
      assert.deepEqual(await settle(world, opened, acks([one])), [done(world)])
      assert.deepEqual(await ask(), ['done', 'mine'])
      await ack(world, opened, two)
    },
    refusal: async () => {},
  },
]

const by = (reader: string, serial = 1) => ({ reader, serial })

async function marksOf(world: World, channel: Parameters<typeof openReader>[1]): Promise<Marks> {
  await openReader(world, channel)
  const marks = world.session.marks?.(channel, groupOf(world), windowMs)
  return offered(marks, 'marks')
}

async function claims(world: World): Promise<void> {
  const channel = await declare(world)
  const marks = await marksOf(world, channel)
  const other = offered((await world.open()).marks?.(channel, groupOf(world), windowMs), 'marks')
  const { signal } = world
  const [a, b] = [by('a', 1), by('b', 7)]
  assert.deepEqual(await marks.claim(['x', 'y'], a, windowMs, signal), ['mine', 'mine'])
  assert.deepEqual(await marks.claim(['x', 'y'], a, windowMs, signal), ['mine', 'mine'])
  assert.deepEqual(await other.claim(['y', 'z', 'x'], b, windowMs, signal), [
    'busy',
    'mine',
    'busy',
  ])
  assert.deepEqual(await other.claim(['x'], by('a', 2), windowMs, signal), ['busy'])
  await other.finish(['x', 'y'], b, 'forget', signal)
  assert.deepEqual(await other.claim(['x'], b, windowMs, signal), ['busy'])
  await marks.finish(['x'], a, 'forget', signal)
  await marks.finish(['y'], a, windowMs, signal)
  assert.deepEqual(await other.claim(['x', 'y', 'x~1'], b, windowMs, signal), [
    'mine',
    'done',
    'mine',
  ])
}
