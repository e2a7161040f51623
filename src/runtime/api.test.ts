import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { memory } from '../drivers/memory/index.ts'
import type { Bus, Channel, ChannelOptions, Received } from './api.ts'
import { createBus } from './bus.ts'

/** What the first handler on the channel is given. */
function firstOf<In, Out>(channel: Channel<In, Out>): Promise<Out> {
  return new Promise((resolve) => {
    channel.subscribe((data) => resolve(data))
  })
}

describe('publish takes what the schema takes, a handler gets what it gives:', () => {
  const order = z.object({
    count: z.number().default(1),
    tags: z.string().transform((text) => text.split(',')),
    at: z.coerce.date(),
  })

  test('what travels is the input; defaults, transforms and coercions are made by who reads', async () => {
    await using bus = await createBus(memory())
    const orders = bus.queue('orders', { schema: order })
    expectTypeOf(orders).toEqualTypeOf<Channel<z.input<typeof order>, z.output<typeof order>>>()
    await orders.publish({ tags: 'a,b', at: '2026-01-02T03:04:05.000Z' }, { id: 'a' })
    const stored = await bus.admin.message({ name: 'orders', pattern: 'queue' }, 'a')
    expect(stored?.message.body).toBe('{"tags":"a,b","at":"2026-01-02T03:04:05.000Z"}')
    const data = await firstOf(orders)
    expectTypeOf(data).toEqualTypeOf<{ count: number; tags: string[]; at: Date }>()
    expect(data).toEqual({ count: 1, tags: ['a', 'b'], at: new Date('2026-01-02T03:04:05Z') })
  })

  test('the types hold in every verb', async () => {
    await using bus = await createBus(memory())
    const text = bus.stream('lengths', { schema: z.string().transform((one) => one.length) })
    expectTypeOf(text.publish).parameter(0).toEqualTypeOf<string>()
    // @ts-expect-error what the schema gives is not what it takes
    await expect(text.publish(3)).rejects.toMatchObject({ code: 'INVALID_MESSAGE' })
    // @ts-expect-error neither in a batch
    await text.publishMany([{ data: 3 }])
    await text.publishMany([{ data: 'four' }])
    const given: unknown[] = []
    const worker = text.subscribe(
      async (batch) => {
        expectTypeOf(batch).toEqualTypeOf<readonly Received<number>[]>()
        given.push(...batch.map(({ data }) => data))
      },
      { group: 'batch', batch: { size: 5, waitMsMax: 0 } },
    )
    await new Promise((resolve) => worker.on('settled', resolve))
    for await (const { data } of text.deliveries({ group: 'open' })) {
      expectTypeOf(data).toBeNumber()
      given.push(data)
      break
    }
    expect(given).toEqual([4, 4])
  })

  test('any Standard Schema says its own', async () => {
    await using bus = await createBus(memory())
    const byValibot = bus.queue('a', { schema: v.object({ n: v.optional(v.number(), 7) }) })
    expectTypeOf(byValibot).toEqualTypeOf<Channel<{ n?: number | undefined }, { n: number }>>()
    await byValibot.publish({})
    expect(await firstOf(byValibot)).toEqual({ n: 7 })
    const byArktype = bus.queue('b', { schema: type('string.numeric.parse') })
    expectTypeOf(byArktype).toEqualTypeOf<Channel<string, number>>()
    await byArktype.publish('12')
    expect(await firstOf(byArktype)).toBe(12)
  })

  test('one named type serves both sides, and a schema that changes it is refused', async () => {
    await using bus = await createBus(memory())
    expectTypeOf(bus.queue<number>('a')).toEqualTypeOf<Channel<number, number>>()
    expectTypeOf(bus.queue('b')).toEqualTypeOf<Channel<unknown, unknown>>()
    expectTypeOf(bus.queue<number>('c', { schema: z.number() })).toEqualTypeOf<Channel<number>>()
    // @ts-expect-error handlers would be given a string
    bus.queue<number>('d', { schema: z.number().transform(String) })
  })
})

describe("codec 'bytes' means bytes:", () => {
  test('on both sides', async () => {
    await using bus = await createBus(memory())
    const images = bus.queue('images', { codec: 'bytes' })
    expectTypeOf(images).toEqualTypeOf<Channel<Uint8Array, Uint8Array>>()
    // @ts-expect-error a text is no bytes
    await expect(images.publish('text')).rejects.toMatchObject({ code: 'INVALID_MESSAGE' })
    await images.publish(new Uint8Array([1, 2]))
    expect(await firstOf(images)).toEqual(new Uint8Array([1, 2]))
  })

  test('a schema over them goes on from there', async () => {
    await using bus = await createBus(memory())
    const sized = z.instanceof(Uint8Array).transform((bytes) => bytes.length)
    const images = bus.queue('images', { codec: 'bytes', schema: sized })
    expectTypeOf(images).toEqualTypeOf<Channel<Uint8Array<ArrayBuffer>, number>>()
    await images.publish(new Uint8Array(3))
    expect(await firstOf(images)).toBe(3)
  })
})

test('options kept apart from the call, and a pattern that is a variable, keep their types', async () => {
  await using bus = await createBus(memory())
  const declare = <In, Out>(
    on: Bus,
    pattern: 'queue' | 'stream',
    options: ChannelOptions<In, Out>,
  ): Channel<In, Out> => on[pattern](`one.${pattern}`, options)
  const parsed = declare(bus, 'queue', { schema: z.string().transform(Number) })
  expectTypeOf(parsed).toEqualTypeOf<Channel<string, number>>()
  await parsed.publish('5')
  expect(await firstOf(parsed)).toBe(5)
})
