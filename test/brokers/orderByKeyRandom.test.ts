import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import type { Ordering } from '../../src/core/channel.ts'
import type { Driver, Source } from '../../src/core/driver.ts'
import type { Delivery, KeptPattern, Settlement } from '../../src/core/message.ts'
import { file } from '../../src/drivers/file/index.ts'
import { memory } from '../../src/drivers/memory/index.ts'
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
import { type VirtualClock, virtualClock } from '../../src/testing/virtualClock.ts'
import { type Holder, KeyOrderModel } from './keyOrderModel.ts'

const leaseMs = 1_000
const steps = 80

interface Member extends Opened {
  readonly holder: Holder
}

/** One channel with a few readers that come, work, sleep and die, and the model beside it. */
class Scene {
  readonly #world: World
  readonly #clock: VirtualClock
  readonly #roll: (n: number) => number
  readonly #order: Ordering
  readonly #model: KeyOrderModel
  readonly #channel
  #members: Member[] = []
  #sleeping: Member[] = []
  #messages = 0

  constructor(
    world: World,
    channel: Awaited<ReturnType<typeof declare>>,
    order: Ordering,
    clock: VirtualClock,
    seed: number,
  ) {
    this.#world = world
    this.#channel = channel
    this.#order = order
    this.#clock = clock
    const random = seededRandom(seed)
    this.#roll = (n) => Math.floor(random() * n)
    this.#model = new KeyOrderModel(order, leaseMs, clock)
  }

  async play(): Promise<void> {
    await this.#open()
    for (let step = 0; step < steps; step++) {
      await this.#step(this.#roll(100))
      await this.#pass(0)
      await this.#checkDepth()
    }
    await this.#drain()
  }

