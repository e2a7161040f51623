import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import type { OutgoingMessage } from '../../../core/message.ts'
import { type Entry, fieldsOf, isPlain, readEntry } from './entry.ts'

const channel = 'orders'

function entry(
  fields: Readonly<Record<string, string | Uint8Array>>,
  id = '1700000000123-4',
): Entry {
  const all = Object.entries(fields).flatMap(([name, value]) => [
    Buffer.from(name),
    Buffer.from(value),
  ])
  return [Buffer.from(id), all]
}

const message: OutgoingMessage = {
  ...{ id: 'a', key: null, timeMs: 1_234, headers: {}, delayMs: 0, redrives: 0, dedupeId: null },
  ...{ type: channel, source: 'narrowcast', body: '{"n":1}' },
}

function written(over: Partial<OutgoingMessage>): Record<string, string> {
  const fields = fieldsOf(channel, { ...message, ...over }).map(String)
  const pairs: Record<string, string> = {}
  for (let at = 0; at < fields.length; at += 2) {
    pairs[fields[at] as string] = fields[at + 1] as string
  }
  return pairs
}

describe('an entry of a stream', () => {
  test('has the data first, and leaves out what is as it is by default', () => {
    const fields = fieldsOf(channel, message)
    assert.deepEqual(fields, ['data', '{"n":1}', 'id', 'a', 'time', '1970-01-01T00:00:01.234Z'])
  })

  test('says nothing of what is as by default', () => {
    assert.deepEqual(Object.keys(written({ key: 'k' })), ['data', 'id', 'time', 'key'])
  })

  test('is plain exactly where it has no other fields', () => {
    assert.equal(isPlain(channel, message), true)
    const others: Partial<OutgoingMessage>[] = [
      ...[{ key: '' }, { type: 't' }, { source: 's' }, { redrives: 1 }, { headers: { a: '' } }],
      { body: Uint8Array.of(1) },
    ]
    for (const over of others) {
      assert.notEqual(fieldsOf(channel, { ...message, ...over }).length, 6)
      assert.equal(isPlain(channel, { ...message, ...over }), false)
    }
  })

  test('says all that a producer has said', () => {
    const headers = { a: 'b', traceparent: '00-ab' }
    const fields = written({ key: '', headers, type: 't', source: 's', redrives: 2 })
    const { data, id, time, ...rest } = fields
    assert.deepEqual(rest, {
      ...{ key: '', type: 't', source: 's', 'h:a': 'b' },
      ...{ traceparent: '00-ab', 'redrive-count': '2' },
    })
    const read = readEntry(channel, entry(fields))
    assert.deepEqual(read.message.headers, headers)
    assert.deepEqual([read.message.key, read.message.type, read.message.source], ['', 't', 's'])
    assert.deepEqual([read.redrives, read.onlyGroup], [2, null])
  })

  test('keeps bytes as they are', () => {
    const body = Uint8Array.of(0, 255, 0xe2, 0x82)
    const [, data] = fieldsOf(channel, { ...message, body })
    const fields = { ...written({ body }), data: data as Buffer }
    assert.deepEqual([...Buffer.from(readEntry(channel, entry(fields)).message.body)], [...body])
  })

  test('of another program goes by the id and the time of its place', () => {
    const { message: read } = readEntry(channel, entry({ data: '[1]', time: 'yesterday' }))
    assert.deepEqual(
      [read.id, read.timeMs, read.body],
      ['1700000000123-4', 1_700_000_000_123, '[1]'],
    )
    assert.deepEqual([read.type, read.source, read.bytes], [channel, 'narrowcast', 3])
  })

  test('without data is an object of its fields, and what is JSON there is read', () => {
    const { message: read } = readEntry(channel, entry({ name: 'Ann', age: '7', tags: '["x"]' }))
    assert.equal(read.body, '{"name":"Ann","age":7,"tags":["x"]}')
    assert.equal(read.bytes, Buffer.byteLength(read.body))
  })

  test('of another program whose data is no JSON is given as bytes, ours is not looked at', () => {
    assert.deepEqual(
      readEntry(channel, entry({ data: 'hello' })).message.body,
      Buffer.from('hello'),
    )
    assert.equal(readEntry(channel, entry({ data: 'hello', id: 'a' })).message.body, 'hello')
  })

  test('takes no name for one that it resembles', () => {
    const fields = { date: 'a', atad: 'b', tima: 'c', iD: 'd', di: 'e', dat: 'f', data2: 'g' }
    const { message: read } = readEntry(channel, entry(fields))
    assert.equal(read.body, JSON.stringify(fields))
    assert.deepEqual([read.id, read.timeMs], ['1700000000123-4', 1_700_000_000_123])
  })

  test('has its own time, whatever the one before had', () => {
    const times = [5, 5, 6, 5].map((ms) => new Date(ms).toISOString())
    const read = times.map((time) => readEntry(channel, entry({ data: '1', time })))
    assert.deepEqual(
      read.map(({ message: { timeMs } }) => timeMs),
      [5, 5, 6, 5],
    )
  })

  test('takes no wrong count and no unknown field for anything', () => {
    for (const count of ['-1', '1.5', 'many', '']) {
      assert.equal(readEntry(channel, entry({ data: '1', 'redrive-count': count })).redrives, 0)
    }
    const read = readEntry(channel, entry({ data: '1', 'only-group': 'mail', other: 'x' }))
    assert.equal(read.onlyGroup, 'mail')
    assert.deepEqual(read.message.headers, {})
  })
})
