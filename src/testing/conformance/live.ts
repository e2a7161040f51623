import assert from 'node:assert/strict'
import type { ChannelSpec } from '../../core/channel.ts'
import type { OutgoingMessage } from '../../core/message.ts'
import type { LiveCase, World } from './case.ts'
import {
  hand,
  handedIds,
  type Joined,
  join,
  receiveLive,
  takeIds,
  takeNoMessage,
} from './liveSteps.ts'
import { declare, outgoing, several } from './steps.ts'

const ids = (count: number, prefix = 'm') => several(count, prefix).map(({ id }) => id)

/** What whoever is there is handed, and how. */
export const liveCases: readonly LiveCase[] = [
  {
    name: 'live: nothing published before the subscription is confirmed is owed',
    async run(world) {
      const channel = await declare(world)
      const before = await join(world, channel)
      await hand(world, channel, before, several(3, 'early'))
      await before.source[Symbol.asyncDispose]()
      const joined = await join(world, channel, { session: await world.open() })
      assert.equal(joined.source.resumed, false)
      assert.deepEqual(await hand(world, channel, joined, several(2)), [1, 1])
      assert.deepEqual(await takeIds(world, joined, 2), ['m0', 'm1'])
      await takeNoMessage(world, joined)
    },
  },
  {
    name: 'live: a message comes out as it went in',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      const headers = { 'a-header': 'ä\u0000€' }
      const bytes = new Uint8Array([0, 255, 10])
      const sent = [
        outgoing('text', { headers, key: 'k', timeMs: 1_234, type: 't', source: 's' }),
        outgoing('bytes', { body: bytes }),
      ]
      await hand(world, channel, joined, sent)
      const got = await receiveLive(world, joined, { messages: 1 })
      got.push(...(await receiveLive(world, joined)))
      const { delayMs, redrives, dedupeId, ...text } = sent[0] ?? outgoing('none')
      const length = Buffer.byteLength(String(text.body))
      assert.deepEqual(got[0], { ...text, bytes: length })
      assert.deepEqual([got[1]?.body, got[1]?.key, got[1]?.bytes], [bytes, null, 3])
    },
  },
  {
    name: 'live: never more than room, and one message above its bytes comes alone',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      await hand(world, channel, joined, several(7))
      // What is still on its way comes with the next.
      const first = handedIds(await receiveLive(world, joined, { messages: 3 }))
      if (world.isExact) assert.equal(first.length, 3)
      const rest = await takeIds(world, joined, 7 - first.length)
      assert.deepEqual([...first, ...rest], ids(7))
      const large = JSON.stringify('.'.repeat(5_000))
      const mixed = [outgoing('small'), outgoing('large', { body: large }), outgoing('small too')]
      await hand(world, channel, joined, mixed)
      const batches: string[][] = []
      while (batches.flat().length < 3) {
        batches.push(handedIds(await receiveLive(world, joined, { bytes: 1_000 })))
      }
      assert.deepEqual(batches, [['small'], ['large'], ['small too']])
    },
  },
  {
    name: 'live: who waits is woken by another session',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      const other = await world.open()
      for (let n = 0; n < 5; n++) {
        const receiving = takeIds(world, joined, 1)
        await world.pass(5)
        assert.deepEqual(await hand(world, channel, joined, [outgoing(`m${n}`)], other), [1])
        assert.deepEqual(await receiving, [`m${n}`])
      }
    },
  },
  {
    name: 'live: one receive at a time, with room for one at least',
    async run(world) {
      const channel = await declare(world)
      const { source } = await join(world, channel)
      const abort = new AbortController()
      const waiting = source.receive({ messages: 1, bytes: 1_000 }, abort.signal)
      const refused = { code: 'INVALID_ARGUMENT' }
      await assert.rejects(source.receive({ messages: 1, bytes: 1_000 }, world.signal), refused)
      abort.abort()
      assert.deepEqual(await world.until(waiting), [])
      await assert.rejects(source.receive({ messages: 0, bytes: 1_000 }, world.signal), refused)
    },
  },
  {
    name: 'live: an aborted receive resolves at once and drops nothing',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      const room = { messages: 10, bytes: 1_000_000 }
      assert.deepEqual(await joined.source.receive(room, AbortSignal.abort()), [])
      const abort = new AbortController()
      const receiving = joined.source.receive(room, abort.signal)
      await world.pass(5)
      abort.abort()
      assert.deepEqual(await receiving, [])
      await hand(world, channel, joined, several(3))
      assert.deepEqual(await takeIds(world, joined, 3), ids(3))
    },
  },
  {
    name: 'live: an abort at any moment loses nothing that was not handed',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      const other = await world.open()
      const seen: string[] = []
      for (let n = 0; n < 300; n++) {
        const abort = new AbortController()
        const receiving = joined.source.receive({ messages: 3, bytes: 1_000_000 }, abort.signal)
        const handing = hand(world, channel, joined, [outgoing(`m${n}`)], other)
        await turns((n * 7) % 13)
        abort.abort()
        seen.push(...handedIds(await world.until(receiving)))
        assert.deepEqual(await handing, [1])
      }
      while (seen.length < 300) seen.push(...handedIds(await receiveLive(world, joined)))
      assert.deepEqual(seen, ids(300))
      await takeNoMessage(world, joined)
    },
  },
  {
    name: 'live: what one publisher sends to one receiver comes in its order',
    needs: (claimed) => claimed.order.scope !== 'none',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      const key = world.claimed.order.scope === 'key' ? 'k' : null
      const keyed = (prefix: string) => several(150, prefix).map((one) => ({ ...one, key }))
      await hand(world, channel, joined, keyed('a'))
      await hand(world, channel, joined, keyed('b'))
      assert.deepEqual(await takeIds(world, joined, 300, { messages: 70 }), [
        ...ids(150, 'a'),
        ...ids(150, 'b'),
      ])
    },
    async refusal(world) {
      assert.equal(world.claimed.order.scope, 'none')
    },
  },
  {
    name: 'live: beyond hold the oldest goes, and a gap says how many before the rest comes',
    needs: (claimed) => claimed.tells.includes('overflow'),
    async run(world) {
      const channel = await declare(world)
      const hold = { messages: 3, bytes: 1_000 }
      const joined = await join(world, channel, { hold })
      await overflow(world, channel, joined, several(8), 3)
      await hand(world, channel, joined, several(3))
      assert.deepEqual(await takeIds(world, joined, 3), ids(3))
      assert.deepEqual(joined.gaps, [])
      const body = JSON.stringify('.'.repeat(398))
      const long = several(3).map((one) => ({ ...one, body }))
      await overflow(world, channel, joined, long, 2)
      const large = JSON.stringify('.'.repeat(5_000))
      const last = [outgoing('small'), outgoing('large', { body: large })]
      await overflow(world, channel, joined, last, 1)
    },
    refusal: async () => {},
  },
]

