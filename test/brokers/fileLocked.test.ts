import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import type { Bus } from '../../src/runtime/api.ts'
import { folder } from './file/store.ts'

/** A process that is stopped while it has the write lock, and how others hear of it. */
async function freeze(dir: string) {
  const child = fork(join(import.meta.dirname, 'file', 'lockChild.ts'), [join(dir, 'store.db')])
  await once(child, 'message')
  child.kill('SIGSTOP')
  const pid = process.platform === 'linux' ? child.pid : null
  const who = pid === null ? '' : ` (process ${pid})`
  return {
    told: {
      message: expect.stringContaining(`is locked by another program${who}`),
      hint: expect.stringContaining(`kill -CONT ${pid ?? 'PID'}`),
    },
    end: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

let store: Awaited<ReturnType<typeof folder>>
let frozen: Awaited<ReturnType<typeof freeze>> | null
let bus: Bus

beforeEach(async () => {
  store = await folder()
  bus = await connect(`file:${store.dir}?lease=5s`)
  frozen = null
})

afterEach(async () => {
  await frozen?.end()
  await bus.close().catch(() => undefined) // a test may have closed it, and was told
  await store[Symbol.asyncDispose]()
})

const thrownBy = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error) => error,
  )

test('connect ends by its limit and by its signal while a frozen process has the lock', async () => {
  frozen = await freeze(store.dir)
  const url = `file:${store.dir}`
  const [limited, told] = await Promise.all([
    thrownBy(connect(`${url}?timeout=300ms`)),
    thrownBy(connect(url, { signal: AbortSignal.timeout(300) })),
  ])
  expect(limited).toMatchObject({ code: 'TIMEOUT', retryable: true, definite: true })
  expect(limited).toMatchObject(frozen.told)
  expect(told).toMatchObject({ code: 'ABORTED', hint: frozen.told.hint })
  expect(told).toHaveProperty('cause.name', 'TimeoutError')
  await frozen.end()
  frozen = null
  await using after = await connect(url)
  expect(after.driver).toBe('file')
}, 60_000)

test('what asks the store is told who has the lock, each by its own limit', async () => {
  const orders = bus.queue<number>('orders', { publish: { timeoutMs: 3_000 } })
  await orders.publish(1)
  frozen = await freeze(store.dir)
  const reason = new Error('enough')
  const stop = new AbortController()
  const paused = thrownBy(bus.admin.pause({ name: 'orders', pattern: 'queue' }, true, stop.signal))
  const opening = thrownBy(bus.queue('fresh').opened())
  const published = await thrownBy(orders.publish(2))
  expect(published).toMatchObject({ code: 'TIMEOUT', retryable: true, definite: true })
  expect(published).toMatchObject(frozen.told)
  stop.abort(reason)
  expect(await paused).toMatchObject({ code: 'ABORTED', definite: true, cause: reason })
  expect(await opening).toMatchObject({ code: 'UNAVAILABLE', retryable: true, definite: true })
  expect(await opening).toMatchObject(frozen.told)
  await frozen.end()
  frozen = null
  expect(await orders.publish(3)).toMatchObject({ duplicate: false })
}, 60_000)

test('closing waits no longer than it may for a lock, and what was in hand comes again', async () => {
  const orders = bus.queue<number>('orders')
  await orders.publishMany([{ data: 1 }, { data: 2 }])
  const deliveries = orders.deliveries()
  const iterator = deliveries[Symbol.asyncIterator]()
  const first = (await iterator.next()).value
  const trouble: unknown[] = []
  deliveries.on('error', ({ error }) => trouble.push(error))
  frozen = await freeze(store.dir)
  const settling = thrownBy(first?.settle({ kind: 'ack' }) ?? Promise.resolve())
  await bus.close({ timeoutMs: 300 })
  expect(await settling).toMatchObject({ code: 'CLOSED' })
  expect(trouble).toContainEqual(expect.objectContaining({ code: 'UNAVAILABLE', ...frozen.told }))
  await frozen.end()
  frozen = null
  await using again = await connect(`file:${store.dir}?lease=5s`)
  const seen = new Set<number>()
  for await (const one of again.queue<number>('orders').deliveries()) {
    await one.settle({ kind: 'ack' })
    if (seen.add(one.data).size === 2) break
  }
  expect(seen).toEqual(new Set([1, 2]))
}, 60_000)
