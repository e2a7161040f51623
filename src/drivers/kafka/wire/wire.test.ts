import { expect, test } from 'vitest'
import type { DeadLetter, OutgoingMessage } from '../../../core/message.ts'
import { copyOf, failed } from './copies.ts'
import { read, type StoredRecord } from './message.ts'
import { type OutgoingRecord, recordOf } from './record.ts'

const nowMs = 1_700_000_000_000
const outgoing = (over: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  ...{ id: 'm', key: null, timeMs: nowMs, headers: {}, delayMs: 0, redrives: 0, dedupeId: null },
  ...{ type: 'orders', source: 'narrowcast', body: '{"n":1}', ...over },
})
const stored = (record: OutgoingRecord, over: Partial<StoredRecord> = {}): StoredRecord => ({
  ...{ topic: 'orders', partition: 2, offset: 7, timestampMs: record.timestampMs },
  ...{ key: record.key, value: record.value, headers: [...record.headers], ...over },
})
const foreign = (value: Buffer | null, headers: Record<string, string> = {}): StoredRecord => ({
  ...{ topic: 'orders', partition: 0, offset: 3, timestampMs: 5, key: null, value },
  headers: Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]),
})
const wire = (message: OutgoingMessage) => recordOf(message, { isPlain: false, nowMs })

test.for([
  outgoing(),
  outgoing({ key: 'ké', headers: { traceparent: '00', 'x-ü': 'ö' }, type: 't', source: 's' }),
  outgoing({ timeMs: 1_234, redrives: 2 }),
  outgoing({ body: new Uint8Array([0, 255, 10]) }),
  outgoing({ body: '' }),
  outgoing({ timeMs: nowMs + 86_400_000 }),
])('what is written is read: %#', (message) => {
  const { message: got, past, position } = read(stored(wire(message)), 'orders')
  const { id, key, timeMs, headers, type, source, body, redrives } = message
  expect(got).toMatchObject({ id, key, timeMs, headers, type, source })
  expect(Buffer.from(got.body)).toEqual(Buffer.from(body))
  expect(typeof got.body).toBe(typeof body)
  expect([past.redrives, past.failures, position]).toEqual([redrives, 0, '2-7'])
})

test('a record is never of a later time than now: a broker may refuse it', () => {
  expect(wire(outgoing({ timeMs: nowMs + 9e9 })).timestampMs).toBe(nowMs)
  expect(wire(outgoing({ timeMs: -5 })).timestampMs).toBe(0)
})

test('plain data has no headers, and keeps its key', () => {
  const record = recordOf(outgoing({ key: 'k' }), { isPlain: true, nowMs })
  expect([[...record.headers], record.key?.toString()]).toEqual([[], 'k'])
})

test.for([
  ['JSON', Buffer.from('{"a":1}'), {}, '{"a":1}'],
  ['JSON that says so', Buffer.from('7'), { 'content-type': 'application/json' }, '7'],
  ['JSON of another name', Buffer.from('{}'), { 'content-type': 'application/x+json' }, '{}'],
  ['text', Buffer.from('hello'), {}, new Uint8Array(Buffer.from('hello'))],
  ['no UTF-8', Buffer.from([0xff]), { 'content-type': 'application/json' }, new Uint8Array([0xff])],
  ['nothing', null, {}, new Uint8Array()],
] as const)('a foreign record that is %s', ([, value, headers, body]) => {
  const { message, past } = read(foreign(value, headers), 'orders')
  expect(message.body).toEqual(body)
  expect(message).toMatchObject({ id: '0-3', type: 'orders', source: 'narrowcast', timeMs: 5 })
  expect(past).toMatchObject({ failures: 0, crashes: 0, redrives: 0, history: null, dueMs: null })
})

test('counts that are no counts are none', () => {
  const headers = {
    ce_errorcount: '-1',
    ce_crashcount: 'x',
    ce_due: '1e99',
    ce_redrivecount: '1.5',
  }
  const { past } = read(foreign(Buffer.from('1'), headers), 'orders')
  expect(past).toEqual({ failures: 0, crashes: 0, redrives: 0, history: null, dueMs: 0 })
})

test('a copy has the bytes of its original, its first position, and what has happened since', () => {
  const twice: [Buffer, Buffer][] = [
    [Buffer.from('x'), Buffer.from('1')],
    [Buffer.from('x'), Buffer.from('2')],
  ]
  const record = {
    ...foreign(Buffer.from([0xff]), { ce_redrivecount: '1' }),
    key: Buffer.from([0xfe]),
  }
  const original = { ...record, headers: [...record.headers, ...twice] }
  const first = read(original, 'orders')
  const error = { name: 'Error', message: 'no', worker: 'w', atMs: 17 }
  const copy = copyOf(original, first, failed(first.past, 1, error, 99))
  const { headers } = copy
  expect([copy.key, copy.value]).toEqual([Buffer.from([0xfe]), Buffer.from([0xff])])
  expect([...headers].filter(([name]) => name.toString() === 'x')).toEqual(twice)
  expect(headers.size).toBe([...headers].length)
  const again = read(stored(copy, { topic: 'orders..retry.1', partition: 0, offset: 9 }), 'orders')
  expect([again.position, again.message.id]).toEqual(['0-3', '0-3'])
  expect(again.past).toEqual({
    ...{ failures: 1, crashes: 0, redrives: 1, dueMs: 99 },
    history: { firstFailedMs: 17, last: error },
  })
  const second = failed(again.past, 2, { ...error, message: 'again', atMs: 18 }, 100)
  expect(second.history).toMatchObject({ firstFailedMs: 17, last: { message: 'again' } })
})

test('however long an error is, its copy can be stored', () => {
  const error = {
    name: 'E',
    message: 'x'.repeat(5e6),
    stack: 'y'.repeat(5e6),
    worker: 'w',
    atMs: 1,
  }
  const original = foreign(Buffer.from('1'))
  const first = read(original, 'orders')
  const letter = { cause: 'failures', reason: 'z'.repeat(5e6), error } as unknown as DeadLetter
  const copy = copyOf(original, first, failed(first.past, 1, error, 1), letter)
  const bytes = [...copy.headers].reduce(
    (sum, [name, text]) => sum + name.length + (text?.length ?? 0),
    0,
  )
  expect(bytes).toBeLessThan(65_536)
})
