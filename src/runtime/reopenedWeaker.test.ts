import { expect, test } from 'vitest'
import type { Contract } from '../core/contract.ts'
import type { Driver, SessionEvents } from '../core/driver.ts'
import { NarrowcastError } from '../core/errors.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import { createBus } from './bus.ts'

/** Its sessions end when told to, and say what the test wants of every channel. */
function changing(driver: Driver) {
  const state = { weaker: {} as Partial<Contract>, on: null as SessionEvents | null }
  const changed: Driver = {
    name: driver.name,
    contracts: driver.contracts,
    async open(on, signal) {
      state.on = on
      const session = await driver.open(on, signal)
      return {
        info: session.info,
        admin: session.admin,
        contract: async (...asked) => ({ ...(await session.contract(...asked)), ...state.weaker }),
        publisher: (...asked) => session.publisher(...asked),
        source: (...asked) => session.source(...asked),
        marks: (...asked) => session.marks?.(...asked) as never,
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
  const lose = () => state.on?.closed(new NarrowcastError('CONNECTION_LOST', 'the line was cut'))
  return { changed, state, lose }
}

test('opened again with less than a channel asks for, it is not ready and says why; then it goes on', async () => {
  const clock = virtualClock()
  const { changed, state, lose } = changing(memory({ clock }))
  await using bus = await createBus(changed, { clock, seed: 1 })
  const lanes = bus.queue<number>('lanes', { order: 'key' })
  const plain = bus.queue<number>('plain')
  const seen: number[] = []
  const errors: NarrowcastError[] = []
  const ordered = lanes.subscribe((n) => void seen.push(n))
  const other = plain.subscribe((n) => void seen.push(n))
  ordered.on('error', ({ error }) => errors.push(error))
  other.on('error', () => {})
  await Promise.all([ordered.ready(), other.ready()])

  state.weaker = { keyOrder: 'no' }
  lose()
  await clock.advance(1_000)
  expect(ordered.isReady).toBe(false)
  expect(other.isReady).toBe(true)
  expect(errors.at(-1)).toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining("order: 'key'"),
  })
  await expect(lanes.publish(1, { key: 'k' })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  await expect(lanes.opened()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  const published = plain.publish(2)
  await clock.advance(100)
  await published
  expect(seen).toEqual([2])

  state.weaker = {}
  await clock.advance(60_000)
  expect(ordered.isReady).toBe(true)
  const again = lanes.publish(3, { key: 'k' })
  await clock.advance(100)
  await again
  expect(seen).toEqual([2, 3])
})
