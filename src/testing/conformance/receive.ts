import assert from 'node:assert/strict'
import type { Delivery, Settlement } from '../../core/message.ts'
import type { Case, World } from './case.ts'
import {
  ack,
  declare,
  done,
  idsOf,
  type Opened,
  offered,
  openReader,
  outgoing,
  publish,
  publisherOf,
  receive,
  settle,
  several,
  take,
  takeNothing,
} from './steps.ts'

export const receiveCases: readonly Case[] = [
  {
    name: 'receive: never more than room, and the driver keeps no more than hold',
    async run(world) {
      const channel = await declare(world)
      const hold = { messages: 7, bytes: 1_048_576 }
      const opened = await openReader(world, channel, { hold })
      await publish(world, channel, several(20))
      const { depths } = world.session.admin
      const held: Delivery[] = []
      for (const messages of [3, 1, 2]) {
        held.push(...(await receive(world, opened, { messages })))
        const [depth] = (await depths?.([channel], world.signal)) ?? []
        const inFlight = depth?.inFlight ?? 'unknown'
        assert.ok(inFlight === 'unknown' || inFlight <= 7, `${inFlight} are out`)
      }
      await ack(world, opened, held)
      for (let left = 20 - held.length; left > 0; left -= hold.messages) {
        await ack(world, opened, await take(world, opened, Math.min(left, hold.messages)))
      }
    },
  },
  {
    name: 'receive: one message above the bytes comes, and alone',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      const large = JSON.stringify('.'.repeat(5_000))
      await publish(world, channel, [
        outgoing('small'),
        outgoing('large', { body: large }),
        outgoing('small too'),
      ])
      const batches: string[][] = []
      while (batches.flat().length < 3) {
        batches.push(idsOf(await receive(world, opened, { bytes: 1_000 })))
      }
      assert.deepEqual(batches, [['small'], ['large'], ['small too']])
    },
  },
  {
    name: 'receive: a waiting reader is woken by a publish of another session',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      const other = await world.open()
      for (let n = 0; n < 5; n++) {
        const receiving = take(world, opened, 1)
        await world.pass(5)
        await publish(world, channel, [outgoing(`m${n}`)], other)
        const got = await receiving
        assert.deepEqual(idsOf(got), [`m${n}`])
        await ack(world, opened, got)
      }
    },
  },
  {
    name: 'receive: an aborted one resolves at once and drops nothing',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      const room = { messages: 10, bytes: 1_000_000 }
      assert.deepEqual(await opened.source.receive(room, AbortSignal.abort()), [])
      const abort = new AbortController()
      const receiving = opened.source.receive(room, abort.signal)
      await world.pass(5)
      abort.abort()
      assert.deepEqual(await receiving, [])
      await publish(world, channel, several(3))
      assert.deepEqual(idsOf(await take(world, opened, 3)), ['m0', 'm1', 'm2'])
    },
  },
  {
    name: 'receive: an abort at a random moment, 1,000 times: nothing missing, no count above 1',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await using publisher = await publisherOf(world, channel, await world.open())
      const seen = new Map<string, number>()
      const note = (got: readonly Delivery[]) => {
        for (const { message } of got) seen.set(message.id, (seen.get(message.id) ?? 0) + 1)
      }
      for (let n = 0; n < 1_000; n++) {
        const abort = new AbortController()
        const receiving = opened.source.receive({ messages: 3, bytes: 1_000_000 }, abort.signal)
        const publishing = publisher.publish([outgoing(`m${n}`)], world.signal)
        await turns((n * 7) % 13)
        abort.abort()
        const got = await receiving
        await publishing
        note(got)
        await ack(world, opened, got)
      }
      while (seen.size < 1_000) {
        const rest = await receive(world, opened)
        note(rest)
        await ack(world, opened, rest)
      }
      assert.equal(Math.max(...seen.values()), 1)
      await takeNothing(world, opened)
    },
  },
  {
    name: 'receive: stop ends it, and nothing that was under way is missing',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      const receiving = opened.source.receive({ messages: 5, bytes: 1_000_000 }, world.signal)
      await publish(world, channel, several(20))
      const stopped = await world.until(opened.source.stop(world.signal))
      const got = [...(await world.until(receiving)), ...stopped]
      await ack(world, opened, got)
      await opened.source[Symbol.asyncDispose]()
      const next = await openReader(world, channel)
      const rest = await take(world, next, 20 - got.length)
      assert.deepEqual([...idsOf(got), ...idsOf(rest)].sort(), idsSorted(20))
      assert.ok(rest.every(({ crashes }) => crashes === 0))
    },
  },
  {
    name: 'receive: disposing gives back what it holds, uncharged, and to the head where release is free',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, several(10))
      await take(world, opened, 4)
      await opened.source[Symbol.asyncDispose]()
      await opened.source[Symbol.asyncDispose]()
      const next = await openReader(world, channel, { session: await world.open() })
      const got = await take(world, next, 10)
      const ids = world.claimed.release === 'free' ? idsOf(got) : idsOf(got).sort()
      assert.deepEqual(ids, idsSorted(10))
      assert.ok(got.every(({ crashes, failures }) => crashes === 0 && failures === 0))
    },
  },
  {
    name: 'receive: reopened reader takes up its own, uncharged, but for what it says it holds',
    needs: (claimed) => claimed.fencing === 'token',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, several(6))
      const held = await take(world, opened, 4)
      await ack(world, opened, held.slice(0, 1))
      const other = await openReader(world, channel)
      const again = await openReader(world, channel, {
        reader: opened.name,
        holding: [held[1], held[2]].flatMap((delivery) => delivery?.token ?? []),
        session: await world.open(),
      })
      const got = await take(world, again, 1)
      assert.deepEqual(idsOf(got), ['m3'])
      assert.deepEqual([got[0]?.crashes, got[0]?.failures], [0, 0])
      assert.deepEqual(idsOf(await take(world, other, 2)), ['m4', 'm5'])
      await takeNothing(world, again)
      await ack(world, again, [...held.slice(1, 3), ...got])
    },
    async refusal(world) {
      const channel = await declare(world)
      const first = await world.open()
      const opened = await openReader(world, channel, { session: first })
      await publish(world, channel, several(2))
      const [held, other] = await take(world, opened, 2)
      assert.ok(held && other)
      await first[Symbol.asyncDispose]()
      const again = await openReader(world, channel, { reader: opened.name, holding: [held.token] })
      assert.deepEqual(again.lost, [{ tokens: 'all', why: 'disconnected' }])
      const late: Settlement[] = [held, other].map(({ token }) => ({ token, kind: 'ack' }))
      assert.deepEqual(await settle(world, again, late), ['late', 'late'])
      assert.deepEqual(idsOf(await take(world, again, 2)).sort(), ['m0', 'm1'])
    },
  },
  {
    name: 'receive: pause stops receiving, not publishing, for every session',
    needs: (claimed) => claimed.pause,
    async run(world) {
      const channel = await declare(world)
      const other = await world.open()
      const opened = await openReader(world, channel, { session: other })
      const pause = offered(world.session.admin.pause, 'pause')
      await pause(channel, true, world.signal)
      await publish(world, channel, several(3))
      await takeNothing(world, opened)
      await pause(channel, false, world.signal)
      assert.deepEqual(idsOf(await take(world, opened, 3)), ['m0', 'm1', 'm2'])
    },
    refusal: async (world) => assert.equal(world.session.admin.pause, undefined),
  },
  {
    name: 'receive: four readers of two sessions, each message once',
    run: shareOut,
  },
]

