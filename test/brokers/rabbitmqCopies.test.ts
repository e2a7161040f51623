import type { Options } from 'amqplib'
import { describe, expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { retry } from '../../src/index.ts'
import { channelName, missing, ourBus, taken, theirs, url, worker } from './rabbitmqForeign.ts'

const typed = (type: string, value: unknown) => ({ '!': type, value })

/** All that a producer may say. */
const said = {
  ...{ contentType: 'application/json', contentEncoding: 'utf-8', priority: 7, messageId: 'm' },
  ...{
    correlationId: 'question',
    replyTo: 'answers',
    type: 't',
    appId: 'shop',
    timestamp: 1_767_323_045,
  },
} as const satisfies Options.Publish
const headers = {
  ...{ text: 'ünï', yes: true, nothing: null, byte: 1, long: -(2 ** 40), double: 1.5 },
  decimal: typed('decimal', { places: 2, digits: 314 }),
  time: typed('timestamp', 1_767_323_045),
  bytes: Buffer.from([1, 255]),
  table: { a: { b: [1, 'two', Buffer.from([3])] } },
}

/** Headers as long as their client sends them. */
function longest(send: (headers: object) => unknown) {
  const long = { first: 'x'.repeat(30_000), second: 'y'.repeat(29_000), third: '' }
  for (let length = 6_500; ; length -= 10) {
    long.third = 'z'.repeat(length)
    try {
      send(long)
      return long
    } catch {
      // More than it writes.
    }
  }
}

describe.skipIf(missing !== null)(`what becomes of a message of others: ${missing ?? ''}`, () => {
  test.for([
    ['a retry at once', 0],
    ['a retry with a delay', 300],
  ] as const)('%s loses nothing that its producer said', async ([, delayMs]) => {
    const name = channelName('kept')
    const { seen, subscription } = await worker(name, { failing: 1, delayMs: 60_000 })
    await subscription.drain()
    const bus = await ourBus()
    const failed = Promise.withResolvers<void>()
    const failing = bus.queue(name).subscribe(() => {
      failed.resolve()
      return retry({ delayMs })
    })
    failing.on('error', () => {})
    const settled = Promise.withResolvers<void>()
    failing.on('settled', () => settled.resolve())
    const channel = await theirs()
    const content = Buffer.from(' { "n" : 1 } ')
    channel.sendToQueue(name, content, { ...said, headers })
    await failed.promise
    await failing.drain()
    await settled.promise
    const copy = await taken(channel, name)
    expect(copy.content).toEqual(content)
    expect(copy.properties).toMatchObject({ ...said, deliveryMode: 2, headers })
    expect(copy.properties.expiration).toBe(undefined)
    expect(copy.properties.headers?.['ce-errorcount']).toBe(1)
    expect(seen).toEqual([])
  })

  test('expires in the queue only, and again after its dead letter was sent again', async () => {
    const name = channelName('expires')
    const bus = await ourBus()
    const queue = bus.queue(name, { attempts: 1 })
    const channel = await theirs()
    const dead = Promise.withResolvers<void>()
    const failing = queue.subscribe(() => {
      throw new Error('not today')
    })
    failing.on('error', () => {})
    failing.on('dead', () => dead.resolve())
    await failing.ready()
    channel.sendToQueue(name, Buffer.from('1'), { ...said, headers, expiration: '60000' })
    await dead.promise
    await failing.drain()
    const ref = { name, pattern: 'queue' } as const
    const page = { cursor: null, limit: 9, newestFirst: false }
    const raw = await channel.get(`${name}:n:dead`)
    if (!raw) throw new Error('no dead letter')
    expect(raw.properties).toMatchObject({ ...said, headers })
    expect(raw.properties.expiration).toBe(undefined)
    channel.nack(raw)
    await expect
      .poll(async () => (await bus.admin.deadLetters(ref, null, page)).items.length)
      .toBe(1)
    const [entry] = (await bus.admin.deadLetters(ref, null, page)).items
    await bus.admin.redrive(ref, [entry?.ref as string], null)
    expect((await taken(channel, name)).properties).toMatchObject({
      ...{ ...said, headers, expiration: '60000' },
    })
  })

  test('in copy to another queue goes there once, and not at every try', async () => {
    const name = channelName('cc')
    const { seen } = await worker(name, { failing: 2 })
    const channel = await theirs()
    const other = `${name}.other`
    await channel.assertQueue(other, { exclusive: true })
    channel.sendToQueue(name, Buffer.from('1'), { CC: [other], BCC: [other] })
    await expect.poll(() => seen.length).toBe(3)
    expect(seen.map(({ headers: { CC } }) => CC)).toEqual(Array(3).fill(`["${other}"]`))
    expect((await channel.checkQueue(other)).messageCount).toBe(1)
  })

  test.for([
    'CC',
    'BCC',
    'ce-time',
    'ce-errorcount',
    'x-death',
    'x-delivery-count',
    '__proto__',
    'n'.repeat(256),
  ])('a header %s of ours is refused at the call, and spares its neighbours', async (header) => {
    await using bus = await connect(url, { telemetry: false })
    const queue = bus.queue<number>(channelName('header'))
    const answers = await queue.publishMany([
      { data: 1, options: { headers: Object.fromEntries([[header, 'x']]) } },
      { data: 2 },
    ])
    expect(answers).toMatchObject([
      { code: 'UNSUPPORTED', definite: true, message: expect.stringContaining(header) },
      { duplicate: false },
    ])
  })

  test('headers as long as they may be come with every copy, whatever the error says', async () => {
    const name = channelName('long')
    const bus = await ourBus()
    const queue = bus.queue<number>(name, {
      attempts: 2,
      backoff: { delayMsMin: 1, delayMsMax: 1 },
    })
    const tooLong = queue.publish(1, { headers: { a: 'x'.repeat(33_000) } })
    await expect(tooLong).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      definite: true,
      message: expect.stringMatching(/the headers have 33007 bytes; at most 32768 are taken/),
    })
    const long = { a: '€'.repeat(10_900) }
    const worst = {
      key: '€'.repeat(255),
      id: '€'.repeat(255),
      type: '€'.repeat(255),
      source: '€'.repeat(255),
    }
    await queue.publish(1, { ...worst, headers: long })
    const failing = queue.subscribe(() => {
      throw Object.assign(new Error('\u0001'.repeat(99_999)), { name: '€'.repeat(9_999) })
    })
    failing.on('error', () => {})
    const dead = Promise.withResolvers<string>()
    failing.on('dead', ({ id }) => dead.resolve(id))
    expect(await dead.promise).toBe(worst.id)
    await failing.drain()
    const page = { cursor: null, limit: 9, newestFirst: false }
    const { items } = await bus.admin.deadLetters({ name, pattern: 'queue' }, null, page)
    expect(items).toMatchObject([{ message: { ...worst, headers: long }, letter: { failures: 2 } }])
  })

  test('numbers that the client reads and does not write come with every copy', async () => {
    const name = channelName('numbers')
    const { seen } = await worker(name, { failing: 1 })
    const doubles = { low: typed('double', -1e19), half: typed('double', 2 ** 51 + 0.5) }
    const headers = {
      ...doubles,
      never: typed('timestamp', 2 ** 63),
      list: [typed('double', -1e19)],
    }
    ;(await theirs()).sendToQueue(name, Buffer.from('1'), { headers })
    await expect.poll(() => seen.length).toBe(2)
    const [before, again] = seen
    expect(again?.headers).toEqual(before?.headers)
    expect(again?.headers).toMatchObject({
      low: '-10000000000000000000',
      half: '2251799813685248.5',
    })
  })

  test('headers longer than the client can write are left out of a copy, the longest first, and named there', async () => {
    const name = channelName('longer')
    const { seen, subscription } = await worker(name, { failing: 1 })
    const channel = await theirs()
    const send = (long: object) =>
      channel.sendToQueue(name, Buffer.from('{"n":1}'), {
        ...said,
        headers: { ...headers, ...long },
      })
    const long = longest(send)
    await expect.poll(() => seen.length).toBe(2)
    const [before, again] = seen
    const kept = { text: 'ünï', second: long.second, third: long.third }
    expect(before?.headers).toMatchObject({ ...kept, first: long.first })
    expect(again).toMatchObject({ data: { n: 1 }, id: said.messageId, attempt: 2 })
    expect(again?.headers).toMatchObject({ ...kept, 'narrowcast-left-out': 'first' })
    expect(again?.headers).not.toHaveProperty('first')
    await subscription.drain()
    expect((await channel.checkQueue(name)).messageCount).toBe(0)
  })

  test('headers longer than the client can write hold up no new group', async () => {
    const name = channelName('archived')
    const bus = await ourBus()
    const stream = bus.stream<number>(name)
    await stream.opened()
    const channel = await theirs()
    const options = { ...said, expiration: '60000' } // a copy has it among its headers
    longest((headers) => channel.publish(name, '', Buffer.from('1'), { ...options, headers }))
    channel.publish(name, '', Buffer.from('2'))
    await channel.checkQueue(`${name}:n:archive`) // answered when both are on their way there
    const seen: [number, string | undefined][] = []
    const worker = stream.subscribe(
      (data, { message }) => {
        seen.push([data, message.headers['narrowcast-left-out']])
      },
      { group: 'mail', from: 'first' },
    )
    await worker.ready()
    await expect
      .poll(() => seen)
      .toEqual([
        [1, 'first'],
        [2, undefined],
      ])
  })

  test('a body as long as it may be travels whole, and a longer one is refused', async () => {
    const queue = (await ourBus()).queue(channelName('large'), {
      ...{ codec: 'bytes', payloadBytesMax: 16 * 1_024 * 1_024 },
    })
    const body = new Uint8Array(16 * 1_024 * 1_024).fill(7)
    await queue.publish(body)
    await expect(queue.publish(new Uint8Array(body.length + 1))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      definite: true,
    })
    const given = Promise.withResolvers<number>()
    queue.subscribe((data) => given.resolve(Buffer.compare(Buffer.from(data), body)))
    expect(await given.promise).toBe(0)
  })

  test('a name as long as it may be has all its queues', async () => {
    const name = 'n'.repeat(150)
    const { seen, queue, subscription } = await worker(name, { failing: 1, delayMs: 1 })
    await queue.publish(1)
    await expect.poll(() => seen.length).toBe(2)
    await subscription.drain()
    const channel = await theirs()
    for (const one of [name, `${name}:n:dead`, `${name}:n:delay:100`])
      await channel.deleteQueue(one)
  })

  test.for(['a b', 'ünï', 'n'.repeat(151), 'a:n:dead'])('the name %s is refused', async (name) => {
    const bus = await ourBus()
    expect(() => bus.queue(name)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
