import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { ChannelSpec } from '../../src/core/channel.ts'
import type { Depth, Session } from '../../src/core/driver.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtualClock.ts'
import { folder, message, never, open, quiet, readerSpec, spec } from './file/store.ts'

const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => message(`m-${from + n}`))
const room = { messages: 1_000, bytes: 1e8 }

async function depth(session: Session, channel: ChannelSpec): Promise<Depth> {
  const [found] = (await session.admin.depths?.([channel], never)) ?? []
  if (!found) throw new Error(`no ${channel.name}`)
  return found
}

/** Lets seconds pass, and the keeper work in each, until it is so. */
async function secondsUntil(clock: VirtualClock, isSo: () => Promise<boolean>): Promise<void> {
  for (let second = 0; !(await isSo()); second++) {
    if (second > 200) throw new Error('the keeper did not do it')
    await clock.advance(1_000)
    for (let turn = 0; turn < 50; turn++) await setImmediate()
  }
}

function rows(dir: string, table: string): number {
  const db = new DatabaseSync(join(dir, 'store.db'), { readOnly: true })
  try {
    return (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n
  } finally {
    db.close()
  }
}

test('a stream forgets by age while nobody publishes, and never what a group has not settled', async () => {
  await using store = await folder()
  const clock = virtualClock()
  await using opened = await open(store.dir, { clock })
  const events = spec({
    name: 'events',
    pattern: 'stream',
    retention: { ageMs: 60_000, messages: null, bytes: null },
  })
  await using publisher = await opened.session.publisher(events, never)
  const reader = readerSpec('r', { group: 'mail', leaseMs: 10_000_000 })
  await using source = await opened.session.source(events, reader, quiet, never)
  await publisher.publish(many(10), never)
  const held = await source.receive({ messages: 6, bytes: 1e6 }, never)
  const acks = held.map(({ token }) => ({ token, kind: 'ack' as const }))
  await source.settle(acks.slice(0, 4), never)
  await secondsUntil(clock, async () => (await depth(opened.session, events)).stored === 6)
  await clock.advance(120_000)
  expect(await depth(opened.session, events)).toMatchObject({ stored: 6, waiting: 4, inFlight: 2 })
  await source.settle(acks.slice(4), never)
  await secondsUntil(clock, async () => (await depth(opened.session, events)).stored === 4)
})

test('what is due, and what a dead reader held, waits again though nobody looks for it', async () => {
  await using store = await folder()
  const clock = virtualClock()
  await using opened = await open(store.dir, { clock })
  const { session } = opened
  await using publisher = await session.publisher(spec(), never)
  await using source = await session.source(spec(), readerSpec('dead'), quiet, never)
  await publisher.publish([...many(3), message('later', { delayMs: 5_000 })], never)
  await source.receive({ messages: 2, bytes: 1e6 }, never)
  expect(await depth(session, spec())).toMatchObject({ waiting: 1, inFlight: 2, scheduled: 1 })
  await secondsUntil(clock, async () => rows(store.dir, 'scheduled') === 0)
  expect(await depth(session, spec())).toMatchObject({ waiting: 2, inFlight: 2, scheduled: 0 })
  await secondsUntil(clock, async () => (await depth(session, spec())).inFlight === 0)
  expect(await depth(session, spec())).toMatchObject({ waiting: 4, scheduled: 0, stored: 4 })
})

test('marks, readers and removed channels leave nothing behind', async () => {
  await using store = await folder()
  const clock = virtualClock()
  await using opened = await open(store.dir, { clock })
  const { session } = opened
  const deduped = spec({ dedupeWindowMs: 30_000 })
  await using publisher = await session.publisher(deduped, never)
  await publisher.publish(
    many(1_500).map((one) => ({ ...one, dedupeId: one.id })),
    never,
  )
  const marks = session.marks?.(deduped, null, 1_000)
  await marks?.finish(['a', 'b'], { reader: 'r', serial: 1 }, 20_000, never)
  const source = await session.source(deduped, readerSpec('r'), quiet, never)
  await source.receive(room, never)
  await source[Symbol.asyncDispose]()
  expect([rows(store.dir, 'dedupe'), rows(store.dir, 'seen')]).toEqual([1_500, 2])
  expect(rows(store.dir, 'lost')).toBe(1_000)
  await secondsUntil(clock, async () => rows(store.dir, 'dedupe') + rows(store.dir, 'seen') === 0)
  // A removal that was cut off after its first step.
  const db = new DatabaseSync(join(store.dir, 'store.db'), { timeout: 5_000 })
  db.exec(`UPDATE channel SET name = '~' || no`)
  db.close()
  await clock.advance(3_700_000)
  await secondsUntil(clock, async () => rows(store.dir, 'channel') === 0)
  for (const table of ['log', 'grp', 'held', 'back', 'lost', 'reader']) {
    expect([table, rows(store.dir, table)]).toEqual([table, 0])
  }
})

test('of a worker that goes on under another name only the last reader is kept', async () => {
  await using store = await folder()
  const clock = virtualClock()
  await using opened = await open(store.dir, { clock })
  const { session } = opened
  const worker = { id: 'worker-x', incarnation: '1' }
  await session.source(spec(), readerSpec('r-1', { worker }), quiet, never)
  const last = await session.source(spec(), readerSpec('r-2', { worker }), quiet, never)
  await clock.advance(40_000)
  await secondsUntil(clock, async () => rows(store.dir, 'reader WHERE deadline_ms > 0') === 0)
  await clock.advance(3_700_000)
  await secondsUntil(clock, async () => rows(store.dir, 'reader') === 1)
  expect(await last.renew(null, never)).toEqual([])
  expect(rows(store.dir, `reader WHERE name = 'r-2' AND deadline_ms > 0`)).toBe(1)
})

test('counts stay exact over holes in the numbers, and larger batches than a transaction', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  const { session } = opened
  const events = spec({ name: 'events', pattern: 'stream' })
  await using publisher = await session.publisher(events, never)
  await using source = await session.source(events, readerSpec('r', { group: 'g' }), quiet, never)
  const outcomes = await publisher.publish(many(2_500), never)
  expect(new Set(outcomes.map((one) => one.state === 'stored' && one.position)).size).toBe(2_500)
  for (const id of ['m-0', 'm-700', 'm-701', 'm-2499']) {
    expect(await session.admin.removeMessage?.(events, id, never)).toBe(true)
  }
  expect(await depth(session, events)).toMatchObject({ waiting: 2_496, stored: 2_496 })
  const taken = []
  while (taken.length < 2_496) taken.push(...(await source.receive(room, never)))
  expect(taken.length).toBe(2_496)
  const acks = taken.map(({ token }) => ({ token, kind: 'ack' as const }))
  expect(new Set(await source.settle(acks, never))).toEqual(new Set(['settled']))
  expect(await depth(session, events)).toMatchObject({ waiting: 0, inFlight: 0, out: 2_496 })
  await session.admin.seek?.(events, 'g', 'first', never)
  expect((await depth(session, events)).waiting).toBe(2_496)
  await session.admin.seek?.(events, 'g', { id: 'm-699' }, never)
  expect((await depth(session, events)).waiting).toBe(2_499 - 702)
  const [next] = await source.receive({ messages: 1, bytes: 1e6 }, never)
  expect(next?.message.id).toBe('m-702')
})
