import { expect, test } from 'vitest'
import type { OutgoingMessage } from '../../core/message.ts'
import { cloudEventText, readWire, wireBodyBytes } from './wire.ts'

const message: OutgoingMessage = {
  id: 'm',
  key: null,
  timeMs: 1_234,
  headers: {},
  delayMs: 0,
  redrives: 0,
  dedupeId: null,
  type: 't',
  source: 's',
  body: '1',
}

const sent = (over: Partial<OutgoingMessage> = {}) =>
  Buffer.from(cloudEventText({ ...message, ...over }))

const foreign = { id: null, key: null, timeMs: null, type: null, source: null, headers: {} }

test('what was written is read, the body byte for byte', () => {
  const body = '{"n":12345678901234567890, "a": "ä"}'
  const headers = { a: 'ä\u0000€', traceparent: '00-1-2-01' }
  const raw = sent({ body, headers, key: 'k', redrives: 2 })
  const { delayMs, dedupeId, ...rest } = { ...message, body, headers, key: 'k', redrives: 2 }
  expect(readWire(raw)).toEqual({ ...rest, bytes: Buffer.byteLength(body) })
  expect(wireBodyBytes(raw.toString('latin1'))).toBe(Buffer.byteLength(body))
})

test('bytes come as bytes', () => {
  const body = new Uint8Array([0, 255, 10])
  const raw = sent({ body })
  expect(readWire(raw)).toMatchObject({ body, bytes: 3, id: 'm' })
  expect(wireBodyBytes(raw.toString('latin1'))).toBe(raw.length)
})

test('names in the data and in attributes deceive nobody', () => {
  const inner = ',"datacontenttype":"application/json","data":1}'
  const body = JSON.stringify({ inner, data: sent().toString() })
  expect(readWire(sent({ body, id: inner, key: inner }))).toMatchObject({ body, id: inner })
})

test('an event of another program is read, whatever its order and spaces', () => {
  const event = {
    data: { a: [1] },
    id: 'x',
    type: 't',
    source: 's',
    specversion: '1.0',
    time: '2026-01-02T03:04:05Z',
    subject: 'k',
  }
  const read = readWire(Buffer.from(JSON.stringify(event, null, 2)))
  expect(read).toMatchObject({ id: 'x', key: 'k', body: '{"a":[1]}', bytes: 9 })
  expect(read.timeMs).toBe(Date.UTC(2026, 0, 2, 3, 4, 5))
  const { data, time, ...rest } = event
  const bare = readWire(Buffer.from(JSON.stringify({ ...rest, time: 'soon' })))
  expect(bare).toMatchObject({ body: 'null', timeMs: null })
})

test.for([['{"x":1}'], ['[1]'], ['"text"'], ['"say \\"so\\""'], ['1.5e3'], ['null']])(
  'attributes behind the data %s are no part of it',
  ([data]) => {
    const start = '{"specversion":"1.0","id":"a","source":"shop","type":"t"'
    const form = `"datacontenttype":"application/json","data":${data}`
    for (const time of ['', ',"time":"2026-01-02T03:04:05Z"']) {
      for (const more of ['"subject":"k1"', '"subject":"k1","n":5', '"subject":"k1","is":true']) {
        const found = readWire(Buffer.from(`${start}${time},${form},${more}}`))
        const body = JSON.stringify(JSON.parse(data as string))
        expect(found).toMatchObject({ id: 'a', key: 'k1', body })
      }
      const plain = readWire(Buffer.from(`${start}${time},${form}}`))
      expect(plain).toMatchObject({ key: null, body: data })
    }
  },
)

test('a body that is no JSON text comes as it went', () => {
  for (const body of ['', '"not closed', '"one", "other"', '{}]']) {
    expect(readWire(sent({ body }))).toMatchObject({ id: 'm', body, bytes: body.length })
  }
})

test('any other JSON is the data itself', () => {
  for (const body of [
    '7',
    '"text"',
    'null',
    '[1]',
    '{"id":"x"}',
    '{"specversion":"1.0","id":"x"}',
  ]) {
    expect(readWire(Buffer.from(body))).toMatchObject({ ...foreign, body, bytes: body.length })
  }
})

test('what is no JSON is bytes', () => {
  for (const text of ['hello', '', '{"specversion":"1.0","id":', `${sent()}x`]) {
    const raw = Buffer.from(text)
    expect(readWire(raw)).toMatchObject({
      ...foreign,
      body: new Uint8Array(raw),
      bytes: raw.length,
    })
  }
  const broken = Buffer.from([0xff, 0xfe])
  expect(readWire(broken).body).toEqual(new Uint8Array(broken))
})

test('headers that are none do no harm', () => {
  for (const headers of ['no JSON', '[1]', '{"a":1,"b":"c"}', 7, { b: 'c' }]) {
    const event = { specversion: '1.0', id: 'x', type: 't', source: 's', headers, data: 1 }
    const read = readWire(Buffer.from(JSON.stringify(event)))
    expect([{}, { b: 'c' }]).toContainEqual(read.headers)
  }
})

test.for([
  ['the usual form', {}, { id: 'm', type: 't', timeMs: 1_234, body: '1' }],
  ['attributes that are no ASCII', { id: 'ä😀', type: 'ü' }, { id: 'ä😀', type: 'ü' }],
  ['attributes with escapes', { id: 'a"\\', source: '\u0001' }, { id: 'a"\\', source: '\u0001' }],
  ['long attributes', { id: 'i'.repeat(255), type: 't'.repeat(255) }, { id: 'i'.repeat(255) }],
  ['a body that is no ASCII', { body: '"ä😀"' }, { body: '"ä😀"', bytes: 8 }],
  ['a key', { key: 'k' }, { key: 'k', body: '1' }],
] as const)('%s is read', ([, over, read]) => {
  expect(readWire(sent(over))).toMatchObject(read)
})

test('what only looks like the usual form is read as it is', () => {
  const change = (from: string, to: string) => Buffer.from(sent().toString().replace(from, to))
  const control = change('"id":"m"', '"id":"m\u0001"')
  expect(readWire(control)).toMatchObject({ ...foreign, body: new Uint8Array(control) })
  const nameless = change('"id":"m"', '"id":""')
  expect(readWire(nameless)).toMatchObject({ ...foreign, body: nameless.toString() })
  expect(readWire(change('1970', 'soon'))).toMatchObject({ id: 'm', timeMs: null, body: '1' })
  const open = sent().subarray(0, -1)
  expect(readWire(open)).toMatchObject({ ...foreign, body: new Uint8Array(open) })
})
