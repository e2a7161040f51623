import { expect, test } from 'vitest'
import { heard } from '../../test/workerScene.ts'
import type { Clock } from '../core/clock.ts'
import { memory } from '../drivers/memory/index.ts'
import type { Bus, ChannelOptions } from './api.ts'
import { createBus } from './bus.ts'

const leaseMs = 1_000
const turnsToSettle = 8

/** A clock that synchronous work moves, as on a real thread: what falls due waits for its end. */
class ThreadClock implements Clock {
  #nowMs = 0
  readonly #sleepers = new Set<{ dueMs: number; wake: () => void }>()

  wallMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  /** The thread does nothing else meanwhile. */
  work(ms: number): void {
    this.#nowMs += ms
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake)
        this.#sleepers.delete(sleeper)
        resolve()
      }
      const sleeper = { dueMs: this.#nowMs + Math.max(1, ms), wake }
      signal.addEventListener('abort', wake, { once: true })
      this.#sleepers.add(sleeper)
    })
  }

  /** Lets time pass until then. */
  async run(untilMs: number): Promise<void> {
    for (;;) {
      for (let n = 0; n < turnsToSettle; n++) await new Promise(setImmediate)
      const [next] = [...this.#sleepers].toSorted((a, b) => a.dueMs - b.dueMs)
      if (!next || next.dueMs > untilMs) return
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.wake()
    }
  }
}

async function open() {
  const clock = new ThreadClock()
  const bus = await createBus(memory({ clock }), { clock, seed: 1 })
  const queue = (name: string, options: ChannelOptions<string> = {}) =>
    bus.queue<string>(name, { leaseMs, backoff: { delayMsMin: 1, delayMsMax: 1 }, ...options })
  const close = async () => {
    const closing = bus.close()
    await clock.run(clock.monotonicMs() + 10_000)
    await closing
  }
  return { clock, bus, queue, close }
}

const depth = async (bus: Bus, name: string) =>
  (await bus.admin.depths([{ name, pattern: 'queue' }]))[0]

test('messages that start together and take longer than the lease together run once', async () => {
  const { clock, bus, queue, close } = await open()
  const orders = queue('orders')
  for (let n = 0; n < 10; n++) await orders.publish(`${n}`)
  const runs: string[] = []
  const worker = orders.subscribe(
    (data) => {
      runs.push(data)
      clock.work(300)
    },
    { concurrency: 10 },
  )
  const late = heard(worker, 'late')
  const lost = heard(worker, 'lost')
  await clock.run(20_000)
  expect(runs).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`))
  expect({ late, lost }).toEqual({ late: [], lost: [] })
  expect(await depth(bus, 'orders')).toMatchObject({ out: 10, dead: 0 })
  await close()
})

test('what the lease has ended for while others started is lost, and not run', async () => {
  const { clock, bus, queue, close } = await open()
  const orders = queue('orders', { deliveriesMax: 3 })
  await orders.publish('slow')
  await orders.publish('behind it')
  const steps: string[] = []
  const worker = orders.subscribe(
    async (data) => {
      steps.push(data)
      if (data === 'slow') clock.work(leaseMs * 2)
    },
    { concurrency: 2 },
  )
  worker.on('lost', ({ deliveries }) => steps.push(`lost ${deliveries.length}`))
  await clock.run(20_000)
  expect(steps.slice(0, 2)).toEqual(['slow', 'lost 2'])
  expect(steps.filter((step) => step === 'behind it')).toHaveLength(1)
  expect(await depth(bus, 'orders')).toMatchObject({ out: 1, dead: 1 })
  await close()
})

test('a drain while many start gives back what has not begun', async () => {
  const { clock, bus, queue, close } = await open()
  const orders = queue('orders')
  for (let n = 0; n < 3; n++) await orders.publish(`${n}`)
  const runs: string[] = []
  const worker = orders.subscribe(
    (data) => {
      runs.push(data)
      clock.work(300)
      void worker.drain()
    },
    { concurrency: 3 },
  )
  await clock.run(5_000)
  expect(runs).toEqual(['0'])
  expect(await worker.drain()).toMatchObject({ settled: 1, released: 2, abandoned: 0 })
  expect(await depth(bus, 'orders')).toMatchObject({ out: 1, waiting: 2 })
  await close()
})

test('beside a handler that hangs for good a suspect is charged all the same, and dies', async () => {
  const { clock, bus, queue, close } = await open()
  await queue('hangs').publish('hangs')
  const hangs = queue('hangs').subscribe(() => new Promise(() => {}), {
    runMsMax: 200,
    abortMs: 100,
  })
  const stuck = heard(hangs, 'stuck')
  await clock.run(500)
  expect(stuck).toHaveLength(1)
  const blocked = queue('blocked', { leaseMs: 300, deliveriesMax: 3 })
  await blocked.publish('blocker')
  await blocked.publish('healthy')
  const runs: string[] = []
  const worker = blocked.subscribe((data) => {
    runs.push(data)
    if (data === 'blocker') clock.work(700)
  })
  const dead = heard(worker, 'dead')
  await clock.run(clock.monotonicMs() + 8_000)
  expect(runs).toEqual(['blocker', 'blocker', 'blocker', 'healthy'])
  expect(dead).toMatchObject([{ letter: { cause: 'crashes', crashes: 3 } }])
  expect(await depth(bus, 'blocked')).toMatchObject({ out: 1, dead: 1 })
  await close()
})
