import { expect, expectTypeOf, onTestFinished, test, vi } from 'vitest'
import { heard, open } from '../../../test/workerScene.ts'
import type { Clock } from '../../core/clock.ts'
import { dead, retry } from '../../core/verdict.ts'
import type { Received, SubscribeOptions } from '../api.ts'
import type { HandlerRun, Middleware } from '../handlerRun.ts'
import { type CircuitBreakerOptions, circuitBreaker } from './circuitBreaker.ts'

/** A queue whose handler needs something that may be down. */
async function scene(
  options: CircuitBreakerOptions,
  subscribe: SubscribeOptions<string> = {},
  attempts = 100,
) {
  const { clock, bus, orders } = await open({ attempts })
  const state = { isDown: false }
  const begun: string[] = []
  const states: string[] = []
  const breaker = circuitBreaker({
    ...options,
    onChange: (to) => states.push(`${to} ${clock.monotonicMs()}`),
  })
  const worker = orders.subscribe(
    (data) => {
      begun.push(data)
      if (data === 'throws') throw new Error('down')
      if (data === 'dead') return dead('asked for')
      return data === 'retry' || state.isDown ? retry({ delayMs: 86_400_000 }) : undefined
    },
    { ...subscribe, middleware: [breaker] },
  )
  const publish = async (...all: string[]) => {
    await orders.publishMany(all.map((data) => ({ data })))
    await clock.settle(20)
  }
  return { clock, bus, orders, worker, breaker, state, begun, states, publish }
}

test('too many failures open it: messages wait uncharged until one that is tried succeeds', async () => {
  const { clock, bus, worker, state, begun, states, publish } = await scene({
    failuresMax: 3,
    openMs: 10_000,
  })
  const settled = heard(worker, 'settled')
  state.isDown = true
  await publish('a', 'b', 'c', 'd', 'e', 'f')
  expect({ begun, states }).toEqual({ begun: ['a', 'b', 'c'], states: ['open 0'] })
  await clock.advance(9_999)
  expect(begun).toHaveLength(3)
  await clock.advance(1)
  expect(begun.slice(3)).toEqual(['d'])
  expect(states.slice(1)).toEqual(['half-open 10000', 'open 10000'])
  state.isDown = false
  await clock.advance(10_000)
  expect(begun.slice(4)).toEqual(['e', 'f'])
  expect(states.slice(3)).toEqual(['half-open 20000', 'closed 20000'])
  expect(settled.map(({ kind }) => kind)).toEqual([...Array(4).fill('retry'), 'ack', 'ack'])
  await clock.runUntil(bus.close())
})

test('an hour of outage charges nobody who is not tried, and keeps the order', async () => {
  const { clock, bus, state, begun, publish, worker } = await scene(
    { failuresMax: 1, openMs: 3_600_000 },
    { runMsMax: 60_000, concurrency: 1 },
  )
  const settled = heard(worker, 'settled')
  state.isDown = true
  await publish('down', 'a', 'b', 'c')
  state.isDown = false
  await clock.advance(3_599_999)
  expect(begun).toEqual(['down'])
  const kinds = settled.slice(1).map(({ kind }) => kind)
  expect(new Set(kinds)).toEqual(new Set(['release']))
  await clock.advance(1)
  await clock.settle(20)
  expect(begun).toEqual(['down', 'a', 'b', 'c'])
  await clock.runUntil(bus.close())
})

test('failures that lie further apart than the window do not add up', async () => {
  const { clock, bus, begun, states, publish } = await scene({ failuresMax: 2, windowMs: 1_000 })
  for (let n = 0; n < 5; n++) {
    await publish('retry')
    await clock.advance(1_100)
  }
  expect({ count: begun.length, states }).toEqual({ count: 5, states: [] })
  await publish('retry', 'retry')
  expect(states).toHaveLength(1)
  await clock.runUntil(bus.close())
})

test('a share is judged by enough runs; a throw and a retry are failures, dead is none', async () => {
  const { clock, bus, begun, states, publish } = await scene(
    { failureShare: 0.5, runsMin: 6 },
    {},
    1,
  )
  await publish('retry', 'throws', 'dead', 'dead', 'ok')
  expect(states).toEqual([])
  await publish('ok') // the sixth, and two in six
  await publish('throws')
  expect(states).toEqual([])
  await publish('retry') // four in eight
  expect({ count: begun.length, states }).toEqual({ count: 8, states: ['open 0'] })
  await clock.runUntil(bus.close())
})

