import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OutgoingMessage } from '../../core/message.ts'
import type { AmqpMessage } from './client.ts'
import { copyOf } from './copies.ts'
import { isReserved } from './headerNames.ts'
import { headerText } from './headerText.ts'
import { type Frame, frameOf, messageOf, pastOf, returnsOf } from './wire.ts'

const delivered = ({ content, properties }: Frame, redelivered = false): AmqpMessage => ({
  content,
  properties,
  fields: { deliveryTag: 1, exchange: '', routingKey: 'orders', redelivered },
})

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 255 })
const headers = fc.dictionary(
  fc.string({ unit: 'binary', maxLength: 60 }).filter((name) => !isReserved(name)),
  fc.string({ unit: 'binary' }),
)
const message: fc.Arbitrary<OutgoingMessage> = fc.record({
  id: text,
  key: fc.option(text),
  timeMs: fc.integer({ min: 0, max: 253_402_300_799_999 }),
  headers,
  delayMs: fc.constant(0),
  redrives: fc.nat(9),
  dedupeId: fc.constant(null),
  type: text,
  source: text,
  body: fc.oneof(fc.json(), fc.uint8Array()),
})

test('what was written is read, and so is a copy of it, whatever it holds', () => {
  fc.assert(
    fc.property(message, (sent) => {
      const { delayMs, dedupeId, redrives, ...rest } = sent
      const frame = frameOf(sent, { isPlain: false })
      const raw = delivered(frame)
      const read = messageOf(raw, 'orders', 0)
      expect(read).toEqual({ ...rest, bytes: frame.content.length })
      expect(pastOf(raw)).toEqual({ failures: 0, crashes: 0, redrives, history: null })
      const last = { name: 'Error', message: sent.type, worker: 'w', atMs: 5 }
      const past = { failures: 3, crashes: 1, redrives, history: { firstFailedMs: 4, last } }
      const copy = delivered(copyOf(raw, read, past))
      expect(messageOf(copy, 'orders', 0)).toEqual(read)
      expect(pastOf(copy)).toEqual(past)
      const back = delivered(copyOf(copy, read, pastOf(raw)))
      expect(back).toEqual(raw)
    }),
  )
})

test('the data alone says nothing of itself', () => {
  fc.assert(
    fc.property(message, (sent) => {
      const { properties, content } = frameOf(sent, { isPlain: true })
      expect(Object.keys(properties)).toEqual(['contentType'])
      expect(content).toEqual(Buffer.from(sent.body))
    }),
  )
})

const anyHeader = fc.oneof(
  fc.string(),
  fc.anything({ withNullPrototype: true, withTypedArray: true }),
)

test('a message of others is read whatever it says of itself, twice the same', () => {
  const foreign = fc.record(
    {
      messageId: fc.string(),
      contentType: fc.constantFrom('application/json', 'text/plain', 'a/b+json', ''),
      type: fc.string(),
      appId: fc.string(),
      timestamp: fc.double({ min: 0, max: 2 ** 64, noNaN: true }), // 64 bits
      headers: fc.dictionary(
        fc.oneof(fc.string(), fc.constantFrom('ce-time', 'ce-lasterror', 'ce-errorcount', 'CC')),
        anyHeader,
      ),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(foreign, fc.uint8Array(), (properties, bytes) => {
      const raw = delivered({ properties, content: Buffer.from(bytes) })
      const read = messageOf(raw, 'orders', 7, () => 'nameless')
      expect(messageOf(raw, 'orders', 7, () => 'nameless')).toEqual(read)
      expect(read.id).not.toBe('')
      expect(read.timeMs).toBeLessThanOrEqual(253_402_300_799_999)
      for (const value of Object.values(read.headers)) expect(typeof value).toBe('string')
      expect(Buffer.from(read.body)).toEqual(raw.content)
      const past = pastOf(raw)
      expect(past.failures).toBeGreaterThanOrEqual(0)
      copyOf(raw, read, past)
    }),
  )
})

test('only one that comes again is counted as given out in vain', () => {
  const frame = { content: Buffer.alloc(0), properties: { headers: { 'x-delivery-count': 4 } } }
  expect(returnsOf(delivered(frame))).toBe(0)
  expect(returnsOf(delivered(frame, true))).toBe(4)
})

test.each([
  ['text', 'text'],
  [1.5, '1.5'],
  [Number.NaN, 'NaN'],
  [null, 'null'],
  [true, 'true'],
  [Buffer.from('ünï'), 'ünï'],
  [Buffer.from([255]), '/w=='],
  [{ '!': 'timestamp', value: 0 }, '1970-01-01T00:00:00.000Z'],
  [{ '!': 'timestamp', value: 1e30 }, '1e+30'],
  [{ '!': 'decimal', value: { places: 2, digits: 314 } }, '3.14'],
  [[1, { a: Buffer.from('b') }], '[1,{"a":"b"}]'],
])('the header %j is %s', (value, expected) => {
  expect(headerText(value)).toBe(expected)
})
