import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { collector, registerContext, shown } from '../../../test/otelScene.ts'
import { connect } from '../../connect.ts'
import { dead, retry } from '../../core/verdict.ts'
import { memory } from '../../drivers/memory/index.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import type { Received } from '../api.ts'
import { createBus } from '../bus.ts'
import { openTelemetry, type TracingOptions } from './openTelemetry.ts'

/** A publisher and a worker, each a bus of its own, on one store. */
async function scene() {
  registerContext()
  const clock = virtualClock()
  const store = memory({ clock })
  const sender = collector()
  const receiver = collector()
  const open = (options: TracingOptions) =>
    createBus(store, { clock, seed: 1, tracing: openTelemetry(options) })
  const [publisher, worker] = [await open(sender.options), await open(receiver.options)]
  const close = async () => {
    await clock.runUntil(publisher.close())
    await clock.runUntil(worker.close())
  }
  return { clock, store, sender, receiver, publisher, worker, close }
}

test('a message carries its trace from one bus to a handler on another', async () => {
  const { clock, sender, receiver, publisher, worker, close } = await scene()
  const inner: unknown[] = []
  worker.stream<string>('events').subscribe(
    async () => {
      await clock.settle(1)
      inner.push(trace.getActiveSpan()?.spanContext().spanId)
    },
    { group: 'mail' },
  )
  const { id } = await publisher.stream<string>('events').publish('x', { headers: { a: '1' } })
  await clock.settle(20)
  const [published, ...rest] = (await sender.spans()).map(shown)
  expect(rest).toEqual([])
  expect(published).toMatchObject({
    name: 'publish events',
    kind: SpanKind.PRODUCER,
    parent: null,
    links: [],
    isError: false,
  })
  expect(published?.attributes).toEqual({
    'messaging.system': 'memory',
    'messaging.destination.name': 'events',
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.message.id': id,
    'narrowcast.pattern': 'stream',
  })
  const [processed, ...more] = (await receiver.spans()).map(shown)
  expect(more).toEqual([])
  expect(processed).toMatchObject({
    name: 'process events',
    kind: SpanKind.CONSUMER,
    traceId: published?.traceId,
    parent: published?.spanId,
    links: [published?.spanId],
    isError: false,
  })
  expect(processed?.attributes).toEqual({
    'messaging.system': 'memory',
    'messaging.destination.name': 'events',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.consumer.group.name': 'mail',
    'messaging.message.id': id,
    'narrowcast.pattern': 'stream',
    'narrowcast.attempt': 1,
    'narrowcast.ending': 'ack',
  })
  expect(inner).toEqual([processed?.spanId])
  await close()
})

test('what a handler publishes belongs to the trace of its message', async () => {
  const { clock, receiver, publisher, worker, close } = await scene()
  worker.queue<string>('first').subscribe(async (data) => {
    await worker.queue<string>('second').publish(data)
  })
  await publisher.queue<string>('first').publish('x')
  await clock.settle(20)
  const [second, first] = (await receiver.spans()).map(shown)
  expect(second).toMatchObject({ name: 'publish second', traceId: first?.traceId })
  expect(second?.parent).toBe(first?.spanId)
  await close()
})

test('how it ended: failures with their exception, verdicts, and each attempt with its number', async () => {
  const { clock, receiver, publisher, worker, close } = await scene()
  worker.queue<string>('orders', { attempts: 2 }).subscribe((data) => {
    if (data === 'dead') return dead('of no use')
    if (data === 'retry') return retry({ delayMs: 1 })
    throw new RangeError('too much')
  })
  await publisher.queue<string>('orders').publish('throws')
  await clock.advance(60_000)
  await publisher.queue<string>('orders').publish('dead')
  await clock.advance(1_000)
  await publisher.queue<string>('orders').publish('retry')
  await clock.settle(10)
  const spans = (await receiver.spans()).map(shown)
  const failed = { isError: true, message: 'too much', exceptions: ['too much'] }
  expect(spans.slice(0, 4)).toMatchObject([
    { ...failed, attributes: { 'error.type': 'RangeError', 'narrowcast.attempt': 1 } },
    { ...failed, attributes: { 'narrowcast.ending': 'failed', 'narrowcast.attempt': 2 } },
    { isError: false, exceptions: [], attributes: { 'narrowcast.ending': 'dead' } },
    {
      isError: true,
      exceptions: [],
      attributes: { 'narrowcast.ending': 'retry', 'error.type': 'retry' },
    },
  ])
  expect(spans[0]?.parent).toBe(spans[1]?.parent)
  await close()
})