/**
 * Hands these over, of which so many fit. What a broker has on its way when the first is taken is
 * not dropped for it: then it is done once more, until all were there together.
 */
async function overflow(
  world: World,
  channel: ChannelSpec,
  joined: Joined,
  messages: readonly OutgoingMessage[],
  kept: number,
): Promise<void> {
  const sent = messages.map(({ id }) => id)
  for (let tries = 0; ; tries++) {
    await hand(world, channel, joined, messages)
    await world.pass(tries * world.claimed.wakeMs)
    const [first] = await receiveLive(world, joined, { messages: 1 })
    const taken = handedIds(first ? [first] : [])
    const told = joined.gaps.splice(0)
    while (taken.at(-1) !== sent.at(-1)) taken.push(...(await takeIds(world, joined, 1)))
    const missed = [...told, ...joined.gaps.splice(0)]
    const count = missed.reduce((sum, gap) => sum + Number(gap.missed), 0)
    assert.equal(taken.length + count, sent.length)
    assert.deepEqual(taken.slice(-kept), sent.slice(-kept))
    if (taken.length > kept && tries < 50) continue
    assert.deepEqual([taken, told], [sent.slice(-kept), [{ missed: count, why: 'overflow' }]])
    return
  }
}

/** Microtasks and turns of the event loop, so that the abort falls between any two steps. */
async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    if (n % 3 === 2) await new Promise((done) => setImmediate(done))
    else await null
  }
}
