import { expect, test, vi } from 'vitest'
import type { Address } from '../_shared/serverPlace.ts'
import { Cluster } from './cluster.ts'
import type { Connection } from './connection.ts'
import { redisError } from './redisErrors.ts'
import type { Opening } from './servers.ts'

const here = { host: '127.0.0.1', port: 7_001 }
const there = { host: '127.0.0.1', port: 7_002 }

/** Two nodes: all slots are here, until they are moved there. */
async function opened() {
  let [at, other] = [here, there]
  const slots = () => [[0, 16_383, [at.host, at.port, 'id', []]]]
  const node = (address: Address) =>
    ({
      address,
      facts: { replicaOf: null },
      async send([command]: readonly string[]) {
        if (command === 'CLUSTER') return slots()
        if (address.port === at.port) return 'done'
        const cause = new Error(`MOVED 1 ${at.host}:${at.port}`)
        throw redisError('UNAVAILABLE', 'test', cause.message, { cause })
      },
      subscribe: async () => {},
      unsubscribe: async () => {},
      close: () => {},
    }) as unknown as Connection
  const lost = vi.fn()
  const opening = {
    over: new AbortController(),
    lost,
    connect: async (address: Address) => node(address),
  } as unknown as Opening
  const home = (await Cluster.open(opening, node(here))).home('news')
  const move = async () => {
    ;[at, other] = [other, at]
    expect(await home.send(['GET', 'news'], 'test')).toBe('done')
  }
  return { home, lost, move }
}

test('where nobody listens, a slot that moves is followed', async () => {
  const { home, lost, move } = await opened()
  const hear = () => {}
  await home.subscribe('news', hear)
  await home.unsubscribe('news', hear)
  await move()
  expect(lost).not.toHaveBeenCalled()
})

test('as long as one of two listens, a slot that moves ends the session', async () => {
  const { home, lost, move } = await opened()
  const [one, other] = [() => {}, () => {}]
  await home.subscribe('news', one)
  await home.subscribe('news', other)
  await home.unsubscribe('news', one)
  await home.unsubscribe('news', () => {}) // of one that never listened
  await move()
  expect(lost.mock.calls[0]?.[0]).toMatchObject({
    code: 'CONNECTION_LOST',
    message: expect.stringContaining('the slot of "news" has moved away from 127.0.0.1:7001'),
  })
})