test('past runMsMax it is an error whatever the handler says, and a drain is none', async () => {
  const { clock, receiver, publisher, worker, close } = await scene()
  const untilAborted = (_: string, { signal }: Received<string>) =>
    new Promise<void>((resolve, reject) => {
      const end = () => (signal.reason.code === 'TIMEOUT' ? resolve() : reject(signal.reason))
      signal.addEventListener('abort', end)
    })
  const orders = worker.queue<string>('orders', { attempts: 1 })
  const late = orders.subscribe(untilAborted, { runMsMax: 1_000 })
  await publisher.queue<string>('orders').publish('x')
  await clock.advance(1_000)
  await clock.runUntil(late.drain())
  const drained = orders.subscribe(untilAborted)
  await publisher.queue<string>('orders').publish('y')
  await clock.settle(20)
  await clock.runUntil(drained.drain())
  expect((await receiver.spans()).map(shown)).toMatchObject([
    { isError: true, attributes: { 'error.type': 'TIMEOUT', 'narrowcast.ending': 'failed' } },
    { isError: false, exceptions: [], attributes: { 'narrowcast.ending': 'release' } },
  ])
  await close()
})

test('a batch has one span, a trace of its own, and a link to each message', async () => {
  const { clock, sender, receiver, publisher, worker, close } = await scene()
  worker
    .queue<string>('orders')
    .subscribe((batch) => batch.map(({ data }) => (data === 'b' ? dead('no') : undefined)), {
      batch: { size: 3, waitMsMax: 1_000 },
    })
  await publisher.queue<string>('orders').publishMany([{ data: 'a' }, { data: 'b' }])
  await clock.advance(1_000)
  const published = (await sender.spans()).map(shown)
  const [processed, ...rest] = (await receiver.spans()).map(shown)
  expect(rest).toEqual([])
  expect(published.map(({ name }) => name)).toEqual(['publish orders', 'publish orders'])
  expect(processed?.links).toEqual(published.map(({ spanId }) => spanId))
  expect(processed).toMatchObject({ parent: null, isError: false })
  expect(processed?.attributes).toMatchObject({ 'messaging.batch.message_count': 2 })
  expect(processed?.attributes).not.toHaveProperty('narrowcast.ending') // two different ones
  const consumed = (await receiver.series()).find(({ name }) => name.endsWith('consumed.messages'))
  expect(consumed?.value).toBe(2)
  await publisher.queue<string>('orders').publish('alone')
  await clock.advance(1_000)
  expect((await receiver.spans()).map(shown)[1]).toMatchObject({
    parent: null,
    attributes: { 'messaging.batch.message_count': 1 },
  })
  await close()
})

test('a context that the caller put into the headers stays, and is linked', async () => {
  const { clock, sender, receiver, publisher, worker, close } = await scene()
  worker.queue<string>('orders').subscribe(() => undefined)
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await publisher.queue<string>('orders').publish('x', { headers: { traceparent } })
  await clock.settle(20)
  const [published] = (await sender.spans()).map(shown)
  expect(published).toMatchObject({ kind: SpanKind.CLIENT, links: ['b7ad6b7169203331'] })
  const [processed] = (await receiver.spans()).map(shown)
  expect(processed).toMatchObject({ parent: 'b7ad6b7169203331', links: ['b7ad6b7169203331'] })
  await close()
})

test('headers of the caller travel as they are, whatever context they are published in', async () => {
  const { clock, publisher, worker, close } = await scene()
  const headers: object[] = []
  worker.queue<string>('orders').subscribe((_, { message }) => void headers.push(message.headers))
  const foreign = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'a=b',
  }
  const own = { traceparent: '00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01' }
  const nonsense = { traceparent: 'nonsense', tracestate: '' }
  await context.with(propagation.extract(ROOT_CONTEXT, foreign), async () => {
    await publisher.queue<string>('orders').publish('x', { headers: own })
    await publisher.queue<string>('orders').publish('x', { headers: nonsense })
  })
  await clock.settle(20)
  expect(headers).toEqual([own, nonsense])
  await close()
})

