import { describe, expect, test } from 'vitest'
import { channelName, missing, ourBus, taken, theirs, worker } from './rabbitmqForeign.ts'

const until = (check: () => unknown) => expect.poll(check)

describe.skipIf(missing !== null)(`a queue, beside programs without us: ${missing ?? ''}`, () => {
  test.for(['7', '"text"', 'null', '[1,2]', '{"id":"x"}', ' {"spaced" : true} '])(
    'takes %s as the data itself, whatever it is called',
    async (text) => {
      const name = channelName('any')
      const { seen } = await worker(name)
      const channel = await theirs()
      for (const contentType of [undefined, 'application/json', 'text/plain', 'x/y+json', '']) {
        channel.sendToQueue(name, Buffer.from(text), contentType ? { contentType } : {})
      }
      await until(() => seen.map(({ data }) => data)).toEqual(Array(5).fill(JSON.parse(text)))
    },
  )

  test.for([
    ['text', Buffer.from('no JSON'), undefined],
    ['text that says it is JSON', Buffer.from('{"a":'), 'application/json'],
    ['bytes', Buffer.from([0xff, 0x00, 0x10]), undefined],
    ['bytes that say they are JSON', Buffer.from([0x5b, 0xff, 0x5d]), 'application/json'],
    ['nothing', Buffer.alloc(0), undefined],
    ['nothing that says it is JSON', Buffer.alloc(0), 'application/json'],
    ['what is packed', Buffer.from([0x1f, 0x8b, 8, 0]), 'application/json'],
  ] as const)(
    'gives %s as bytes at every try, and as JSON makes a dead letter of it',
    async ([, bytes, contentType]) => {
      const name = channelName('bytes')
      const { seen, subscription } = await worker(name, { codec: 'bytes', failing: 2 })
      const channel = await theirs()
      const options = contentType ? { contentType } : {}
      channel.sendToQueue(name, bytes, options)
      await until(() => seen.map(({ data }) => Buffer.from(data as Uint8Array))).toEqual([
        ...[bytes, bytes, bytes],
      ])
      await subscription.drain()
      const json = await worker(name)
      const dead = Promise.withResolvers<string>()
      json.subscription.on('dead', ({ letter }) => dead.resolve(letter.cause))
      channel.sendToQueue(name, bytes, options)
      channel.sendToQueue(name, Buffer.from('{"after":1}'))
      expect(await dead.promise).toBe('invalid')
      await until(() => json.seen.at(-1)?.data).toEqual({ after: 1 })
      expect((await taken(channel, `${name}:n:dead`)).content).toEqual(bytes)
    },
  )

  test('is told id, time, key, type, source and headers, in what AMQP has for them', async () => {
    const name = channelName('told')
    const { seen } = await worker(name)
    const channel = await theirs()
    channel.sendToQueue(name, Buffer.from('1'), {
      ...{ messageId: 'theirs', type: 'order.placed', appId: 'shop', timestamp: 1_767_323_045 },
      headers: { 'ce-subject': 'ada', lang: 'de' },
    })
    await until(() => seen).toMatchObject([
      {
        ...{ data: 1, id: 'theirs', type: 'order.placed', source: 'shop', key: 'ada' },
        ...{ timeMs: Date.parse('2026-01-02T03:04:05Z'), headers: { lang: 'de' }, attempt: 1 },
      },
    ])
  })

  test('gives headers of every type of AMQP as text', async () => {
    const name = channelName('types')
    const { seen } = await worker(name)
    const typed = (type: string, value: unknown) => ({ '!': type, value })
    ;(await theirs()).sendToQueue(name, Buffer.from('1'), {
      headers: {
        ...{ text: 'ünï', empty: '', yes: true, nothing: null, byte: 1, long: -(2 ** 40) },
        ...{
          double: 1.5,
          float: typed('float', 0.5),
          decimal: typed('decimal', { places: 2, digits: 314 }),
        },
        ...{
          time: typed('timestamp', 1_767_323_045),
          bytes: Buffer.from('ascii'),
          raw: Buffer.from([255]),
        },
        table: { a: { b: [1, 'two', Buffer.from('3'), typed('timestamp', 0)] } },
        list: [],
      },
    })
    await until(() => seen.map(({ headers }) => headers)).toEqual([
      {
        ...{
          text: 'ünï',
          empty: '',
          yes: 'true',
          nothing: 'null',
          byte: '1',
          long: '-1099511627776',
        },
        ...{ double: '1.5', float: '0.5', decimal: '3.14', time: '2026-01-02T03:04:05.000Z' },
        ...{
          bytes: 'ascii',
          raw: '/w==',
          table: '{"a":{"b":[1,"two","3","1970-01-01T00:00:00.000Z"]}}',
        },
        list: '[]',
      },
    ])
  })

  test('reads its own names only where they hold what we would write', async () => {
    const name = channelName('names')
    const { seen } = await worker(name, { failing: 1 })
    const channel = await theirs()
    channel.sendToQueue(name, Buffer.from('1'), {
      headers: {
        ...{ 'ce-errorcount': '3', 'ce-crashcount': -1, 'ce-time': 'soon', 'ce-deadletter': '7' },
        ...{ 'ce-lasterror': 'null', 'ce-firstfailed': new Date().toISOString() },
        ...{ 'x-delivery-count': 5_000, 'x-death': 'none' },
      },
    })
    await until(() => seen).toMatchObject([
      { data: 1, attempt: 1, crashes: 0, headers: {} },
      { data: 1, attempt: 2, headers: {} },
    ])
  })

  test.for([
    ['no time', {}, null],
    ['a time in milliseconds', { timestamp: 1_767_323_045_678 }, 1_767_323_045_678],
    ['a time that is none', { timestamp: 2 ** 60 }, null],
  ] as const)('that says %s has one that stays', async ([, options, timeMs]) => {
    const name = channelName('time')
    const beganMs = Date.now()
    const { seen } = await worker(name, { failing: 1, delayMs: 300 })
    ;(await theirs()).sendToQueue(name, Buffer.from('1'), options)
    await until(() => seen.length).toBe(2)
    const [first, second] = seen
    if (timeMs !== null) expect(first?.timeMs).toBe(timeMs)
    expect(first?.timeMs).toBeGreaterThanOrEqual(timeMs ?? beganMs)
    expect([second?.timeMs, second?.id]).toEqual([first?.timeMs, first?.id])
  })

  test('writes the data as the body, and says the rest in what AMQP has for it', async () => {
    const name = channelName('wire')
    const timeMs = Date.parse('2026-01-02T03:04:05.678Z')
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await (await ourBus()).queue<unknown>(name).publish(
      { note: 'ünï' },
      {
        ...{ id: 'all', key: 'ada', type: 'order.placed', source: 'shop', timeMs },
        headers: { lang: 'de', traceparent },
      },
    )
    const raw = (await ourBus()).queue(name, { codec: 'bytes' })
    await raw.publish(Uint8Array.of(0, 255), { id: 'few', timeMs })
    await (await ourBus()).queue<unknown>(name, { envelope: false }).publish([1])
    const plainRaw = (await ourBus()).queue(name, { envelope: false, codec: 'bytes' })
    await plainRaw.publish(Uint8Array.of(7))
    const channel = await theirs()
    const all = await taken(channel, name)
    expect(all.content.toString()).toBe('{"note":"ünï"}')
    expect(all.properties).toMatchObject({
      ...{ contentType: 'application/json', messageId: 'all', type: 'order.placed', appId: 'shop' },
      deliveryMode: 2,
      headers: {
        'ce-time': '2026-01-02T03:04:05.678Z',
        'ce-subject': 'ada',
        lang: 'de',
        traceparent,
      },
    })
    const few = await taken(channel, name)
    expect(few.content).toEqual(Buffer.from([0, 255]))
    expect(few.properties).toMatchObject({
      ...{
        contentType: 'application/octet-stream',
        messageId: 'few',
        appId: 'narrowcast',
        type: name,
      },
      headers: { 'ce-time': '2026-01-02T03:04:05.678Z' },
    })
    const plain = await taken(channel, name)
    expect([plain.content.toString(), plain.properties]).toMatchObject([
      '[1]',
      { contentType: 'application/json', messageId: undefined, appId: undefined },
    ])
    expect(plain.properties.headers).toEqual({ 'x-delivery-count': 0 }) // the broker's own
    expect((await taken(channel, name)).content).toEqual(Buffer.from([7]))
  })

  test('shares its messages with a plain consumer, each for one of both', async () => {
    const name = channelName('share')
    const { queue, seen } = await worker(name)
    const channel = await theirs()
    const theirNumbers: number[] = []
    await channel.prefetch(5)
    await channel.consume(name, (raw) => {
      if (raw === null) return
      theirNumbers.push(Number(raw.content.toString()))
      channel.ack(raw)
    })
    const all = Array.from({ length: 300 }, (_, n) => n)
    await queue.publishMany(all.map((data) => ({ data })))
    await until(() => theirNumbers.length + seen.length).toBe(300)
    const both = [...theirNumbers, ...seen.map(({ data }) => Number(data))]
    expect(both.sort((a, b) => a - b)).toEqual(all)
    expect(theirNumbers.length).toBeGreaterThan(0)
  })

  test('in which others reject, or let expire, shows why what is dead died, and gives it back', async () => {
    const name = channelName('dead')
    const bus = await ourBus()
    const queue = { name, pattern: 'queue' } as const
    await bus.queue(name).opened()
    const channel = await theirs()
    channel.sendToQueue(name, Buffer.from('1'), { expiration: '1' })
    const page = { cursor: null, limit: 9, newestFirst: false }
    const look = async () => (await bus.admin.deadLetters(queue, null, page)).items
    await until(async () => (await look()).length).toBe(1)
    channel.sendToQueue(name, Buffer.from('2'))
    await until(async () => {
      const raw = await channel.get(name)
      if (raw) channel.nack(raw, false, false)
      return raw !== false
    }).toBe(true)
    await until(async () => (await look()).length).toBe(2)
    const [first, second] = [await look(), await look()]
    expect(first).toEqual(second)
    expect(first.map(({ letter: { cause, reason } }) => [cause, reason]).sort()).toEqual([
      ['verdict', 'another program rejected it'],
      ['verdict', expect.stringContaining('it expired')],
    ])
    const refs = first.map(({ ref }) => ref)
    const stored = { state: 'stored', duplicate: false }
    expect(await bus.admin.redrive(queue, refs, null)).toEqual([stored, stored])
    const { seen } = await worker(name)
    await until(() => seen.map(({ id }) => id).sort()).toEqual(
      first.map(({ message }) => message.id).sort(),
    )
  })
})