test('half open, so many are tried at once as are told, and all of them must succeed', async () => {
  const { clock, bus, orders } = await open({ attempts: 100 })
  const ends = new Map<string, PromiseWithResolvers<void>>()
  const states: string[] = []
  const breaker = circuitBreaker({
    failuresMax: 1,
    openMs: 1_000,
    halfOpen: 2,
    onChange: (to) => states.push(to),
  })
  orders.subscribe(
    (data) => {
      const end = Promise.withResolvers<void>()
      ends.set(data, end)
      return data === 'first' ? retry({ delayMs: 86_400_000 }) : end.promise
    },
    { concurrency: 10, middleware: [breaker] },
  )
  await orders.publish('first')
  await clock.settle(20)
  await orders.publishMany([{ data: 'a' }, { data: 'b' }, { data: 'c' }, { data: 'd' }])
  await clock.advance(1_000)
  expect([...ends.keys()]).toEqual(['first', 'a', 'b'])
  ends.get('b')?.resolve()
  await clock.settle(20)
  expect([...ends.keys()]).toEqual(['first', 'a', 'b']) // one success, one running
  ends.get('a')?.reject(new Error('down'))
  await clock.settle(20)
  expect(states).toEqual(['open', 'half-open', 'open'])
  await clock.advance(1_000)
  expect([...ends.keys()].slice(3)).toEqual(['c', 'd'])
  ends.get('c')?.resolve()
  await clock.settle(20)
  expect(states.at(-1)).toBe('half-open')
  ends.get('d')?.resolve()
  await clock.advance(1_000)
  expect(states.at(-1)).toBe('closed')
  for (const end of ends.values()) end.resolve()
  await clock.runUntil(bus.close())
})

test('what hangs is judged when its time is over, and a late end says nothing any more', async () => {
  const { clock, bus, orders } = await open({ attempts: 100 })
  const hangs = Promise.withResolvers<void>()
  const states: string[] = []
  const breaker = circuitBreaker({ failuresMax: 1, onChange: (to) => states.push(to) })
  orders.subscribe(() => hangs.promise, {
    runMsMax: 5_000,
    abortMs: 1_000,
    concurrency: 2,
    middleware: [breaker],
  })
  await orders.publish('x')
  await clock.advance(4_999)
  expect(states).toEqual([])
  await clock.advance(1)
  expect(states).toEqual(['open'])
  hangs.resolve()
  await clock.settle(20)
  expect(states).toEqual(['open'])
  await clock.runUntil(bus.close())
})

test('a drain while it is open gives back at once; one that ends a trial frees its place', async () => {
  const { clock, bus, orders, worker, breaker, publish, states, begun, state } = await scene(
    { failuresMax: 1, openMs: 1_000 },
    { concurrency: 2 },
  )
  state.isDown = true
  await publish('down')
  await publish('a', 'b')
  expect(await clock.runUntil(worker.drain())).toEqual({ settled: 0, released: 2, abandoned: 0 })
  expect(clock.monotonicMs()).toBe(0)
  const trials: string[] = []
  const tried = orders.subscribe(
    (data, { signal }) => {
      trials.push(data)
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      )
    },
    { middleware: [breaker] },
  )
  await clock.advance(1_000)
  expect(trials).toHaveLength(1)
  expect(await clock.runUntil(tried.drain())).toMatchObject({ settled: 0, released: 1 })
  expect(states.slice(1)).toEqual(['half-open 1000'])
  orders.subscribe((data) => void begun.push(data), { middleware: [breaker] })
  await clock.settle(50)
  expect(begun.toSorted()).toEqual(['a', 'b', 'down'])
  expect(states.at(-1)).toContain('closed')
  await clock.runUntil(bus.close())
})

test('what an inner layer gives back is no failure', async () => {
  const { clock, bus, orders } = await open()
  const states: string[] = []
  const breaker = circuitBreaker({ failuresMax: 1, onChange: (to) => states.push(to) })
  const gate: Middleware<string> = async (_, next, run) => {
    await run.wait((signal) => new Promise((done) => signal.addEventListener('abort', done)))
    return next()
  }
  const worker = orders.subscribe(() => undefined, { middleware: [breaker, gate] })
  await orders.publish('x')
  await clock.settle(20)
  expect(await clock.runUntil(worker.drain())).toMatchObject({ released: 1 })
  expect(states).toEqual([])
  await clock.runUntil(bus.close())
})

