import { describe, expect, test } from 'vitest'
import {
  channelName,
  missing,
  named,
  ourBus,
  pythonSocket,
  redisCliRaw,
  theirClient,
} from './redisForeign.ts'

interface Seen {
  readonly data: unknown
  readonly id: string
  readonly position: string | undefined
}

/** What the group `ours` is given of a stream. */
async function group(name: string) {
  const stream = (await ourBus()).stream<unknown>(name)
  const seen: Seen[] = []
  const subscription = stream.subscribe(
    (data, { message, position }) => {
      seen.push({ data, id: message.id, position })
    },
    { group: 'ours' },
  )
  await subscription.ready()
  return { stream, seen, subscription }
}

const until = (check: () => void) => expect.poll(check, { timeout: 10_000 })

describe.skipIf(missing.redis !== null)(
  named('a stream, beside programs without us', missing.redis),
  () => {
    test.skipIf(missing.cli !== null)(
      'takes an entry of redis-cli as an object of its fields, under the id of the entry',
      async () => {
        const name = channelName('fields')
        const { seen } = await group(name)
        const fields = ['number', '7', 'customer', 'Ada', 'lines', '[{"n":1}]', 'note', '0042']
        const [entry] = await redisCliRaw('XADD', name, '*', ...fields)
        await until(() => seen.length).toBe(1)
        const data = { number: 7, customer: 'Ada', lines: [{ n: 1 }], note: '0042' }
        expect(seen).toEqual([{ data, id: entry, position: entry }])
      },
    )

    test('takes a field data for the data, and what else has a name for what it is', async () => {
      const name = channelName('data')
      const stream = (await ourBus()).stream<unknown>(name)
      const client = await theirClient()
      const theirs = { data: '{"n":1}', id: 'theirs-1', key: 'ada', 'h:lang': 'de', type: 'placed' }
      await client.xAdd(name, '*', { ...theirs, source: 'shop', time: '2026-01-02T03:04:05Z' })
      const given = Promise.withResolvers<unknown>()
      stream.subscribe(
        (data, { message }) => {
          const { id, key, headers, type, source, timeMs } = message
          given.resolve({ data, id, key, headers, type, source, timeMs })
        },
        { group: 'ours' },
      )
      expect(await given.promise).toEqual({
        ...{ data: { n: 1 }, id: 'theirs-1', key: 'ada', headers: { lang: 'de' } },
        ...{ type: 'placed', source: 'shop', timeMs: Date.parse('2026-01-02T03:04:05Z') },
      })
    })

    test('gives each entry to a group of theirs too, every field of it', async () => {
      const name = channelName('wire')
      const { stream, seen } = await group(name)
      const raw = (await ourBus()).stream(name, { codec: 'bytes' })
      const client = await theirClient()
      await client.xGroupCreate(name, 'theirs', '0')
      const timeMs = Date.now()
      const time = new Date(timeMs).toISOString()
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const headers = { lang: 'de', traceparent }
      const all = { id: 'all', key: 'ada', type: 'order.placed', source: 'shop', timeMs, headers }
      await stream.publish({ total: 12.5, note: 'ünï' }, all)
      await stream.publish([1], { id: 'few', timeMs })
      await raw.publish(new TextEncoder().encode('raw'), { id: 'bytes', timeMs })

      const read = await client.xReadGroup('theirs', 'them', { key: name, id: '>' }, { COUNT: 9 })
      const [{ messages }] = read as unknown as [
        { messages: { id: string; message: Record<string, string> }[] },
      ]
      expect(messages.map(({ message }) => ({ ...message }))).toEqual([
        {
          ...{ data: '{"total":12.5,"note":"ünï"}', id: 'all', time, key: 'ada' },
          ...{ type: 'order.placed', source: 'shop', 'h:lang': 'de', traceparent },
        },
        { data: '[1]', id: 'few', time },
        { data: 'raw', id: 'bytes', time, datacontenttype: 'application/octet-stream' },
      ])
      const ids = messages.map(({ id }) => id)
      expect(await client.xAck(name, 'theirs', ids)).toBe(3)
      await until(() => seen.map(({ position }) => position)).toEqual(ids.slice(0, 2))
      expect(seen.map(({ id }) => id)).toEqual(['all', 'few'])
    })

    test.skipIf(missing.cli !== null)('shows what is stored with XRANGE and XLEN', async () => {
      const name = channelName('range')
      const stream = (await ourBus()).stream<unknown>(name)
      const { position } = await stream.publish({ n: 1 }, { id: 'one' })
      const lines = await redisCliRaw('XRANGE', name, '-', '+')
      expect(lines.slice(0, 5)).toEqual([position, 'data', '{"n":1}', 'id', 'one'])
      expect(await redisCliRaw('XLEN', name)).toEqual(['1'])
    })

    test.skipIf(missing.python !== null)(
      'takes part with a program of another language on a bare socket',
      async () => {
        const name = channelName('python')
        const { stream, seen } = await group(name)
        const [made] = await pythonSocket(['XGROUP', 'CREATE', name, 'python', '0'])
        expect(made).toBe('OK')
        await pythonSocket(['XADD', name, '*', 'from', 'python'])
        await stream.publish({ to: 'python' }, { id: 'ours' })
        const take = ['XREADGROUP', 'GROUP', 'python', 'one', 'COUNT', '9', 'STREAMS', name, '>']
        const [read] = (await pythonSocket(take)) as [[[string, [string, string[]][]]]]
        const fields = read[0][1].map(([, entry]) => entry)
        expect(fields[0]).toEqual(['from', 'python'])
        expect(fields[1]?.slice(0, 4)).toEqual(['data', '{"to":"python"}', 'id', 'ours'])
        await until(() => seen.map(({ data }) => data)).toEqual([
          { from: 'python' },
          { to: 'python' },
        ])
      },
    )

    test('is a queue with ?queue=stream, to which others add entries', async () => {
      const name = channelName('queue')
      const queue = (await ourBus({}, '?queue=stream')).queue<unknown>(name)
      const seen: unknown[] = []
      await queue.subscribe((data) => void seen.push(data)).ready()
      const client = await theirClient()
      await client.xAdd(name, '*', { number: '7', customer: 'Ada' })
      await queue.publish('ours')
      await until(() => seen).toEqual([{ number: 7, customer: 'Ada' }, 'ours'])
      await expect.poll(() => client.xLen(name)).toBe(0)
    })

    test('says that its data stands alone already, where envelope: false is asked for', async () => {
      const stream = (await ourBus()).stream<unknown>(channelName('plain'), { envelope: false })
      await expect(stream.publish(1)).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringContaining('envelope: false'),
      })
    })
  },
)
