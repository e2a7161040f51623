import { expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { memory } from '../../drivers/memory/index.ts'
import { createBus } from '../../runtime/bus.ts'
import type { Entry } from '../evidence/entry.ts'
import { messageId, probeProducer } from '../identity.ts'
import { takeLeft } from './leftovers.ts'

test('what can only be taken is written down once each, probes and what is foreign are not', async () => {
  await using bus = await createBus(memory())
  const channel = bus.queue<Uint8Array>('jobs', { codec: 'bytes' })
  const identity = (producer: number, sequence: number) => ({ producer, incarnation: 0, sequence })
  const left = Array.from({ length: 250 }, (_, at) => identity(1, at))
  const ids = [...left, identity(probeProducer, 0)].map((one) => messageId('r1', one))
  const data = new Uint8Array(1)
  await channel.publishMany([...ids, 'foreign'].map((id) => ({ data, options: { id } })))
  const written: Entry[] = []
  const place = {
    clock: systemClock,
    nowNs: () => 0n,
    write: (one: Entry) => void written.push(one),
  }
  await takeLeft(channel, 'r1', place)
  const found = written.map((one) => (one.type === 'left' ? one.message?.sequence : one.type))
  expect(found.sort((a, b) => Number(a) - Number(b))).toEqual(left.map(({ sequence }) => sequence))
  expect(await bus.admin.depths([channel])).toMatchObject([{ waiting: 0, inFlight: 0 }])
})
