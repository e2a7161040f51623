import { setImmediate } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import type { ChannelSpec, ReaderSpec } from '../../src/core/channel.ts'
import type { Session } from '../../src/core/driver.ts'
import { Bells } from '../../src/drivers/file/bells.ts'
import { FileSource } from '../../src/drivers/file/source.ts'
import { virtualClock } from '../../src/testing/virtualClock.ts'
import { folder, message, never, open, quiet, readerSpec, spec } from './file/store.ts'

afterEach(() => vi.restoreAllMocks())

const room = { messages: 10, bytes: 1e6 }
const worker = { id: 'worker-x', incarnation: '1' }

/** How many listen for rings now. */
function countListeners(): () => number {
  const { listen } = Bells.prototype
  let listening = 0
  vi.spyOn(Bells.prototype, 'listen').mockImplementation(function (this: Bells, rung) {
    const stop = listen.call(this, rung)
    listening++
    return () => {
      listening--
      stop()
    }
  })
  return () => listening
}

/** How many sources a session that closes has to close with it. */
async function closeCounted(session: Session): Promise<number> {
  const disposed = vi.spyOn(FileSource.prototype, Symbol.asyncDispose)
  await session[Symbol.asyncDispose]()
  return disposed.mock.calls.length
}

/** Opens a source, which waits until it is interrupted, and is left as it is. */
async function waitOnce(session: Session, channel: ChannelSpec, reader: ReaderSpec) {
  const source = await session.source(channel, reader, quiet, never)
  const interrupt = new AbortController()
  const receiving = source.receive(room, interrupt.signal)
  for (let turn = 0; turn < 20; turn++) await setImmediate()
  interrupt.abort()
  expect(await receiving).toEqual([])
  return source
}

test('a reader that is opened again takes the place of its source before, which gives nothing back', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  const { session } = opened
  const listeners = countListeners()
  await using publisher = await session.publisher(spec(), never)
  await publisher.publish([message('held')], never)
  const first = await session.source(spec(), readerSpec('r', { worker }), quiet, never)
  const [held] = await first.receive(room, never)
  const holding = held ? [held.token] : []
  const again = () => waitOnce(session, spec(), readerSpec('r', { worker, holding }))
  for (let opening = 0; opening < 8; opening++) await again()
  expect(listeners()).toBe(1)
  const last = await again()
  const [outcome] = await last.settle(
    holding.map((token) => ({ token, kind: 'ack' as const })),
    never,
  )
  expect(outcome).toBe('settled')
  expect(await closeCounted(session)).toBe(1)
})

test('a source that waits ends when its reader is opened again', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  const first = await opened.session.source(spec(), readerSpec('r'), quiet, never)
  const receiving = first.receive(room, never)
  for (let turn = 0; turn < 20; turn++) await setImmediate()
  await opened.session.source(spec(), readerSpec('r'), quiet, never)
  expect(await receiving).toEqual([])
  await expect(first.renew(null, never)).rejects.toMatchObject({ code: 'CLOSED' })
})

test('a worker that goes on under another name leaves its source before, whose lease ends by itself', async () => {
  await using store = await folder()
  const clock = virtualClock()
  await using opened = await open(store.dir, { clock })
  const { session } = opened
  const listeners = countListeners()
  await using publisher = await session.publisher(spec(), never)
  await publisher.publish([message('held')], never)
  const old = await session.source(spec(), readerSpec('r-0', { worker }), quiet, never)
  const [held] = await old.receive(room, never)
  for (let name = 1; name <= 8; name++) {
    await waitOnce(session, spec(), readerSpec(`r-${name}`, { worker }))
  }
  expect(listeners()).toBe(1)
  const [depth] = (await session.admin.depths?.([spec()], never)) ?? []
  expect(depth).toMatchObject({ waiting: 0, inFlight: 1 })
  // What is still under way to it is given back by its own source.
  const token = held?.token ?? { reader: '', serial: 0 }
  expect(await old.settle([{ token, kind: 'release', delayMs: 0 }], never)).toEqual(['settled'])
  expect(await closeCounted(session)).toBe(1)
})

test('another worker of the same group is left alone', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  const { session } = opened
  const events = spec({ name: 'events', pattern: 'stream' })
  for (const [reader, group] of [
    ['a', 'mail'],
    ['b', 'mail'],
    ['b', 'audit'],
  ] as const) {
    await session.source(events, readerSpec(reader, { group }), quiet, never)
  }
  await session.source(spec(), readerSpec('a'), quiet, never)
  expect(await closeCounted(session)).toBe(4)
})

test.for(['receive', 'renew', 'settle'] as const)(
  'a source whose channel was removed is forgotten once %s finds out',
  async (call) => {
    await using store = await folder()
    await using opened = await open(store.dir)
    const { session } = opened
    const listeners = countListeners()
    const source = await waitOnce(session, spec(), readerSpec('r'))
    expect(listeners()).toBe(1)
    await session.admin.remove?.(spec(), never)
    const token = { reader: 'r', serial: 1 }
    if (call === 'settle') {
      expect(await source.settle([{ token, kind: 'ack' }], never)).toEqual(['late'])
    } else if (call === 'renew') await source.renew(null, never)
    else await expect(source.receive(room, never)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(listeners()).toBe(0)
    expect(await closeCounted(session)).toBe(0)
  },
)
