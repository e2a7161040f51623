import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { ChannelSpec, Ordering } from '../../src/core/channel.ts'
import type { Session } from '../../src/core/driver.ts'
import type { KeptPattern, Settlement, Token } from '../../src/core/message.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import type { World } from '../../src/testing/conformance/case.ts'
import {
  declare,
  failure,
  letter,
  type Opened,
  offered,
  openReader,
  outgoing,
  publish,
} from '../../src/testing/conformance/steps.ts'
import { createWorld } from '../../src/testing/conformance/world.ts'
import { describeRedis } from './redisHere.ts'
import { type Holder, notBefore, StreamLedger } from './streamLedger.ts'

/** Of those who stay awake: no load of the machine makes them lose anything. */
const leaseMs = 60_000
/** Of those who fall asleep as soon as they have something in hand. */
const shortLeaseMs = 400
const steps = 150
/** Nothing that is open takes so long to come. */
const idleMsMax = 10_000

interface Member extends Opened {
  readonly holder: Holder
  readonly session: Session
  /** As they were handed out. */
  readonly tokens: Map<number, Token>
}

/** A few readers that come, work, fall asleep and lose their connections, and a ledger beside. */
class Scene {
  readonly #world: World
  readonly #channel: ChannelSpec
  readonly #order: Ordering
  readonly #ledger: StreamLedger
  readonly #roll: (n: number) => number
  readonly #cut: () => Promise<void>
  #members: Member[] = []
  /** Of the publisher. */
  #session: Session
  #messages = 0

  constructor(
    world: World,
    channel: ChannelSpec,
    { order, seed, cut }: { order: Ordering; seed: number; cut: () => Promise<void> },
  ) {
    this.#world = world
    this.#channel = channel
    this.#order = order
    this.#cut = cut
    this.#session = world.session
    this.#ledger = new StreamLedger(order)
    const random = seededRandom(seed)
    this.#roll = (n) => Math.floor(random() * n)
  }

  async play(): Promise<void> {
    this.#session = await this.#world.open()
    await this.#open()
    for (let step = 0; step < steps; step++) {
      await this.#step(this.#roll(100))
      await this.#renew()
    }
    await this.#drain()
  }

  /** All that are awake show it. */
  async #renew(): Promise<void> {
    for (const { source } of this.#members) await source.renew(null, this.#world.signal)
  }

  async #step(roll: number): Promise<void> {
    if (roll < 24) await this.#publish()
    else if (roll < 56) await this.#take(this.#any(), 1 + this.#roll(4))
    else if (roll < 78) await this.#settleOne(this.#any(), this.#roll(100))
    else if (roll < 84) await wait(this.#roll(60))
    else if (roll < 89) await this.#open()
    else if (roll < 92) await this.#sleep()
    else if (roll < 94) await this.#close()
    else if (roll < 97) await this.#reopen()
    else await this.#redrive()
  }