test('a publish that is refused is an error, and is not counted as sent', async () => {
  const { sender, publisher, close } = await scene()
  const orders = publisher.queue<unknown>('orders', { payloadBytesMax: 10 })
  const wrong = { id: 'big', headers: { a: '1' } }
  await expect(orders.publish('x'.repeat(20), wrong)).rejects.toThrow('payloadBytesMax')
  const headers = ['a'] as unknown as Record<string, string>
  await expect(orders.publish('x', { headers })).rejects.toThrow('headers is not an object')
  const [many] = await orders.publishMany([{ data: 'x'.repeat(20) }])
  expect(many).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  const none = publisher.narrowcast<string>('none')
  await expect(none.publish('x')).rejects.toMatchObject({ code: 'NO_WORKER' })
  const spans = (await sender.spans()).map(shown)
  expect(spans).toMatchObject([
    { isError: true, attributes: { 'messaging.message.id': 'big' } },
    { isError: true, attributes: { 'error.type': 'INVALID_ARGUMENT' } },
    { isError: true, attributes: { 'error.type': 'PAYLOAD_TOO_LARGE' } },
    { isError: true, attributes: { 'error.type': 'NO_WORKER' } },
  ])
  const sent = (await sender.series()).filter(({ name }) => name.endsWith('sent.messages'))
  expect(sent.map(({ attributes }) => attributes['error.type'])).toEqual(['NO_WORKER'])
  await close()
})

test('metrics have the names, units and attributes of the conventions', async () => {
  const { clock, sender, receiver, publisher, worker, close } = await scene()
  worker.stream<string>('events', { attempts: 1 }).subscribe(
    (data) => {
      if (data === 'c') throw new RangeError('no')
    },
    { group: 'mail' },
  )
  await publisher.stream<string>('events').publish('a')
  await publisher.stream<string>('events').publishMany([{ data: 'b' }, { data: 'c' }])
  await clock.settle(30)
  const channel = { 'messaging.system': 'memory', 'messaging.destination.name': 'events' }
  const publishing = { ...channel, 'messaging.operation.name': 'publish' }
  const processing = {
    ...channel,
    'messaging.operation.name': 'process',
    'messaging.consumer.group.name': 'mail',
  }
  const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
  expect(await sender.series()).toEqual([
    {
      name: 'messaging.client.sent.messages',
      unit: '{message}',
      attributes: publishing,
      value: 3,
    },
    {
      name: 'messaging.client.operation.duration',
      unit: 's',
      attributes: { ...publishing, 'messaging.operation.type': 'send' },
      value: 3,
      boundaries,
    },
  ])
  const durations = { name: 'messaging.process.duration', unit: 's', boundaries }
  expect(await receiver.series()).toEqual([
    {
      name: 'messaging.client.consumed.messages',
      unit: '{message}',
      attributes: processing,
      value: 3,
    },
    { ...durations, attributes: processing, value: 2 },
    { ...durations, attributes: { ...processing, 'error.type': 'RangeError' }, value: 1 },
  ])
  await close()
})

test('on a live pattern what a drain cuts off is an error: nothing goes back there', async () => {
  const { clock, receiver, publisher, worker, close } = await scene()
  const handled = worker
    .broadcast<string>('news')
    .subscribe(
      (data, { signal }) =>
        data === 'x'
          ? undefined
          : new Promise((_, reject) =>
              signal.addEventListener('abort', () => reject(signal.reason)),
            ),
      { concurrency: 2 },
    )
  await clock.runUntil(handled.ready())
  await publisher.broadcast<string>('news').publishMany([{ data: 'x' }, { data: 'hangs' }])
  await clock.settle(20)
  await clock.runUntil(handled.drain())
  expect((await receiver.spans()).map(shown)).toMatchObject([
    { name: 'process news', isError: false },
    { isError: true, attributes: { 'narrowcast.ending': 'failed', 'error.type': 'CLOSED' } },
  ])
  await close()
})

test('what a bus tells of itself is followed by nobody', async () => {
  const all = collector()
  const tracing = openTelemetry(all.options)
  const bus = await createBus(memory(), { tracing, telemetry: true })
  await bus.telemetry.watch()
  await bus.queue<string>('orders').publish('x')
  await bus.close() // tells the last of it
  expect((await all.spans()).map(({ name }) => name)).toEqual(['publish orders'])
})

test('connect wires it; without an SDK nothing travels and nothing is recorded', async () => {
  await using bus = await connect(memory(), { tracing: true })
  const orders = bus.queue<string>('orders')
  const seen = Promise.withResolvers<Received<string>>()
  orders.subscribe((_, delivery) => seen.resolve(delivery))
  await orders.publish('x')
  expect((await seen.promise).message.headers).toEqual({})
  registerContext()
  const all = collector()
  await using traced = await connect(memory(), { tracing: all.options })
  const others = traced.queue<string>('others')
  const carried = Promise.withResolvers<Received<string>>()
  others.subscribe((_, delivery) => carried.resolve(delivery))
  await others.publish('x')
  const { headers } = (await carried.promise).message
  const [published] = await all.spans()
  expect(trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers))).toMatchObject({
    spanId: published?.spanContext().spanId,
  })
  const wrong = connect(memory(), { tracing: { provider: 1 } as never })
  await expect(wrong).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})
