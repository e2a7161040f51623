import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import type { Driver } from '../../src/core/driver.ts'
import { NarrowcastError } from '../../src/core/errors.ts'
import { memory } from '../../src/drivers/memory/index.ts'

test('a signal that has fired ends every connect in the same way, with its reason', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'narrowcast-connect-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  for (const target of [`file:${dir}/store`, 'memory:', memory()]) {
    for (const reason of [new Error('enough'), 'enough']) {
      const error = await connect(target, { signal: AbortSignal.abort(reason) }).catch(
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(NarrowcastError)
      expect(error).toMatchObject({ code: 'ABORTED', definite: true, cause: reason })
      expect(error).toHaveProperty('message', 'connect was aborted: enough')
    }
  }
})

test('a signal that fires while a driver opens is an abort, whatever the driver throws', async () => {
  const stop = new AbortController()
  const driver: Driver = {
    ...memory(),
    open: (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
        stop.abort('enough')
      }),
  }
  await expect(connect(driver, { signal: stop.signal })).rejects.toMatchObject({
    code: 'ABORTED',
    cause: 'enough',
  })
  await using bus = await connect(memory(), { signal: new AbortController().signal })
  expect(bus.driver).toBe('memory')
})

test('what is neither a URL nor a driver is refused', async () => {
  for (const target of [undefined, null, 5, {}]) {
    const told = { code: 'INVALID_ARGUMENT', hint: expect.stringContaining('file:./store') }
    await expect(connect(target as unknown as string)).rejects.toMatchObject(told)
  }
})

test('the URL says who chooses the worker of every narrowcast, unless the call does', async () => {
  await using bus = await connect('memory:?narrowcast=relay&lease=5s')
  const rooms = bus.narrowcast<number>('rooms')
  expect(await rooms.publish(1)).toMatchObject({ receivers: 0 }) // no relay took it
  const direct = bus.narrowcast<number>('direct', { via: 'direct' })
  await expect(direct.publish(1)).rejects.toMatchObject({ code: 'NO_WORKER' })
  expect(bus.queue('orders').pattern).toBe('queue')
  const told = { code: 'INVALID_CONFIG', message: expect.stringContaining('direct or relay') }
  await expect(connect('memory:?narrowcast=proxy')).rejects.toMatchObject(told)
})

test('the project file says it for one channel; what is of no use there is refused', async () => {
  const channels = {
    rooms: { pattern: 'narrowcast', narrowcast: 'relay' },
    news: { pattern: 'broadcast', attempts: 3 },
    orders: { narrowcast: 'relay' },
  } as const
  await using bus = await connect(memory(), { config: { channels } })
  expect(await bus.narrowcast<number>('rooms').publish(1)).toMatchObject({ receivers: 0 })
  expect(() => bus.broadcast('news')).toThrow(
    'broadcast "news" takes no option attempts, said by the project file',
  )
  expect(() => bus.queue('orders')).toThrow('option via: expected nothing on a queue')
})

test('a typing error in the options is refused before anything is opened', async () => {
  const options = { telemtry: false } as object
  const told = {
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('unknown option telemtry'),
  }
  await expect(connect('memory:', options)).rejects.toMatchObject(told)
})
