import { expect, test } from 'vitest'
import { NarrowcastError } from '../../core/errors.ts'
import type { IncomingMessage } from '../../core/message.ts'
import { memory } from '../../drivers/memory/index.ts'
import { createBus } from '../bus.ts'
import { Events } from '../events.ts'
import type { RelayOptions } from './relayApi.ts'
import { RelayBooks } from './relayBooks.ts'
import { planRelay } from './relayPlan.ts'

const booksOf = (options: RelayOptions = {}, events = new Events()) =>
  new RelayBooks('rooms', planRelay('rooms', options), events, new AbortController().signal)
const worker = (id: string) => ({ id, incarnation: 'i' })

test('who was given how many, and after whom had gone', () => {
  const books = booksOf()
  books.handed(worker('a'), false)
  books.handed(worker('b'), true)
  books.handed(worker('a'), false)
  expect(books.counts).toMatchObject({ routed: 3, rerouted: 1 })
  expect([...books.routedTo]).toEqual([
    ['b', 1],
    ['a', 2],
  ])
})

test('of more workers than can be kept the one that was longest given nothing is forgotten', () => {
  const books = booksOf()
  for (let n = 0; n < 1_000; n++) books.handed(worker(`w${n}`), false)
  books.handed(worker('w0'), false)
  books.handed(worker('one more'), false)
  expect(books.routedTo.size).toBe(1_000)
  expect([books.routedTo.get('w0'), books.routedTo.has('w1')]).toEqual([2, false])
  expect(books.counts.routed).toBe(1_002)
})

test.each(['throws', 'rejects'])('an onNoWorker that %s is an error with the id', async (how) => {
  const onNoWorker = () => {
    if (how === 'throws') throw new Error('mine')
    return Promise.reject(new Error('mine'))
  }
  const events = new Events()
  const told: [string | null, string][] = []
  events.on('error', ({ id, error }) => told.push([id, error.code]))
  const books = booksOf({ onNoWorker }, events)
  const message = { id: 'm1' } as unknown as IncomingMessage
  await books.noWorker([message], new NarrowcastError('NO_WORKER', 'nobody'))
  await new Promise(setImmediate)
  expect(told.toSorted()).toEqual([
    ['m1', 'HANDLER_FAILED'],
    ['m1', 'NO_WORKER'],
  ])
})

test('a relay tells whom it gave its messages', async () => {
  await using bus = await createBus(memory())
  const rooms = bus.narrowcast<number>('rooms', { via: 'relay' })
  const seen = Promise.withResolvers<void>()
  const subscription = rooms.subscribe((n) => (n === 2 ? seen.resolve() : undefined))
  await using relay = await bus.relay('rooms')
  await Promise.all([subscription.ready(), relay.ready()])
  await rooms.publish(1)
  await rooms.publish(2)
  await seen.promise
  await relay.close()
  expect([...relay.routedTo]).toEqual([[subscription.worker.id, 2]])
})
