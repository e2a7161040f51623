import { describe, expect, test } from 'vitest'
import { none, scene } from '../../../test/relayScene.ts'
import type { Lead } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { memory } from '../../drivers/memory/index.ts'
import { createBus } from '../bus.ts'
import type { RelayDecision, RelayOptions } from './relayApi.ts'

test('what is published reaches one worker; who publishes is told how many relays took it', async () => {
  await using world = await scene()
  expect(await world.publish(0)).toMatchObject({ receivers: 0 })
  const { relay, told } = await world.relay({ strategy: 'roundRobin' })
  await world.clock.runUntil(relay.ready())
  await world.subscribe('a')
  await world.subscribe('b')
  for (let n = 1; n <= 4; n++) expect(await world.publish(n)).toMatchObject({ receivers: 1 })
  await world.clock.advance(100)
  expect(world.seen).toEqual(['a 1', 'b 2', 'a 3', 'b 4'])
  expect(relay.counts).toEqual({ ...none, taken: 4, routed: 4 })
  expect(told).toEqual([])
})

test('every decision is told before the send it is about', async () => {
  let gone: string | null = null
  const book: string[] = []
  await using world = await scene((live) => ({
    send: async (spec, batch, lead, signal) => {
      const outcomes = await live.send(spec, batch, lead, signal)
      book.push(...batch.map(({ message, to }) => `send ${message.id} ${to.id.split('-')[0]}`))
      return outcomes.map((one, n) => (batch[n]?.to.id === gone ? 'nobody' : one))
    },
  }))
  const onDecision = async (made: readonly RelayDecision[]) => {
    await world.clock.sleep(10, new AbortController().signal)
    for (const { id, kind, to } of made)
      book.push([kind, id, to?.id.split('-')[0]].join(' ').trim())
  }
  const { relay } = await world.relay({ strategy: 'roundRobin', onDecision })
  await world.clock.runUntil(relay.ready())
  const first = await world.subscribe('a')
  await world.publish(1)
  await world.clock.advance(1_000)
  await world.subscribe('b')
  gone = first.worker.id
  await world.publish(2)
  await world.clock.advance(1_000)
  await world.publish(3)
  await world.clock.advance(1_000)
  expect(book.slice(0, 3)).toEqual(['taken m1', 'routed m1 a', 'send m1 a'])
  expect(book.slice(3)).toContain('rerouted m3 b')
  expect(book.indexOf('rerouted m3 b')).toBeLessThan(book.indexOf('send m3 b'))
  expect(relay.counts).toEqual({ ...none, taken: 3, routed: 3, rerouted: 1 })
})

test('a book that cannot be kept is an error, and the messages go on', async () => {
  await using world = await scene()
  const { relay, told } = await world.relay({
    onDecision: () => Promise.reject(new Error('disk')),
  })
  await world.clock.runUntil(relay.ready())
  await world.subscribe('a')
  await world.publish(1)
  await world.clock.advance(100)
  expect(world.seen).toEqual(['a 1'])
  expect(told).toEqual([
    [null, 'HANDLER_FAILED'],
    [null, 'HANDLER_FAILED'],
  ])
})

