import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { copyOf } from './copies.ts'
import { headerBytes } from './headerBytes.ts'

const require = createRequire(import.meta.url)
/** The client's own, which it does not export. */
const codec = require(join(dirname(require.resolve('amqplib')), 'lib/codec.js')) as {
  encodeTable(buffer: Buffer, headers: object, offset: number): number
}
/** As large as the one that the client has. @throws where it would */
const written = (headers: object): number => codec.encodeTable(Buffer.alloc(65_536), headers, 0)

const past = { failures: 1, crashes: 0, redrives: 0, history: null }
const copied = (headers: Record<string, unknown>): Record<string, unknown> => {
  const fields = {
    consumerTag: 't',
    deliveryTag: 1,
    redelivered: false,
    exchange: '',
    routingKey: '',
  }
  const raw = { content: Buffer.from('1'), fields, properties: { headers } }
  return copyOf(raw, { id: 'm', timeMs: 0 }, past).properties.headers ?? {}
}

/** They have another name in a copy, or say what it says itself. */
const isReplaced = (name: string) => name === 'CC' || name === 'ce-lasterror'

const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 60, unit: 'binary' }),
  fc.constantFrom('!', 'value', 'places', 'digits', 'narrowcast-left-out', 'CC'),
  fc.constantFrom('ce-source', 'ce-subject', 'ce-lasterror', 'ce-cc', 'ce-expiration'),
)
const text = fc.tuple(fc.string({ unit: 'binary' }), fc.nat(3_000)).map(([s, n]) => s.repeat(n))
const mark = fc.constantFrom('timestamp', 'decimal', 'int', 'nothing')
const one = fc.oneof(
  ...[fc.boolean(), fc.constant(null), fc.maxSafeInteger(), mark, text],
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
)
const table = fc.dictionary(key, one, { noNullPrototype: true })
const value = fc.oneof(one, fc.array(fc.oneof(one, table)), table)
const anyHeaders = fc.dictionary(key, value, { maxKeys: 60, size: 'max', noNullPrototype: true })

describe('the headers of a copy', () => {
  test('can be written, whatever another program has said', () => {
    let shortened = 0
    fc.assert(
      fc.property(anyHeaders, (headers) => {
        const copy = copied(headers)
        expect(headerBytes(copy) + 4).toBeGreaterThanOrEqual(written(copy))
        expect(copy).toMatchObject({ 'ce-errorcount': 1 })
        const missing = Object.keys(headers).filter((name) => !(name in copy) && !isReplaced(name))
        if (missing.length > 0) expect(copy).toHaveProperty('narrowcast-left-out')
        if (missing.length > 0) shortened++
      }),
      { numRuns: 300, endOnFailure: true }, // to shrink takes minutes,
    )
    expect(shortened).toBeGreaterThan(10)
  })

  test('are left out the longest first, and what went before stays named', () => {
    const first = copied({ a: 'x'.repeat(40_000), b: 'y'.repeat(30_000), c: 'z' })
    expect(first).toMatchObject({ b: expect.any(String), c: 'z', 'narrowcast-left-out': 'a' })
    expect(first).not.toHaveProperty('a')
    const second = copied({ ...first, d: 'd'.repeat(40_000) })
    expect(second).toMatchObject({ b: first.b, c: 'z', 'narrowcast-left-out': 'a, d' })
    expect(second).not.toHaveProperty('d')
  })

  test('are those of the message as far as they can be written', () => {
    const headers = { a: 'x'.repeat(60_000), n: 1, long: 2 ** 52, list: [1.5, { b: null }] }
    expect(copied(headers)).toMatchObject(headers)
    expect(copied({ t: { '!': 'int', value: 5 } })).toMatchObject({ t: '5' })
  })
})
