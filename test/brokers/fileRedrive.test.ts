import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { ChannelSpec } from '../../src/core/channel.ts'
import type { Session } from '../../src/core/driver.ts'
import type { DeadLetter } from '../../src/core/message.ts'
import { virtualClock } from '../../src/testing/virtualClock.ts'
import { folder, message, never, open, quiet, readerSpec, spec } from './file/store.ts'

const orders = spec()
const room = { messages: 100, bytes: 1e8 }

function letter(): DeadLetter {
  return {
    ...{ cause: 'verdict', reason: 'no', error: null, failures: 0, crashes: 0, redrives: 0 },
    ...{ firstFailedMs: null, diedMs: 0, channel: 'orders', group: null, worker: 'w' },
  }
}

/** @returns the refs. */
async function bury(session: Session, count: number): Promise<string[]> {
  await using publisher = await session.publisher(orders, never)
  const batch = Array.from({ length: count }, (_, n) => message(`m${n}`))
  await publisher.publish(batch, never)
  await using source = await session.source(orders, readerSpec('grave'), quiet, never)
  const got = await source.receive(room, never)
  const dead = got.map(({ token }) => ({ token, kind: 'dead', letter: letter() }) as const)
  await source.settle(dead, never)
  const page = { cursor: null, limit: 100, newestFirst: false }
  const found = await session.admin.deadLetters?.(orders, null, page, never)
  return found?.items.map(({ ref }) => ref) ?? []
}

/** Its look once a second never comes: the clock of the reader stands still. */
async function waits(dir: string, name: string): Promise<void> {
  using db = new DatabaseSync(join(dir, 'store.db'), { readOnly: true })
  const asked = db.prepare('SELECT count(*) AS n FROM reader WHERE name = ? AND waiting = 1')
  while (asked.get(name)?.n !== 1) await setImmediate()
}

test.for([
  ['back', null],
  ['to a queue', spec({ name: 'repair' })],
  ['to a stream', spec({ name: 'repair', pattern: 'stream' })],
] as const)('a redrive %s wakes who waits there in another session', async ([, to]) => {
  await using store = await folder()
  await using here = await open(store.dir)
  await using there = await open(store.dir, { clock: virtualClock(Date.now()) })
  if (to) await here.session.admin.ensure(to, never)
  const refs = await bury(here.session, 3)
  const target: ChannelSpec = to ?? orders
  const group = target.pattern === 'stream' ? 'mail' : null
  await using source = await there.session.source(
    target,
    readerSpec('waiting', { group }),
    quiet,
    never,
  )
  const received = source.receive(room, never)
  await waits(store.dir, 'waiting')
  await here.session.admin.redrive?.(orders, refs, to, never)
  const got = await received
  expect(got.map(({ message: { id, type } }) => [id, type])).toEqual(
    ['m0', 'm1', 'm2'].map((id) => [id, 'orders']),
  )
})
