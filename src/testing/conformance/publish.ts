import assert from 'node:assert/strict'
import type { Case } from './case.ts'
import {
  ack,
  declare,
  idsOf,
  openReader,
  outgoing,
  publish,
  publisherOf,
  seenDelayMs,
  several,
  take,
  takeNothing,
} from './steps.ts'

export const publishCases: readonly Case[] = [
  {
    name: 'publish: one outcome per message, and every part of it travels',
    async run(world) {
      const channel = await declare(world)
      const sent = [
        outgoing('plain'),
        outgoing('rich', {
          key: 'kéy',
          timeMs: 1_234,
          headers: { traceparent: '00-ab', 'x-städte': 'Köln, 東京' },
          type: 'game.ended',
          source: 'server-7',
          body: '{"text":"Grüße 🦸"}',
        }),
        outgoing('binary', { body: new Uint8Array([0, 255, 128, 10]) }),
        outgoing('empty', { body: '' }),
      ]
      const outcomes = await publish(world, channel, sent)
      assert.deepEqual(
        outcomes.map((outcome) => outcome.state === 'stored' && outcome.duplicate),
        [false, false, false, false],
      )
      const opened = await openReader(world, channel)
      const got = await take(world, opened, 4)
      for (const [n, delivery] of got.entries()) {
        const { delayMs, redrives, dedupeId, ...parts } = sent[n] as (typeof sent)[number]
        const { bytes, body, ...message } = delivery.message
        assert.deepEqual({ ...message, headers: { ...message.headers } }, without(parts, 'body'))
        assert.deepEqual(Buffer.from(body), Buffer.from(parts.body))
        assert.equal(typeof body, typeof parts.body)
        assert.equal(bytes, Buffer.from(parts.body).byteLength)
        assert.deepEqual([delivery.failures, delivery.crashes, delivery.redrives], [0, 0, 0])
        assert.equal(delivery.past, null)
      }
    },
  },
  {
    name: 'publish: too large spares its neighbours, and what was refused is never found',
    async run(world) {
      const channel = await declare(world, { payloadBytesMax: 100 })
      await using publisher = await publisherOf(world, channel)
      const batch = [
        outgoing('before'),
        outgoing('large', { body: '"'.padEnd(100, 'é') }),
        outgoing('limit', { body: '"'.padEnd(100, '.') }),
        outgoing('after'),
      ]
      const outcomes = await world.until(publisher.publish(batch, world.signal))
      assert.deepEqual(
        outcomes.map((outcome) => (outcome.state === 'stored' ? 'stored' : outcome.code)),
        ['stored', 'PAYLOAD_TOO_LARGE', 'stored', 'stored'],
      )
      assert.equal(outcomes[1]?.state, 'refused')
      const opened = await openReader(world, channel)
      const got = await take(world, opened, 3)
      assert.deepEqual(idsOf(got), ['before', 'limit', 'after'])
      await ack(world, opened, got)
      await takeNothing(world, opened)
    },
  },
  {
    name: 'publish: 1,000 at once have 1,000 positions, and they rise for each publisher',
    needs: (claimed) => claimed.positions !== 'none',
    async run(world) {
      const channel = await declare(world)
      const sessions = [world.session, await world.open()]
      const publishers = await Promise.all(sessions.map((one) => publisherOf(world, channel, one)))
      const publishing = publishers.flatMap((publisher, who) =>
        Array.from({ length: 10 }, (_, n) =>
          publisher.publish(several(50, `p${who}-${n}-`), world.signal),
        ),
      )
      const outcomes = await world.until(Promise.all(publishing))
      const positions = outcomes.map((batch) =>
        batch.map((outcome) => (outcome.state === 'stored' ? outcome.position : undefined)),
      )
      assert.equal(new Set(positions.flat()).size, 1_000)
      for (const batch of positions) {
        assert.deepEqual(batch, batch.toSorted(byPosition))
      }
      const opened = await openReader(world, channel)
      const got = await take(world, opened, 1_000)
      assert.deepEqual(new Set(got.map(({ position }) => position)), new Set(positions.flat()))
    },
    async refusal(world) {
      const channel = await declare(world)
      const [outcome] = await publish(world, channel, several(1))
      assert.equal(outcome?.state === 'stored' && outcome.position, undefined)
    },
  },
  {
    name: 'publish: after it was disposed a publisher is CLOSED, twice is fine',
    async run(world) {
      const channel = await declare(world)
      const publisher = await publisherOf(world, channel)
      await publisher[Symbol.asyncDispose]()
      await publisher[Symbol.asyncDispose]()
      await assert.rejects(publisher.publish(several(1), world.signal), { code: 'CLOSED' })
    },
  },
  {
    name: 'publish: delay within its error, and a delayed one does not block',
    needs: (claimed) => claimed.delay.how !== 'no',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      const startMs = performance.now()
      const wish = seenDelayMs
      await publish(world, channel, [outgoing('later', { delayMs: wish }), outgoing('now')])
      assert.deepEqual(idsOf(await take(world, opened, 1)), ['now'])
      if (world.isExact) {
        await takeNothing(world, opened, wish - 1)
        const { errorMs, errorShare } = world.claimed.delay
        const receiving = take(world, opened, 1)
        await world.pass(1 + wish * errorShare + errorMs)
        assert.deepEqual(idsOf(await receiving), ['later'])
        return
      }
      assert.deepEqual(idsOf(await take(world, opened, 1)), ['later'])
      assert.ok(performance.now() - startMs >= wish, 'it came before its time')
    },
    async refusal(world) {
      const channel = await declare(world)
      await using publisher = await publisherOf(world, channel)
      const late = [outgoing('later', { delayMs: 1_000 })]
      const [outcome] = await world.until(publisher.publish(late, world.signal))
      assert.equal(outcome?.state, 'refused')
    },
  },
  {
    name: 'publish: a delay that cannot be kept is refused, its neighbours are stored',
    async run(world) {
      const channel = await declare(world)
      await using publisher = await publisherOf(world, channel)
      const { msMax } = world.claimed.delay
      const batch = [outgoing('far', { delayMs: msMax + 1 }), outgoing('near')]
      const [far, near] = await world.until(publisher.publish(batch, world.signal))
      assert.deepEqual([far?.state, near?.state], ['refused', 'stored'])
      const opened = await openReader(world, channel)
      assert.deepEqual(idsOf(await take(world, opened, 1)), ['near'])
    },
  },
]

/** A position is a number, or several with a dash between them. */
function byPosition(one: string | undefined, other: string | undefined): number {
  const numbers = (position = '') => position.split('-').map(BigInt)
  const others = numbers(other)
  for (const [at, number] of numbers(one).entries()) {
    const beside = others[at] ?? 0n
    if (number !== beside) return number < beside ? -1 : 1
  }
  return 0
}

function without<T extends object, K extends keyof T>(value: T, name: K): Omit<T, K> {
  const { [name]: _, ...rest } = value
  return rest
}