  async #step(roll: number): Promise<void> {
    if (roll < 22) await this.#publish()
    else if (roll < 55) await this.#take(this.#any(), 1 + this.#roll(4))
    else if (roll < 75) await this.#settle(this.#any(), this.#roll(100))
    else if (roll < 86) await this.#pass(1 + this.#roll(500))
    else if (roll < 90) await this.#open()
    else if (roll < 93) this.#sleep()
    else if (roll < 95) await this.#thaw()
    else if (roll < 96) await this.#close()
    else if (roll < 98) await this.#redrive()
    else if (roll < 99) await this.#remove()
    else await this.#purge()
  }

  #any(): Member {
    return this.#members[this.#roll(this.#members.length)] as Member
  }

  async #open(): Promise<void> {
    if (this.#members.length >= 4) return
    const order = this.#roll(3) === 0 && this.#members.length > 0 ? null : this.#order
    const opened = await openReader(this.#world, this.#channel, { order, leaseMs })
    this.#members.push({ ...opened, holder: this.#model.open(opened.name) })
  }

  async #publish(): Promise<void> {
    const batch = Array.from({ length: 1 + this.#roll(5) }, () => {
      const key = ['a', 'a', 'a', 'b', 'c', null][this.#roll(6)] ?? null
      const delayMs = this.#roll(8) === 0 ? 1 + this.#roll(900) : 0
      return outgoing(`m${++this.#messages}`, { key, delayMs })
    })
    await publish(this.#world, this.#channel, batch)
    for (const { id, key, delayMs } of batch) this.#model.came(id, key, delayMs)
  }

  async #take({ source, holder }: Member, messages: number): Promise<number> {
    const got = await receiveNow(this.#clock, source, messages)
    this.#model.took(holder, got)
    return got.length
  }

  async #settle(member: Member, roll: number): Promise<void> {
    const serials = [...member.holder.held.keys()]
    const serial = serials[this.#roll(Math.max(1, serials.length))]
    if (serial === undefined) return
    const token = { reader: member.name, serial }
    await this.#settleAs(member, this.#settlement(token, roll))
  }

  #settlement(token: Settlement['token'], roll: number): Settlement {
    const delayMs = this.#roll(3) === 0 ? 0 : 1 + this.#roll(700)
    if (roll < 55) return { token, kind: 'ack' }
    if (roll < 80)
      return { token, kind: 'retry', delayMs, failures: 1 + this.#roll(5), error: failure() }
    if (roll < 92) return { token, kind: 'release', delayMs }
    return { token, kind: 'dead', letter: letter(this.#world, this.#channel) }
  }

  async #settleAs({ source, holder }: Member, settlement: Settlement): Promise<void> {
    const [outcome] = await source.settle([settlement], this.#world.signal)
    assert.ok(outcome)
    this.#model.settled(holder, settlement, outcome)
  }

  /** All that are awake show it. */
  async #pass(ms: number): Promise<void> {
    await this.#clock.advance(ms)
    this.#model.pass()
    for (const { source } of this.#members) await source.renew(null, this.#world.signal)
  }

  /** It is not heard of again, or comes back later. */
  #sleep(): void {
    if (this.#members.length < 2) return
    const member = this.#members.splice(this.#roll(this.#members.length), 1)[0] as Member
    member.holder.isAlive = false
    this.#sleeping.push(member)
  }

  /** A sleeper settles something, late or not, and dies. */
  async #thaw(): Promise<void> {
    const member = this.#sleeping.pop()
    const [serial] = member?.holder.held.keys() ?? []
    if (!member || serial === undefined) return
    await this.#settleAs(member, { token: { reader: member.name, serial }, kind: 'ack' })
  }

  async #close(): Promise<void> {
    if (this.#members.length < 2) return
    const member = this.#members.pop() as Member
    await member.source[Symbol.asyncDispose]()
    this.#model.closed(member.holder)
  }

  async #redrive(): Promise<void> {
    const { deadLetters, redrive } = this.#world.session.admin
    const page = { cursor: null, limit: 3, newestFirst: false }
    const read = offered(deadLetters, 'deadLetters')
    const { items } = await read(this.#channel, null, page, this.#world.signal)
    const refs = items.map(({ ref }) => ref)
    if (refs.length === 0) return
    await offered(redrive, 'redrive')(this.#channel, refs, null, this.#world.signal)
    for (const { message } of items) this.#model.came(message.id, message.key, 0)
  }

  async #remove(): Promise<void> {
    const ids = this.#model.openIds()
    const id = ids[this.#roll(Math.max(1, ids.length))]
    if (id === undefined) return
    const remove = offered(this.#world.session.admin.removeMessage, 'removeMessage')
    if (await remove(this.#channel, id, this.#world.signal)) this.#model.removed(id)
  }

  async #purge(): Promise<void> {
    await offered(this.#world.session.admin.purge, 'purge')(this.#channel, this.#world.signal)
    this.#model.purged()
  }

  async #checkDepth(): Promise<void> {
    const depths = offered(this.#world.session.admin.depths, 'depths')
    const [depth] = await depths([this.#channel], this.#world.signal)
    assert.ok(depth)
    this.#model.checkDepth(depth)
  }

  /** Nothing is stuck: with time and one reader everything comes to its end. */
  async #drain(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      const member = this.#any()
      const before = this.#model.openIds().length
      for (const other of this.#members) {
        await this.#take(other, 5)
        for (const serial of [...other.holder.held.keys()]) {
          await this.#settleAs(other, { token: { reader: other.name, serial }, kind: 'ack' })
        }
      }
      idle = this.#model.openIds().length < before ? 0 : idle + 1
      await this.#pass(member.holder.isAlive ? 600 : 0)
    }
    assert.deepEqual(this.#model.openIds(), [])
    await this.#checkDepth()
  }
}

/** Real files take turns of the event loop; only what sleeps on it for long needs the clock. */
async function settled<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  promise.then(over, over)
  for (let turns = 1; !isOver; turns++) {
    await new Promise((done) => setImmediate(done))
    if (turns % 5_000 === 0) await clock.advance(1)
  }
  return promise
}

/** What is there now; possibly nothing. */
async function receiveNow(
  clock: VirtualClock,
  source: Source,
  messages: number,
): Promise<Delivery[]> {
  const abort = new AbortController()
  const receiving = source.receive({ messages, bytes: 1e6 }, abort.signal)
  await clock.settle(8)
  abort.abort()
  return receiving
}

interface Store extends AsyncDisposable {
  readonly driver: Driver
}

const stores: readonly {
  name: string
  seeds: number
  make: (clock: VirtualClock) => Promise<Store>
}[] = [
  {
    name: 'memory',
    seeds: 150,
    make: async (clock) => ({ driver: memory({ clock }), [Symbol.asyncDispose]: async () => {} }),
  },
  {
    name: 'file',
    seeds: 12,
    async make(clock) {
      const dir = await mkdtemp(join(tmpdir(), 'narrowcast-key-random-'))
      const dispose = () => rm(dir, { recursive: true, force: true })
      return { driver: file({ dir, clock }), [Symbol.asyncDispose]: dispose }
    },
  },
]

const firstSeed = Number(process.env.SEED ?? 0)

describe.for(stores)(
  'one of a key at a time and in order on $name, as a naive model says:',
  ({ seeds, make }) => {
    describe.for(['queue', 'stream'] as const)('%s', (pattern: KeptPattern) => {
      test.for(['block', 'skip'] as const)('%s', async (order) => {
        for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
          const clock = virtualClock()
          await using store = await make(clock)
          await using made = await createWorld({ driver: store.driver, pattern })
          const world = { ...made, until: <T>(promise: Promise<T>) => settled(clock, promise) }
          const scene = new Scene(world, await declare(world, { leaseMs }), order, clock, seed)
          await scene.play().catch((cause) => {
            throw new Error(`SEED=${seed} ${pattern} ${order}`, { cause })
          })
        }
      })
    })
  },
)
