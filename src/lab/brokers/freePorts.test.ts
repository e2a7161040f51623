import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { expectFree } from './freePorts.ts'
import { onFreePort } from './onFreePort.ts'

test('another place is tried where one port of several is taken, and none stays taken', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port: taken } = other.address() as AddressInfo
  const places = [[taken], [taken + 1, taken], []]
  const tried: number[] = []
  const start = async (at: number) => {
    tried.push(at)
    await expectFree(places[at] ?? [])
    return at
  }
  let next = 0
  expect(await onFreePort(start, () => next++)).toBe(2)
  expect(tried).toEqual([0, 1, 2])
  other.close()
  await once(other, 'close')
  await expectFree([taken])
  await expectFree([taken])
})
