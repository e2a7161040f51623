import { describe, expect, test } from 'vitest'
import { memory } from '../../drivers/memory/index.ts'
import type { ChannelOptions, PublishOptions, SubscribeOptions } from '../api.ts'
import { createBus } from '../bus.ts'
import { planChannel } from '../channelOptions.ts'
import { meantFor } from '../channelWords.ts'

const live = ['broadcast', 'narrowcast'] as const
const noop = () => undefined

describe.for(live)('%s has no options of what is kept:', (pattern) => {
  const channel: [string, ChannelOptions][] = [
    ['leaseMs', { leaseMs: 5_000 }],
    ['attempts', { attempts: 3 }],
    ['deliveriesMax', { deliveriesMax: 3 }],
    ['backoff', { backoff: { delayMsMin: 5 } }],
    ['retention', { retention: { messages: 5 } }],
    ['dedupe', { dedupe: { on: 'publish' } }],
    ['order', { order: 'key' }],
    ['onFailure', { onFailure: 'skip' }],
    ['publish.retry', { publish: { retry: 'always' } }],
  ]
  test.for(channel)('%s, at the call that names the channel', async ([option, options]) => {
    await using bus = await createBus(memory())
    expect(() => bus[pattern]('rooms', options)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        channel: 'rooms',
        message: expect.stringMatching(`^${pattern} "rooms" takes no option ${option}: `),
        hint: expect.stringContaining('Use a queue'),
      }),
    )
    expect(bus[pattern]('rooms').pattern).toBe(pattern)
  })

  const subscription: [string, SubscribeOptions & { batch?: never }][] = [
    ['group', { group: 'mail' }],
    ['from', { from: 'end' }],
    ['deafAfterMs', { deafAfterMs: 1_000 }],
    ['batch', { batch: { size: 2, waitMsMax: 5 } } as object],
  ]
  test.for(subscription)('%s, at subscribe', async ([option, options]) => {
    await using bus = await createBus(memory())
    expect(() => bus[pattern]('rooms').subscribe(noop, options)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(`^${pattern} "rooms" takes no option ${option}: `),
      }),
    )
  })

  test('a delay, at publish; deliveries(), at the call', async () => {
    await using bus = await createBus(memory())
    const rooms = bus[pattern]<number>('rooms')
    const options: PublishOptions = { delayMs: 5 }
    const told = { code: 'UNSUPPORTED', definite: true }
    await expect(rooms.publish(1, options)).rejects.toMatchObject({
      ...told,
      message: expect.stringContaining('takes no option delayMs'),
    })
    expect(() => rooms.deliveries()).toThrow(
      expect.objectContaining({ ...told, message: expect.stringContaining('nothing to settle') }),
    )
  })

  test('a setting of the project file for this very channel, by name', () => {
    expect(() => planChannel('rooms', pattern, {}, { attempts: 3 })).toThrow(
      `${pattern} "rooms" takes no option attempts, said by the project file: `,
    )
  })

  test('what a URL says for all channels is not meant for it', () => {
    const all = { leaseMs: 5_000, attempts: 3, dedupe: { on: 'publish' } as const }
    expect(planChannel('rooms', pattern, {}, meantFor(pattern, all)).spec.leaseMs).toBe(30_000)
    expect(planChannel('orders', 'queue', {}, meantFor('queue', all)).spec.leaseMs).toBe(5_000)
  })
})

describe('who chooses the worker', () => {
  test('is said on a narrowcast, by the URL for all of them, or by the call', () => {
    const all = { via: 'relay' } as const
    const via = (options: ChannelOptions<never>) =>
      planChannel('rooms', 'narrowcast', options, meantFor('narrowcast', all)).spec.via
    expect(via({})).toBe('relay')
    expect(via({ via: 'direct' })).toBe('direct')
    expect(planChannel('rooms', 'narrowcast', {}, {}).spec.via).toBe('direct')
    for (const pattern of ['broadcast', 'queue', 'stream'] as const) {
      expect(planChannel('rooms', pattern, {}, meantFor(pattern, all)).spec.via).toBe('direct')
    }
  })

  test.for([
    ['queue', { via: 'direct' }, 'option via: expected nothing on a queue (narrowcast only)'],
    ['broadcast', { strategy: 'random' }, 'option strategy: expected nothing on a broadcast'],
    ['narrowcast', { via: 'proxy' }, "option via: expected 'direct' or 'relay', got \"proxy\""],
    ['narrowcast', { strategy: 'best' }, 'option strategy: expected random, roundRobin, sticky'],
    ['narrowcast', { via: 'relay', strategy: 'random' }, 'option strategy: expected nothing with'],
  ] as const)('%s takes no %j', ([pattern, options, text]) => {
    expect(() => planChannel('rooms', pattern, options as ChannelOptions<never>, {})).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(text) }),
    )
  })

  test('a driver without the row refuses it, naming what it has not', async () => {
    const { narrowcast, queue } = memory().contracts
    const driver = { ...memory(), contracts: { narrowcast, queue } }
    await using bus = await createBus(driver)
    expect(() => bus.narrowcast('rooms', { via: 'relay' })).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: 'memory offers no narrowcast by relay (channel "rooms")',
      }),
    )
    expect(() => bus.broadcast('rooms')).toThrow('memory offers no broadcast')
    expect(bus.narrowcast('rooms').pattern).toBe('narrowcast')
  })

  test('least busy is refused at opening where there is no telemetry', async () => {
    await using bus = await createBus(memory())
    const rooms = bus.narrowcast('rooms', { strategy: 'leastBusy' })
    const told = { code: 'UNSUPPORTED', message: expect.stringContaining('needs telemetry') }
    await expect(rooms.opened()).rejects.toMatchObject(told)
    await expect(rooms.publish(1)).rejects.toMatchObject(told)
    await using other = await createBus(memory(), { load: () => null })
    await other.narrowcast('rooms', { strategy: 'leastBusy' }).opened()
  })

  test('how many may wait unread is said where they wait here', async () => {
    await using bus = await createBus(memory())
    expect(() => bus.queue('orders').subscribe(noop, { holdMax: 5 })).toThrow(
      'option holdMax: expected nothing on a queue',
    )
    const told = 'option holdMax: expected a whole number from 1'
    expect(() => bus.broadcast('rooms').subscribe(noop, { holdMax: 0 })).toThrow(told)
  })
})