async function shareOut(world: World): Promise<void> {
  const channel = await declare(world)
  const other = await world.open()
  const readers = await Promise.all(
    [world.session, other, world.session, other].map((session) =>
      openReader(world, channel, { session }),
    ),
  )
  const seen: string[] = []
  const abort = new AbortController()
  const end = AbortSignal.any([abort.signal, world.signal])
  const read = async ({ source }: Opened) => {
    while (!end.aborted) {
      const got = await source.receive({ messages: 16, bytes: 1_000_000 }, end)
      if (got.length === 0) continue
      const acks = got.map(({ token }) => ({ token, kind: 'ack' }) as const)
      assert.ok((await source.settle(acks, world.signal)).every((said) => said === done(world)))
      seen.push(...idsOf(got))
      if (seen.length >= 600) abort.abort()
    }
  }
  const reading = Promise.all(readers.map(read))
  await Promise.all([
    publish(world, channel, several(300, 'a'), world.session),
    publish(world, channel, several(300, 'b'), other),
  ])
  await world.until(reading)
  world.signal.throwIfAborted()
  assert.equal(new Set(seen).size, 600)
  assert.equal(seen.length, 600)
  for (const opened of readers) await takeNothing(world, opened, 10)
  const [first] = readers
  if (first) assert.deepEqual(await settle(world, first, []), [])
}

const idsSorted = (count: number) =>
  several(count)
    .map(({ id }) => id)
    .sort()

/** Microtasks and turns of the event loop, so that the abort falls between any two steps. */
async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    if (n % 3 === 2) await new Promise((done) => setImmediate(done))
    else await null
  }
}
