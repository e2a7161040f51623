import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { folder } from './file/store.ts'

test.for([
  ['however much that is', 10_000],
  ['whatever an aborted handler gets to end', 1],
] as const)(
  'what the deadline of a drain finds unread is told one by one, %s',
  async ([, abortMs]) => {
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
      { holdMax: 10_000, abortMs },
    )
    const told = new Set<string | null>()
    worker.on('error', ({ id }) => told.add(id))
    await worker.ready()
    const batch = Array.from({ length: 3_500 }, (_, data) => ({
      data,
      options: { id: `m${data}` },
    }))
    await rooms.publishMany(batch)
    await begun.promise
    const { abandoned } = await worker.drain({ timeoutMs: 50 })
    expect(told).toEqual(new Set(batch.map(({ options }) => options.id)))
    // The one that ran is abandoned, too, where it does not end in time.
    expect([batch.length - 1, batch.length]).toContain(abandoned)
  },
)