  #any(): Member {
    return this.#members[this.#roll(this.#members.length)] as Member
  }

  async #open(): Promise<void> {
    if (this.#members.length < 4) this.#members.push(await this.#member(leaseMs, false))
  }

  async #member(ownLeaseMs: number, isAsleep: boolean): Promise<Member> {
    const session = await this.#world.open()
    const opened = await openReader(this.#world, this.#channel, {
      ...{ order: this.#order, leaseMs: ownLeaseMs, session },
    })
    const holder = { name: opened.name, isAsleep, held: new Map() }
    return { ...opened, session, holder, tokens: new Map() }
  }

  async #publish(): Promise<void> {
    const batch = Array.from({ length: 1 + this.#roll(5) }, () => {
      const key = ['a', 'a', 'b', 'c', null][this.#roll(5)] ?? null
      const delayMs = this.#roll(8) === 0 ? 1 + this.#roll(100) : 0
      return outgoing(`m${++this.#messages}`, { key, delayMs })
    })
    const sentMs = performance.now()
    await publish(this.#world, this.#channel, batch, this.#session)
    for (const { id, key, delayMs } of batch) {
      this.#ledger.came(id, key, delayMs > 0 ? notBefore(sentMs, delayMs) : 0)
    }
  }

  /** What is there now; possibly nothing. */
  async #take(member: Member, messages: number, forMs = 25): Promise<void> {
    const got = await member.source.receive({ messages, bytes: 1e6 }, AbortSignal.timeout(forMs))
    this.#ledger.took(member.holder, got)
    for (const { token } of got) member.tokens.set(token.serial, token)
  }

  async #settleOne(member: Member, roll: number): Promise<void> {
    const serials = [...member.holder.held.keys()]
    const serial = serials[this.#roll(Math.max(1, serials.length))]
    if (serial === undefined) return
    await this.#settle(member, this.#settlement(member.tokens.get(serial) as Token, roll))
  }

  #settlement(token: Token, roll: number): Settlement {
    const delayMs = this.#roll(3) === 0 ? 0 : 1 + this.#roll(80)
    if (roll < 55) return { token, kind: 'ack' }
    if (roll < 78) {
      return { token, kind: 'retry', delayMs, failures: 1 + this.#roll(5), error: failure() }
    }
    if (roll < 90) return { token, kind: 'release', delayMs }
    return { token, kind: 'dead', letter: letter(this.#world, this.#channel) }
  }

  async #settle({ source, holder }: Member, settlement: Settlement): Promise<void> {
    const sentMs = performance.now()
    const [outcome] = await source.settle([settlement], this.#world.signal)
    assert.ok(outcome)
    this.#ledger.settled(holder, settlement, outcome, sentMs)
  }

  /** One comes, takes something, and is not heard of again. */
  async #sleep(): Promise<void> {
    const member = await this.#member(shortLeaseMs, true)
    await this.#take(member, 1 + this.#roll(4))
    this.#ledger.took(member.holder, await member.source.stop(this.#world.signal))
  }

  async #close(): Promise<void> {
    if (this.#members.length < 2) return
    const member = this.#members.pop() as Member
    await member.source[Symbol.asyncDispose]()
    this.#ledger.closed(member.holder)
  }

  /** The connections of all break, maybe amid a take; each reader goes on with what it has in hand. */
  async #reopen(): Promise<void> {
    const member = this.#any()
    const abort = new AbortController()
    const room = { messages: 3, bytes: 1e6 }
    const receiving = member.source.receive(room, abort.signal).catch(() => [])
    await this.#cut()
    abort.abort()
    const got = await receiving
    this.#ledger.took(member.holder, got)
    for (const { token } of got) member.tokens.set(token.serial, token)
    this.#session = await this.#world.open()
    const members = this.#members
    this.#members = []
    for (const { name, holder, tokens } of members) {
      const holding = [...holder.held.keys()].map((serial) => tokens.get(serial) as Token)
      const session = await this.#world.open()
      const opened = await openReader(this.#world, this.#channel, {
        ...{ order: this.#order, leaseMs, session, reader: name, holding },
      })
      assert.deepEqual(opened.lost, [])
      this.#members.push({ ...opened, session, holder, tokens })
    }
  }

  async #redrive(): Promise<void> {
    await using session = await this.#world.open()
    const { deadLetters, redrive } = session.admin
    const page = { cursor: null, limit: 3, newestFirst: false }
    const { signal } = this.#world
    const { items } = await offered(deadLetters, 'deadLetters')(this.#channel, null, page, signal)
    const refs = items.map(({ ref }) => ref)
    const outcomes = await offered(redrive, 'redrive')(this.#channel, refs, null, signal)
    assert.ok(outcomes.every(({ state }) => state === 'stored'))
    for (const { message } of items) this.#ledger.came(message.id, message.key, 0)
  }

  /** With time and one reader everything comes to its end, and what slept is charged. */
  async #drain(): Promise<void> {
    let movedMs = performance.now()
    while (this.#ledger.openIds().length > 0 && performance.now() - movedMs < idleMsMax) {
      const before = this.#ledger.openIds().length
      for (const member of this.#members) {
        await this.#take(member, 10, 200)
        for (const serial of [...member.holder.held.keys()]) {
          const token = member.tokens.get(serial) as Token
          await this.#settle(member, { token, kind: 'ack' })
        }
        await this.#renew()
      }
      if (this.#ledger.openIds().length < before) movedMs = performance.now()
    }
    assert.deepEqual(this.#ledger.openIds(), [])
    await using session = await this.#world.open()
    const depths = offered(session.admin.depths, 'depths')
    const [depth] = await depths([this.#channel], this.#world.signal)
    const { waiting, inFlight, scheduled } = depth ?? {}
    assert.deepEqual({ waiting, inFlight, scheduled }, { waiting: 0, inFlight: 0, scheduled: 0 })
  }
}

const firstSeed = Number(process.env.SEED ?? 0)
const seeds = 2

describeRedis('random steps on Redis Streams, as a naive ledger says', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  const cut = async () => {
    await askRedis(server.url, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  }

  describe.for(['queue', 'stream'] as const)('%s', (pattern: KeptPattern) => {
    test.for(['none', 'block', 'skip'] as const)('%s', async (order, { signal }) => {
      for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
        const driver = redis({ url: server.url, queue: 'stream' })
        await using world = await createWorld({ driver, pattern, signal })
        const scene = new Scene(world, await declare(world, { leaseMs }), { order, seed, cut })
        await scene.play().catch((cause) => {
          throw new Error(`SEED=${seed} ${pattern} ${order}`, { cause })
        })
      }
    })
  })
})
