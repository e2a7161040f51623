import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { Codec } from '../core/codec.ts'
import { memory } from '../drivers/memory/index.ts'
import type { ChannelOptions, Receipt } from './api.ts'
import { createBus } from './bus.ts'

async function published<In, Out>(
  options: ChannelOptions<In, Out>,
  ...data: In[]
): Promise<(Receipt | Error)[]> {
  await using bus = await createBus(memory())
  return await bus.queue('orders', options).publishMany(data.map((one) => ({ data: one })))
}

const someNumber = z.custom<number>((value) => typeof value === 'number')

describe('what fits the schema and cannot be read back is told to the publisher, by field:', () => {
  test.each<[string, z.ZodType, unknown, string]>([
    ['a Date', z.object({ at: z.date() }), { at: new Date(0) }, 'at: '],
    ['a Map', z.object({ by: z.map(z.string(), z.int()) }), { by: new Map() }, 'by: '],
    [
      'a class',
      z.object({ to: z.object({ a: z.instanceof(URL) }) }),
      { to: { a: new URL('a:b') } },
      'to.a: ',
    ],
    ['NaN', z.object({ n: z.nan() }), { n: Number.NaN }, 'n: '],
    ['Infinity', z.object({ n: someNumber }), { n: Number.POSITIVE_INFINITY }, 'n: '],
    [
      'undefined in a list',
      z.object({ l: z.array(z.int().optional()) }),
      { l: [1, undefined] },
      'l.1: ',
    ],
    ['a hole in a list', z.array(z.unknown().refine((one) => one !== null)), Array(1), '0: '],
    ['a function', z.object({ f: z.custom(Boolean) }), { f: () => 1 }, 'f: '],
    [
      'a field beside',
      z.looseObject({}).refine((one) => 'a' in one, { path: ['a'] }),
      { a: undefined },
      'a: ',
    ],
  ])('%s', async (_, schema, data, field) => {
    expect(await published({ schema }, data)).toMatchObject([
      {
        code: 'INVALID_MESSAGE',
        definite: true,
        channel: 'orders',
        message: expect.stringMatching(
          `publish to "orders": the data fits the schema, but not as JSON gives it back: ${field}`,
        ),
        hint: expect.stringContaining('coerce'),
      },
    ])
  })

  test('a schema that waits says it too, and spares the neighbours', async () => {
    const schema = z.object({ at: z.union([z.date(), z.iso.date()]).refine(async () => true) })
    const strict = z.object({ at: z.date().refine(async () => true) })
    const data = { at: new Date(0) }
    expect(await published({ schema: strict }, data, data)).toMatchObject([
      { code: 'INVALID_MESSAGE' },
      { code: 'INVALID_MESSAGE' },
    ])
    expect(
      await published({ schema }, { at: '2026-01-02' }, data, { at: '2026-01-02' }),
    ).toMatchObject([
      { duplicate: false },
      { code: 'INVALID_MESSAGE', message: expect.stringContaining('at: ') },
      { duplicate: false },
    ])
  })

  test.each<[string, unknown, string]>([
    ['with its path', { a: [{ b: 1n }] }, 'at a.0.b: Do not know how to serialize a BigInt'],
    ['at the top', 1n, 'as JSON: Do not know how to serialize a BigInt'],
  ])('a bigint, with or without a schema, %s', async (_, data, text) => {
    const told = [{ code: 'INVALID_MESSAGE', message: expect.stringContaining(text) }]
    expect(await published({}, data)).toMatchObject(told)
    expect(await published({ schema: z.any() }, data)).toMatchObject(told)
  })
})

describe('what reads back is published:', () => {
  test.each<[string, z.ZodType, unknown]>([
    ['a date that the schema coerces', z.object({ at: z.coerce.date() }), { at: new Date(0) }],
    ['a field that may be missing', z.object({ a: z.string().optional() }), { a: undefined }],
    [
      'an object without a prototype',
      z.object({ a: z.int() }),
      Object.assign(Object.create(null), { a: 1 }),
    ],
    ['nothing at all', z.null(), null],
    ['deep lists', z.any(), JSON.parse('['.repeat(2_000) + ']'.repeat(2_000))],
  ])('%s', async (_, schema, data) => {
    expect(await published({ schema }, data)).toMatchObject([{ duplicate: false }])
  })

  test('a codec of your own is trusted: it may be that only the reader can read it', async () => {
    const codec: Codec = {
      name: 'sealed',
      encode: () => new Uint8Array([1]),
      decode() {
        throw new Error('no key here')
      },
    }
    expect(await published({ codec, schema: z.date() }, new Date(0))).toMatchObject([
      { duplicate: false },
    ])
  })

  test('plain data is asked about once, other data once more as it will be read', async () => {
    const seen: unknown[] = []
    const schema: StandardSchemaV1<unknown> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate(value) {
          seen.push(value)
          return { value }
        },
      },
    }
    const plain = { a: [1, 'b', true, null, { c: {} }] }
    await published({ schema }, plain)
    expect(seen.splice(0)).toEqual([plain])
    await published({ schema }, new Date(0))
    expect(seen).toEqual([new Date(0), '1970-01-01T00:00:00.000Z'])
  })
})

test('publishMany checks what travels, not what the caller made of it while others waited', async () => {
  await using bus = await createBus(memory())
  const orders = bus.queue('orders', { schema: z.object({ n: z.int() }), inFlightMax: 1 })
  const batch = [{ data: { n: 1 } }, { data: { n: 2 } }, { data: { n: 3 } }]
  const publishing = orders.publishMany(batch)
  for (const { data } of batch) data.n = 0.5
  expect(await publishing).toMatchObject([
    { duplicate: false },
    { duplicate: false },
    { duplicate: false },
  ])
})