describe('the lead', () => {
  test('is one of several; another takes over when it goes', async () => {
    await using world = await scene()
    const { relay: first } = await world.relay()
    await world.clock.runUntil(first.ready())
    const { relay: second } = await world.relay()
    await world.clock.advance(10_000)
    expect([first.isReady, second.isReady]).toEqual([true, false])
    await world.subscribe('a')
    await world.publish(1)
    await world.clock.advance(100)
    await world.clock.runUntil(first.close())
    await world.clock.runUntil(second.ready())
    await world.publish(2)
    await world.clock.advance(100)
    expect(world.seen).toEqual(['a 1', 'a 2'])
    expect([first.counts.routed, second.counts.routed]).toEqual([1, 1])
  })

  test('fenced, it routes nothing, drops what it holds, and stands by again', async () => {
    let isFenced = false
    await using world = await scene((live) => ({
      send: (spec, batch, lead, signal) =>
        isFenced
          ? Promise.resolve(batch.map(() => 'fenced' as const))
          : live.send(spec, batch, lead, signal),
      lead: async (...args) => {
        if (isFenced) await world.clock.sleep(1_000, args[3])
        isFenced = false
        return live.lead(...args)
      },
    }))
    const { relay, told } = await world.relay({ hold: { messages: 5, ms: 60_000 } })
    await world.clock.runUntil(relay.ready())
    await world.publish(1)
    await world.clock.advance(500)
    expect(relay.counts.held).toBe(1)
    isFenced = true
    await world.subscribe('a')
    await world.publish(2)
    await world.clock.advance(300)
    expect(relay.isReady).toBe(false)
    expect(relay.counts).toEqual({ ...none, taken: 2, dropped: 2 })
    expect(told).toEqual([
      [null, 'FENCED'],
      ['m1', 'FENCED'],
      ['m2', 'FENCED'],
    ])
    await world.clock.advance(2_000)
    await world.publish(3)
    await world.clock.advance(500)
    expect([relay.isReady, world.seen]).toEqual([true, ['a 3']])
  })

  test('lost while something waits for a worker, that is given up at once', async () => {
    let isFenced = false
    await using world = await scene((live) => ({
      lead: async (...args) => {
        if (isFenced) {
          const { promise, reject } = Promise.withResolvers<never>()
          args[3].addEventListener('abort', () => reject(args[3].reason)) // it stands by
          return promise
        }
        const lead = await live.lead(...args)
        const renew = (signal: AbortSignal) =>
          isFenced
            ? Promise.reject(new NarrowcastError('FENCED', 'another leads'))
            : lead.renew(signal)
        return new Proxy(lead, {
          get(target, name) {
            if (name === 'renew') return renew
            const value = Reflect.get(target, name) as unknown
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
      },
    }))
    const { relay, told } = await world.relay({ hold: { messages: 5, ms: 60_000 } })
    await world.clock.runUntil(relay.ready())
    await world.publish(1)
    await world.clock.advance(100)
    isFenced = true
    await world.clock.advance(1_500)
    expect(relay.counts).toEqual({ ...none, taken: 1, dropped: 1 })
    expect(told).toEqual([
      [null, 'FENCED'],
      ['m1', 'FENCED'],
    ])
  })

  test('missed by its own clock, it sends nothing, and drops what waits', async () => {
    let isStuck = false
    const leads: Lead[] = []
    await using world = await scene((live) => ({
      lead: async (...args) => {
        const lead = await live.lead(...args)
        leads.push(lead)
        return Object.assign(Object.create(lead) as Lead, {
          leaseMs: lead.leaseMs,
          fence: lead.fence,
          receive: lead.receive.bind(lead),
          renew: (signal: AbortSignal) =>
            isStuck ? new Promise<never>(() => {}) : lead.renew(signal),
          [Symbol.asyncDispose]: () => lead[Symbol.asyncDispose](),
        })
      },
    }))
    const { relay, told } = await world.relay({ leaseMs: 3_000 })
    await world.clock.runUntil(relay.ready())
    await world.subscribe('a')
    await world.clock.advance(10_000)
    isStuck = true
    await world.clock.advance(4_000)
    await world.publish(1)
    await world.clock.advance(10)
    expect(world.seen).toEqual([])
    expect(relay.counts).toEqual({ ...none, taken: 1, dropped: 1 })
    expect(told).toEqual([
      [null, 'FENCED'],
      ['m1', 'FENCED'],
    ])
  })
})

test('what may have been sent is counted apart, told, and sent to no other', async () => {
  await using world = await scene(() => ({ send: async (_, batch) => batch.map(() => 'unknown') }))
  const { relay, told } = await world.relay()
  await world.clock.runUntil(relay.ready())
  await world.subscribe('a')
  await world.publish(1)
  await world.clock.advance(1_000)
  expect(relay.counts).toEqual({ ...none, taken: 1, unknown: 1 })
  expect(told).toEqual([['m1', 'CONNECTION_LOST']])
})

test('what certainly was not sent is tried again while it leads', async () => {
  let refusals = 3
  await using world = await scene((live) => ({
    send: async (...args) => {
      if (refusals-- > 0) throw new NarrowcastError('UNAVAILABLE', 'not now')
      return live.send(...args)
    },
  }))
  const { relay, told } = await world.relay()
  await world.clock.runUntil(relay.ready())
  await world.subscribe('a')
  await world.publish(1)
  await world.clock.advance(2_000)
  expect(world.seen).toEqual(['a 1'])
  expect(relay.counts).toEqual({ ...none, taken: 1, routed: 1 })
  expect(told.map(([, code]) => code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE'])
})

test('what can never be sent is given up, and the rest goes on', async () => {
  await using world = await scene((live) => ({
    send: async (...args) => {
      if (args[1].some(({ message }) => message.id === 'm1')) {
        throw new NarrowcastError('PAYLOAD_TOO_LARGE', 'too large')
      }
      return live.send(...args)
    },
  }))
  const { relay, told } = await world.relay()
  await world.clock.runUntil(relay.ready())
  await world.subscribe('a')
  const batch = [0, 1, 2].map((data) => ({ data, options: { id: `m${data}` } }))
  await world.clock.runUntil(world.rooms.publishMany(batch))
  await world.clock.advance(1_000)
  expect(world.seen).toEqual(['a 0', 'a 2'])
  expect(relay.counts).toEqual({ ...none, taken: 3, routed: 2, dropped: 1 })
  expect(told).toEqual([
    [null, 'PAYLOAD_TOO_LARGE'],
    ['m1', 'PAYLOAD_TOO_LARGE'],
  ])
})

describe('refused at the call:', () => {
  test('a driver that has no leads', async () => {
    const { narrowcast } = memory().contracts
    await using bus = await createBus({ ...memory(), contracts: { narrowcast } })
    await expect(bus.relay('rooms')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: 'memory offers no narrowcast by relay (channel "rooms")',
    })
  })

  test.for([
    [{ leaseMs: 5 }, 'option leaseMs: expected a whole number from 300'],
    [{ hold: { messages: 0, ms: 5 } }, 'option hold.messages: expected a whole number from 1'],
    [{ hold: { messages: 5 } as never }, 'option hold.ms'],
    [{ strategy: 'best' as 'random' }, 'option strategy'],
    [{ onDecision: 7 as never }, 'option onDecision: expected a function, got 7'],
    [{ via: 'relay' } as object, 'relay of "rooms": unknown option via'],
    [{ strategy: 'leastBusy' }, "strategy 'leastBusy' needs telemetry"],
  ] as const)('%j', async ([options, text]) => {
    await using bus = await createBus(memory())
    await expect(bus.relay('rooms', options as RelayOptions)).rejects.toThrow(text)
  })

  test('a closed bus', async () => {
    const bus = await createBus(memory())
    await bus.close()
    await expect(bus.relay('rooms')).rejects.toMatchObject({ code: 'CLOSED' })
  })
})
