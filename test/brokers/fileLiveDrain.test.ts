import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { folder } from './file/store.ts'

test('what the deadline of a drain finds unread is told one by one, however much that is', async () => {
  await using store = await folder()
  await using bus = await connect(`file:${join(store.dir, 'store')}`)
  const rooms = bus.narrowcast<number>('rooms')
  const begun = Promise.withResolvers<void>()
  const worker = rooms.subscribe(
    (_, { signal }) => {
      begun.resolve()
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    },
    { holdMax: 10_000 },
  )
  const told = new Set<string | null>()
  worker.on('error', ({ id }) => told.add(id))
  await worker.ready()
  const batch = Array.from({ length: 3_500 }, (_, data) => ({ data, options: { id: `m${data}` } }))
  await rooms.publishMany(batch)
  await begun.promise
  const { abandoned } = await worker.drain({ timeoutMs: 50 })
  expect(told).toEqual(new Set(batch.map(({ options }) => options.id)))
  expect(abandoned).toBe(batch.length - 1)
})
