import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { Codec } from '../core/codec.ts'
import { memory } from '../drivers/memory/index.ts'
import type { ChannelOptions } from './api.ts'
import { createBus } from './bus.ts'

const schema = z.object({ n: z.int() })
const codec: Codec = { name: 'own', encode: String, decode: String }
const all: ChannelOptions<{ n: number }> = {
  schema,
  leaseMs: 1_000,
  attempts: 3,
  deliveriesMax: 4,
  backoff: { delayMsMin: 10, delayMsMax: 500 },
  payloadBytesMax: 1_000,
  publish: { timeoutMs: 50 },
  inFlightMax: 10,
  inFlightBytesMax: 10_000,
  retention: { messages: 5 },
  dedupe: { on: 'consume' },
  order: 'key',
  onFailure: 'skip',
}

describe('a bus holds a channel once:', () => {
  test('the same options again, in part or none at all, give the same handle', async () => {
    await using bus = await createBus(memory())
    const first = bus.stream('events', all)
    expect(bus.stream('events', structured(all))).toBe(first)
    expect(bus.stream('events', { attempts: 3 })).toBe(first)
    expect(bus.stream('events', { leaseMs: undefined } as object)).toBe(first)
    for (let n = 0; n < 100; n++) expect(bus.stream('events')).toBe(first)
    expect(bus.stream('other')).not.toBe(first)
    expect(bus.queue('events')).not.toBe(first)
  })

  test('the defaults of the project file, asked for by name, are the same options', async () => {
    const channelDefaults = () => ({ attempts: 9 })
    await using bus = await createBus(memory(), { channelDefaults })
    const orders = bus.queue('orders')
    expect(bus.queue('orders', { attempts: 9, leaseMs: 30_000 })).toBe(orders)
    expect(() => bus.queue('orders', { attempts: 5 })).toThrow('attempts: declared 9, now 5')
  })

  const other: [string, ChannelOptions<{ n: number }>, string][] = [
    ['leaseMs', { leaseMs: 2_000 }, 'leaseMs: declared 1000, now 2000'],
    ['attempts', { attempts: 5 }, 'attempts: declared 3, now 5'],
    ['deliveriesMax', { deliveriesMax: 5 }, 'deliveriesMax: declared 4, now 5'],
    ['backoff', { backoff: { delayMsMin: 20 } }, 'backoff: declared 10 to 500 ms, now '],
    ['payloadBytesMax', { payloadBytesMax: 9 }, 'payloadBytesMax: declared 1000, now 9'],
    ['publish', { publish: { retry: false } }, 'publish: declared retry safe within 50 ms, now'],
    ['inFlightMax', { inFlightMax: 9 }, 'inFlightMax: declared 10, now 9'],
    ['inFlightBytesMax', { inFlightBytesMax: 9 }, 'inFlightBytesMax: declared 10000, now 9'],
    ['retention', { retention: { ageMs: 5 } }, 'retention: declared {'],
    [
      'dedupe',
      { dedupe: { on: 'publish' } },
      'dedupe: declared consume:120000, now publish:120000',
    ],
    [
      'order',
      { order: 'none' },
      'order: declared key, now none; onFailure: declared skip, now none',
    ],
    ['onFailure', { order: 'key', onFailure: 'block' }, 'onFailure: declared skip, now block'],
    ['schema', { schema: z.object({ n: z.int() }) }, 'schema: declared one object, now another'],
  ]
  test.each(other)('another %s is refused with both values', async (_, options, text) => {
    await using bus = await createBus(memory())
    const first = bus.stream('events', all)
    const declare = () => bus.stream('events', options)
    expect(declare).toThrow(`channel "events" is declared on this bus with other options: ${text}`)
    expect(declare).toThrow(expect.objectContaining({ code: 'CONFLICT', channel: 'events' }))
    expect(bus.stream('events')).toBe(first)
    await using another = await createBus(memory())
    expect(another.stream('events', options).name).toBe('events')
  })

  test('every option is among them', () => {
    expect(other.map(([name]) => name).sort()).toEqual(Object.keys(all).sort())
  })

  test('who declares in passing first is told by who declares in full', async () => {
    await using bus = await createBus(memory())
    await bus.queue('orders').publish({ n: 1 })
    const declare = () => bus.queue('orders', { schema, attempts: 3 })
    expect(declare).toThrow('schema: declared none, now an object; attempts: declared 5, now 3')
    expect(declare).toThrow(expect.objectContaining({ hint: expect.stringContaining('share') }))
  })

  test('a codec is another view of it, with a handle of its own', async () => {
    await using bus = await createBus(memory())
    const orders = bus.queue('orders', { schema, attempts: 3 })
    const raw = bus.queue('orders', { codec: 'bytes' })
    expect(raw).not.toBe(orders)
    expect(bus.queue('orders', { codec: 'bytes' })).toBe(raw)
    expect(bus.queue('orders', { codec: 'json' })).toBe(orders)
    await raw.publish(new TextEncoder().encode('{"n":1}'))
    expect(await new Promise((resolve) => orders.subscribe(resolve))).toEqual({ n: 1 })
    bus.queue('orders', { codec })
    expect(() => bus.queue('orders', { codec: { ...codec } })).toThrow('codec: declared one object')
  })
})

/** Equal, and nothing of it the same object but the schema. */
function structured<In>({ schema, ...rest }: ChannelOptions<In>): ChannelOptions<In> {
  return { ...structuredClone(rest), ...(schema && { schema }) }
}