/** Calls the function by hand: time stands still until `wake`. */
function byHand(breaker: Middleware<string>) {
  const sleeping: (() => void)[] = []
  const clock: Clock & { nowMs: number } = {
    nowMs: 0,
    wallMs: () => 0,
    monotonicMs: () => clock.nowMs,
    sleep: (_, signal) =>
      new Promise((done) => {
        sleeping.push(done)
        signal.addEventListener('abort', () => done())
      }),
  }
  const { signal } = new AbortController()
  const call = (handler: () => Promise<undefined>, wait: HandlerRun['wait'] = (w) => w(signal)) =>
    breaker({ signal } as Received<string>, handler, {
      clock,
      wait,
    } as Partial<HandlerRun> as HandlerRun)
  const wake = async (nowMs: number) => {
    clock.nowMs = nowMs
    for (const done of sleeping.splice(0)) done()
    await new Promise(setImmediate)
  }
  return { clock, call, wake }
}

test('nobody overtakes who waits, though it may begin before the other has woken', async () => {
  const { clock, call, wake } = byHand(circuitBreaker({ failuresMax: 1, openMs: 1_000 }))
  await expect(call(() => Promise.reject(new Error('down')))).rejects.toThrow('down')
  const begun: string[] = []
  const waits = call(async () => void begun.push('waits'))
  await new Promise(setImmediate)
  clock.nowMs = 1_000
  const late = call(async () => void begun.push('late'))
  await new Promise(setImmediate)
  expect(begun).toEqual([])
  await wake(1_000)
  await Promise.all([waits, late])
  expect(begun).toEqual(['waits', 'late'])
})

test('a trial that is given back before it began leaves its place to the next', async () => {
  const { call, wake } = byHand(circuitBreaker({ failuresMax: 1, openMs: 1_000 }))
  await expect(call(() => Promise.reject(new Error('down')))).rejects.toThrow('down')
  const lost = call(
    async () => undefined,
    async (until) => {
      await until(new AbortController().signal)
      throw new Error('given back')
    },
  )
  const told = expect(lost).rejects.toThrow('given back')
  await wake(1_000)
  await told
  const begun: string[] = []
  await call(async () => void begun.push('next'))
  expect(begun).toEqual(['next'])
})

test.each(['throws', 'rejects'])(
  'an onChange that %s is a warning, and fails no message',
  async (how) => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    onTestFinished(() => warned.mockRestore())
    const { clock, bus, orders } = await open({ attempts: 1 })
    const breaker = circuitBreaker({
      failuresMax: 1,
      openMs: 1_000,
      onChange: (to) => {
        const error = new Error(`cannot tell of ${to}`)
        if (how === 'throws') throw error
        return Promise.reject(error)
      },
    })
    const worker = orders.subscribe((data) => (data === 'fails' ? retry() : undefined), {
      middleware: [breaker],
    })
    const settled = heard(worker, 'settled')
    await orders.publish('fails')
    await clock.settle(20)
    await orders.publish('tried')
    await clock.advance(1_000)
    expect(settled.map(({ kind }) => kind)).toEqual(['dead', 'ack'])
    expect(warned.mock.calls.map(([text]) => text)).toContain(
      'onChange of a circuitBreaker threw: cannot tell of closed',
    )
    await clock.runUntil(bus.close())
  },
)

test('wrong options are refused by name, and it composes with the layers of any payload', () => {
  const wrong: [object, string][] = [
    [{}, 'either failuresMax or failureShare'],
    [{ failuresMax: 1, failureShare: 1 }, 'either failuresMax or failureShare'],
    [{ failuresMax: 0 }, 'option circuitBreaker.failuresMax'],
    [{ failuresMax: 1, runsMin: 2 }, 'option circuitBreaker.runsMin'],
    [{ failureShare: 0 }, 'option circuitBreaker.failureShare'],
    [{ failureShare: 1.1 }, 'option circuitBreaker.failureShare'],
    [{ failureShare: Number.NaN }, 'option circuitBreaker.failureShare'],
    [{ failureShare: 1, runsMin: 0 }, 'option circuitBreaker.runsMin'],
    [{ failuresMax: 1, windowMs: 99 }, 'option circuitBreaker.windowMs'],
    [{ failuresMax: 1, openMs: 0 }, 'option circuitBreaker.openMs'],
    [{ failuresMax: 1, halfOpen: 0 }, 'option circuitBreaker.halfOpen'],
    [{ failuresMax: 1, onchange: () => undefined }, 'unknown option onchange'],
  ]
  for (const [options, text] of wrong) expect(() => circuitBreaker(options)).toThrow(text)
  expectTypeOf(circuitBreaker({ failuresMax: 1 })).toExtend<Middleware<{ id: number }>>()
})
