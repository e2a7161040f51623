import { SpanKind, trace } from '@opentelemetry/api'
import { expect, expectTypeOf, test } from 'vitest'
import { collector, registerContext, shown } from '../../../test/otelScene.ts'
import { open } from '../../../test/workerScene.ts'
import { dead } from '../../core/verdict.ts'
import type { Middleware } from '../handlerRun.ts'
import { timeout } from './timeout.ts'
import { tracing } from './tracing.ts'

test('one subscription has its spans: a child of what its message names, with its ending', async () => {
  registerContext()
  const { options, spans, series } = collector()
  const { clock, bus, orders } = await open({ attempts: 1 })
  const inner: unknown[] = []
  orders.subscribe(
    async (data) => {
      inner.push(trace.getActiveSpan()?.spanContext().spanId)
      if (data === 'dead') return dead('of no use')
      if (data === 'throws') throw new RangeError('too much')
      return undefined
    },
    { middleware: [tracing(options), timeout({ ms: 1_000 })] },
  )
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await orders.publish('x', { headers: { traceparent }, id: 'first' })
  await orders.publish('dead')
  await orders.publish('throws')
  await clock.settle(30)
  const all = (await spans()).map(shown)
  expect(all).toMatchObject([
    {
      name: 'process orders',
      kind: SpanKind.CONSUMER,
      parent: 'b7ad6b7169203331',
      links: ['b7ad6b7169203331'],
      isError: false,
      attributes: { 'messaging.message.id': 'first', 'narrowcast.ending': 'ack' },
    },
    { parent: null, isError: false, attributes: { 'narrowcast.ending': 'dead' } },
    {
      isError: true,
      exceptions: ['too much'],
      attributes: { 'narrowcast.ending': 'failed', 'error.type': 'RangeError' },
    },
  ])
  expect(inner).toEqual(all.map(({ spanId }) => spanId))
  expect((await series()).map(({ name, value }) => ({ name, value }))).toEqual([
    { name: 'messaging.client.consumed.messages', value: 3 },
    { name: 'messaging.process.duration', value: 2 },
    { name: 'messaging.process.duration', value: 1 },
  ])
  await clock.runUntil(bus.close())
})

test('what an inner layer gives back is no error', async () => {
  const { options, spans } = collector()
  const { clock, bus, orders } = await open()
  const waits: Middleware<string> = async (_, next, run) => {
    await run.wait((signal) => new Promise((done) => signal.addEventListener('abort', done)))
    return next()
  }
  const worker = orders.subscribe(() => undefined, { middleware: [tracing(options), waits] })
  await orders.publish('x')
  await clock.settle(20)
  await clock.runUntil(worker.drain())
  expect((await spans()).map(shown)).toMatchObject([
    { isError: false, exceptions: [], attributes: { 'narrowcast.ending': 'release' } },
  ])
  await clock.runUntil(bus.close())
})

test('wrong options are refused by name, and it composes with the layers of any payload', () => {
  expect(() => tracing({ tracer: 1 } as never)).toThrow('unknown option tracer')
  expectTypeOf(tracing()).toExtend<Middleware<{ id: number }>>()
})
