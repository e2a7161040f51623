import { expect, test } from 'vitest'
import type { ChannelSpec, WorkerRef } from '../../core/channel.ts'
import type { Live, SendOutcome, Session } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { OutgoingMessage } from '../../core/message.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import { roundRobin } from '../strategies/roundRobin.ts'
import { DirectPublisher } from './directPublisher.ts'
import { type Choice, Router } from './router.ts'

const never = new AbortController().signal
const ref = (id: string): WorkerRef => ({ id, incarnation: '1' })
const message = (id: string): OutgoingMessage =>
  ({ id, key: null, body: '1' }) as Partial<OutgoingMessage> as OutgoingMessage

/** A broker whose every answer is decided by the test. */
function scene(answers: {
  workers: () => string[] | Promise<string[]>
  send: (to: string, id: string) => SendOutcome | Error
}) {
  const clock = virtualClock()
  const calls: string[] = []
  const batches: Choice[][] = []
  const live: Partial<Live> = {
    workers: async () => {
      calls.push('workers')
      return (await answers.workers()).map(ref)
    },
    send: async (_, batch) => {
      calls.push(batch.map(({ to, message }) => `${message.id}>${to.id}`).join(' '))
      return batch.map(({ to, message }) => {
        const said = answers.send(to.id, message.id)
        if (said instanceof Error) throw said
        return said
      })
    },
  }
  const router = new Router({
    session: { live, info: { product: 'stub' } } as unknown as Session,
    spec: { name: 'rooms', pattern: 'narrowcast', via: 'direct' } as unknown as ChannelSpec,
    clock,
    pick: roundRobin(),
    chosen: async (choices) => void batches.push([...choices]),
  })
  const publisher = new DirectPublisher(router)
  const publish = async (...ids: string[]) =>
    (await publisher.publish(ids.map(message), never)).map((one) =>
      one.state === 'stored' ? `stored ${one.receivers}` : `${one.state} ${one.code}`,
    )
  return { clock, calls, batches, router, publish }
}

test('a batch goes out as a batch, each message to one', async () => {
  const { publish, calls } = scene({ workers: () => ['a', 'b'], send: () => 'handed' })
  expect(await publish('1', '2', '3')).toEqual(['stored 1', 'stored 1', 'stored 1'])
  expect(calls).toEqual(['workers', '1>a 2>b 3>a'])
})

test('who is there is asked anew after a second, not before', async () => {
  const { publish, calls, clock } = scene({ workers: () => ['a'], send: () => 'handed' })
  await publish('1')
  await clock.advance(999)
  await publish('2')
  await clock.advance(1)
  await publish('3')
  expect(calls).toEqual(['workers', '1>a', '2>a', 'workers', '3>a'])
})

test('nobody means the next choice, after asking at once; what was handed is not sent again', async () => {
  let living = ['a', 'b']
  const { publish, calls, batches } = scene({
    workers: () => living,
    send: (to) => (living.includes(to) ? 'handed' : 'nobody'),
  })
  await publish('0')
  living = ['a', 'c']
  expect(await publish('1', '2')).toEqual(['stored 1', 'stored 1'])
  expect(calls).toEqual(['workers', '0>a', '1>b 2>a', 'workers', '1>c'])
  expect(batches.flat().map(({ isReroute }) => isReroute)).toEqual([false, false, false, true])
})

test('none left is told at once, and each was asked once', async () => {
  const { publish, calls } = scene({ workers: () => ['a', 'b'], send: () => 'nobody' })
  expect(await publish('1')).toEqual(['refused NO_WORKER'])
  expect(calls).toEqual(['workers', '1>a', '1>b'])
  const empty = scene({ workers: () => [], send: () => 'handed' })
  expect(await empty.publish('1', '2')).toEqual(['refused NO_WORKER', 'refused NO_WORKER'])
  expect(empty.calls).toEqual(['workers'])
})

test('what may have been handed is never sent to another', async () => {
  const { publish, calls } = scene({
    workers: () => ['a', 'b'],
    send: (_, id) => (id === '1' ? 'unknown' : 'handed'),
  })
  expect(await publish('1', '2')).toEqual(['unknown CONNECTION_LOST', 'stored 1'])
  expect(calls).toEqual(['workers', '1>a 2>b'])
})

test('a broken send may have handed all of it; a refused one certainly nothing', async () => {
  const lost = new NarrowcastError('CONNECTION_LOST', 'it broke')
  const broken = scene({ workers: () => ['a'], send: () => lost })
  expect(await broken.publish('1')).toEqual(['unknown CONNECTION_LOST'])
  const away = new NarrowcastError('UNAVAILABLE', 'not now')
  const refused = scene({ workers: () => ['a'], send: () => away })
  expect(await refused.publish('1')).toEqual(['refused UNAVAILABLE'])
  const silent = scene({ workers: () => Promise.reject(away), send: () => 'handed' })
  expect(await silent.publish('1')).toEqual(['refused UNAVAILABLE'])
})

test('one that can never be sent spoils no other of its batch', async () => {
  const large = new NarrowcastError('PAYLOAD_TOO_LARGE', 'too large')
  const { publish } = scene({
    workers: () => ['a'],
    send: (_, id) => (id === '2' ? large : 'handed'),
  })
  expect(await publish('1', '2', '3')).toEqual([
    'stored 1',
    'refused PAYLOAD_TOO_LARGE',
    'stored 1',
  ])
})

test('when it cannot be asked who else is there, the handed ones stay handed', async () => {
  let asked = 0
  const { publish } = scene({
    workers: async () => {
      if (++asked > 1) throw new NarrowcastError('CLOSED', 'the session was closed')
      return ['a', 'b']
    },
    send: (to) => (to === 'a' ? 'nobody' : 'handed'),
  })
  // The list is fresh, so nobody is asked: the other one takes it.
  expect(await publish('1', '2')).toEqual(['stored 1', 'stored 1'])
  expect(await publish('3', '4')).toEqual(['refused CONNECTION_LOST', 'stored 1'])
})

test('fenced is told as such, and nothing is tried again', async () => {
  const { router, calls } = scene({ workers: () => ['a', 'b'], send: () => 'fenced' })
  expect(await router.route([message('1')], null, never)).toEqual([{ kind: 'fenced' }])
  expect(calls).toEqual(['workers', '1>a'])
})

test('a driver that claims narrowcast and cannot send is a defect', () => {
  const session = { live: {}, info: { product: 'stub' } } as unknown as Session
  const spec = { name: 'rooms' } as unknown as ChannelSpec
  const make = () => new Router({ session, spec, clock: virtualClock(), pick: roundRobin() })
  expect(make).toThrow('stub claims narrowcast and cannot send one')
})
