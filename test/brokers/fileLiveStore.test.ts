import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import type { ChannelSpec } from '../../src/core/channel.ts'
import type { LiveSource, Session } from '../../src/core/driver.ts'
import { Database } from '../../src/drivers/file/database.ts'
import { migrate, versionOf } from '../../src/drivers/file/migrate.ts'
import { migrations, schemaVersion } from '../../src/drivers/file/schema.ts'
import { Syncer } from '../../src/drivers/file/syncer.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtualClock.ts'
import { fillUp, tmpfs } from './file/mount.ts'
import {
  drainQueue,
  folder,
  liveOf,
  message,
  never,
  open,
  quiet,
  spec,
  subscriberSpec,
} from './file/store.ts'

afterEach(() => vi.restoreAllMocks())

const broadcast = spec({ name: 'news', pattern: 'broadcast' })
const narrowcast = spec({ name: 'work', pattern: 'narrowcast' })
const room = { messages: 100, bytes: 1e8 }
const many = (count: number, prefix = 'm') =>
  Array.from({ length: count }, (_, n) => message(`${prefix}-${n}`))

function subscribe(session: Session, channel: ChannelSpec, id: string): Promise<LiveSource> {
  // Where real time passes nobody renews it.
  return liveOf(session).subscribe(channel, subscriberSpec(id, { leaseMs: 30_000 }), quiet, never)
}

async function publish(session: Session, channel: ChannelSpec, batch = many(1)) {
  await using publisher = await session.publisher(channel, never)
  return publisher.publish(batch, never)
}

const idsOf = (messages: readonly { id: string }[]) => messages.map(({ id }) => id)

function rows(dir: string, table: string): number {
  using db = new DatabaseSync(join(dir, 'store.db'), { readOnly: true })
  return (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n
}

/** What lies in the store for live channels. */
const leftIn = (dir: string) => ({
  subscribers: rows(dir, 'subscriber'),
  inboxes: rows(dir, 'inbox'),
  unread: rows(dir, 'unread'),
})
const nothing = { subscribers: 0, inboxes: 0, unread: 0 }

/** Lets so many seconds pass, and the keeper work then, until it is so. */
async function secondsUntil(clock: VirtualClock, isSo: () => boolean, seconds = 1): Promise<void> {
  for (let step = 0; !isSo(); step++) {
    if (step > 100) throw new Error('the keeper did not do it')
    await clock.advance(seconds * 1_000)
    for (let turn = 0; turn < 50; turn++) await setImmediate()
  }
}

test('a broadcast lies in the store once for fifty, until the last of them has read it', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  const { session } = opened
  expect(await publish(session, broadcast)).toMatchObject([{ receivers: 0 }])
  expect(leftIn(store.dir)).toEqual(nothing)
  const all = await Promise.all(
    Array.from({ length: 50 }, (_, n) => subscribe(session, broadcast, `s-${n}`)),
  )
  expect(await publish(session, broadcast, many(3))).toMatchObject(Array(3).fill({ receivers: 50 }))
  expect(leftIn(store.dir)).toEqual({ subscribers: 50, inboxes: 1, unread: 3 })
  for (const [n, source] of all.entries()) {
    expect(rows(store.dir, 'unread')).toBe(3)
    expect(idsOf(await source.receive(room, never))).toEqual(['m-0', 'm-1', 'm-2'])
    if (n === 24) expect(leftIn(store.dir)).toMatchObject({ unread: 3 })
  }
  expect(leftIn(store.dir)).toEqual({ subscribers: 50, inboxes: 1, unread: 0 })
  for (const source of all) await source[Symbol.asyncDispose]()
  expect(leftIn(store.dir)).toEqual(nothing)
})

test('whoever reads nothing keeps no more than it wanted to hold', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  const { session } = opened
  const hold = { messages: 5, bytes: 1e6 }
  const slow = subscriberSpec('slow', { hold })
  await using _ = await liveOf(session).subscribe(broadcast, slow, quiet, never)
  const fast = await subscribe(session, broadcast, 'fast')
  for (const unread of [40, 80]) {
    await publish(session, broadcast, many(40))
    expect(rows(store.dir, 'unread')).toBe(unread)
  }
  expect(await fast.receive(room, never)).toHaveLength(80)
  expect(rows(store.dir, 'unread')).toBe(5)
  await fast[Symbol.asyncDispose]()
  await publish(session, broadcast, many(40))
  expect(rows(store.dir, 'unread')).toBe(5)
})

test('one that has stopped keeps what it has not read, and nothing that came after', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  const { session } = opened
  const gaps: unknown[] = []
  const on = { gap: (missed: unknown) => gaps.push(missed) }
  const hold = { messages: 5, bytes: 1e6 }
  const self = subscriberSpec('leaving', { hold })
  await using leaving = await liveOf(session).subscribe(broadcast, self, on, never)
  await using stays = await subscribe(session, broadcast, 'stays')
  await publish(session, broadcast, many(4))
  expect(await leaving.receive({ messages: 1, bytes: 1e6 }, never)).toHaveLength(1)
  await leaving.stop(never)
  expect(await publish(session, broadcast, many(40, 'late'))).toMatchObject([
    { receivers: 1 },
    ...Array(39).fill({}),
  ])
  expect(await stays.receive(room, never)).toHaveLength(44)
  expect(rows(store.dir, 'unread')).toBe(3)
  await publish(session, broadcast, many(10, 'later'))
  expect(rows(store.dir, 'unread')).toBe(13)
  expect(idsOf(await leaving.receive(room, never))).toEqual(['m-1', 'm-2', 'm-3'])
  expect([gaps, rows(store.dir, 'unread')]).toEqual([[], 10])
  expect(await stays.receive(room, never)).toHaveLength(10)
  expect(leftIn(store.dir)).toEqual({ subscribers: 2, inboxes: 1, unread: 0 })
  await publish(session, broadcast, many(2))
  expect(await session.admin.purge?.(broadcast, never)).toBe(2)
})

test('no transaction reads or removes more than 4 MiB, or one message', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  const { session } = opened
  const wide = { ...broadcast, payloadBytesMax: 8 * 1024 * 1024 }
  const large = (bytes: number) => many(9).map((one) => ({ ...one, body: new Uint8Array(bytes) }))
  await using source = await subscribe(session, wide, 'w')
  await publish(session, wide, large(1024 * 1024))
  expect(await source.receive(room, never)).toHaveLength(4)
  expect(rows(store.dir, 'unread')).toBe(5)
  const leaving = await subscribe(session, wide, 'leaving')
  await publish(session, wide, large(5 * 1024 * 1024).slice(0, 2))
  expect(await source.receive(room, never)).toHaveLength(4)
  expect(await source.receive(room, never)).toHaveLength(1)
  expect(await source.receive(room, never)).toHaveLength(1)
  expect(await source.receive(room, never)).toHaveLength(1)
  expect(rows(store.dir, 'unread')).toBe(2)
  await leaving[Symbol.asyncDispose]()
  expect(rows(store.dir, 'unread')).toBe(1)
})

test('the keeper removes who is gone, with all that lies unread for nobody', async () => {
  await using store = await folder()
  const clock = virtualClock()
  await using opened = await open(store.dir, { clock })
  const { session } = opened
  const hold = { messages: 10_000, bytes: 1e9 }
  for (const channel of [broadcast, narrowcast]) {
    await liveOf(session).subscribe(channel, subscriberSpec('gone', { hold }), quiet, never)
  }
  await publish(session, broadcast, many(2_500))
  const batch = many(1_500).map((one) => ({
    to: { id: 'gone', incarnation: '1' },
    message: one,
  }))
  await liveOf(session).send(narrowcast, batch, null, never)
  expect(leftIn(store.dir)).toEqual({ subscribers: 2, inboxes: 2, unread: 4_000 })
  await secondsUntil(clock, () => rows(store.dir, 'inbox') === 0)
  expect(leftIn(store.dir)).toEqual(nothing)
})

test('the keeper removes the bell of a process that was killed, and of nobody who is there', async () => {
  await using store = await folder()
  const clock = virtualClock()
  await using opened = await open(store.dir, { clock })
  await using idle = await open(store.dir, { clock })
  const bells = join(store.dir, 'bells')
  const waitOnce = async (session: Session, id: string) => {
    await using source = await subscribe(session, broadcast, id)
    const receiving = source.receive(room, AbortSignal.timeout(50))
    expect(await receiving).toEqual([])
  }
  await waitOnce(idle.session, 'idle')
  const [idleBell] = readdirSync(bells) as [string]
  await using source = await subscribe(opened.session, broadcast, 'there')
  const abort = new AbortController()
  const waiting = source.receive(room, abort.signal)
  while (readdirSync(bells).length < 2) await setImmediate()
  for (const bell of readdirSync(bells)) utimesSync(join(bells, bell), 0, 0)
  await secondsUntil(clock, () => !existsSync(join(bells, idleBell)), 60)
  expect(readdirSync(bells)).toHaveLength(1)
  abort.abort()
  await waiting
  // It was not gone after all: then it makes its bell anew.
  await waitOnce(idle.session, 'idle')
  expect(existsSync(join(bells, idleBell))).toBe(true)
})

test('who has waited longest leads when a lease ends, though another one looks first', async () => {
  await using store = await folder()
  const clock = virtualClock()
  const led: string[] = []
  const lead = async (id: string, leaseMs: number, count: number) => {
    const { session } = await open(store.dir, { clock })
    const self = subscriberSpec(id, { leaseMs })
    const won = liveOf(session).lead(narrowcast, self, quiet, never)
    while (rows(store.dir, 'subscriber') < count) await setImmediate()
    return { session, won: won.then(() => led.push(id)) }
  }
  const leading = await lead('leads', 900, 1)
  await leading.won
  const first = await lead('first', 300, 2)
  const second = await lead('second', 30_000, 3)
  await secondsUntil(clock, () => led.length === 2, 0.1)
  expect(led).toEqual(['leads', 'first'])
  for (const { session } of [leading, first]) await session[Symbol.asyncDispose]()
  await second.won
  expect(led).toEqual(['leads', 'first', 'second'])
  await second.session[Symbol.asyncDispose]()
})

test('after a boot nobody is there, and nothing lies unread', async () => {
  await using store = await folder()
  {
    await using opened = await open(store.dir)
    await liveOf(opened.session).subscribe(
      broadcast,
      subscriberSpec('before', { leaseMs: 1e9 }),
      quiet,
      never,
    )
    await publish(opened.session, broadcast)
  }
  {
    await using opened = await open(store.dir)
    expect(await publish(opened.session, broadcast)).toMatchObject([{ receivers: 1 }])
  }
  new Database(join(store.dir, 'store.db')).exec(`UPDATE store SET boot = 'an earlier one'`)
  await using opened = await open(store.dir)
  expect(await publish(opened.session, broadcast)).toMatchObject([{ receivers: 0 }])
  expect(rows(store.dir, 'subscriber')).toBe(0)
})

test('a store of format 1 is brought forward with its queue, and takes live channels', async () => {
  await using store = await folder()
  const path = join(store.dir, 'store.db')
  const old = new Database(path)
  old.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = WAL')
  migrate(
    old,
    () => old.run(`INSERT INTO store VALUES ('of format 1', '', 0)`),
    migrations.slice(0, 1),
  )
  expect(versionOf(old)).toBe(1)
  old.exec(`
    INSERT INTO channel (no, name, pattern, next_seq, reserved_seq, asked_seq, total_in)
      VALUES (1, 'orders', 'queue', 3, 1000, 1000, 2);
    INSERT INTO grp (no, channel, name, next_seq) VALUES (1, 1, '', 1);
    INSERT INTO log VALUES ((2 << 40) + 1, 'a', 1, 1, NULL, '1'), ((2 << 40) + 2, 'b', 1, 1, NULL, '2');
  `)
  old.close()
  await using opened = await open(store.dir)
  expect(opened.session.info.version).toBe(String(schemaVersion))
  const source = await subscribe(opened.session, broadcast, 'new')
  await publish(opened.session, broadcast)
  expect(idsOf(await source.receive(room, never))).toEqual(['m-0'])
  const kept = await drainQueue(opened.session)
  expect(kept.map(({ message: one }) => one.id)).toEqual(['a', 'b'])
})

test('with sync=full too no answer of a live channel waits for the disk', async () => {
  await using store = await folder()
  await using opened = await open(store.dir, { sync: 'full' })
  const { session } = opened
  const contract = await session.contract(broadcast, never)
  expect(contract.stored).toEqual({ in: 'page-cache', copies: 1 })
  expect(new Set(Object.values(contract.survives))).toEqual(new Set(['no']))
  for (const channel of [broadcast, narrowcast]) await session.admin.ensure(channel, never)
  await using publisher = await session.publisher(broadcast, never)
  const live = liveOf(session)
  const sync = vi.spyOn(Syncer.prototype, 'sync')
  const listener = await subscribe(session, broadcast, 'w')
  const worker = await subscribe(session, narrowcast, 'w')
  await publisher.publish(many(1), never)
  const to = { id: 'w', incarnation: '1' }
  await live.send(narrowcast, [{ to, message: message('m') }], null, never)
  for (const source of [listener, worker]) {
    expect(await source.receive(room, never)).toHaveLength(1)
    await source.renew(never)
    await source[Symbol.asyncDispose]()
  }
  expect(sync).not.toHaveBeenCalled()
})

test('while the store is locked nothing is sent, and that is certain', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  const { session } = opened
  const live = liveOf(session)
  await using worker = await subscribe(session, narrowcast, 'w')
  await using listener = await subscribe(session, broadcast, 'w')
  await using publisher = await session.publisher(broadcast, never)
  const child = fork(join(import.meta.dirname, 'file', 'lockChild.ts'), [
    join(store.dir, 'store.db'),
  ])
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'message')
  const batch = [{ to: { id: 'w', incarnation: '1' }, message: message('late') }]
  const limit = () => AbortSignal.timeout(200)
  await expect(live.send(narrowcast, batch, null, limit())).rejects.toMatchObject({
    code: 'ABORTED',
    definite: true,
  })
  expect(await publisher.publish(many(1, 'late'), limit())).toMatchObject([{ state: 'refused' }])
  expect(await worker.receive(room, limit())).toEqual([])
  expect(await live.workers(narrowcast, never)).toEqual([{ id: 'w', incarnation: '1' }])
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await live.send(narrowcast, batch, null, never)).toEqual(['handed'])
  expect(await publisher.publish(many(1), never)).toMatchObject([{ receivers: 1 }])
  expect(idsOf(await worker.receive(room, never))).toEqual(['late'])
  expect(idsOf(await listener.receive(room, never))).toEqual(['m-0'])
}, 30_000)

test('on a full disk nothing more is sent, and what lies unread is received', async ({ skip }) => {
  const disk = tmpfs('size=48m')
  if ('why' in disk) return skip(disk.why)
  using _ = disk
  await using opened = await open(join(disk.dir, 'store'))
  const { session } = opened
  const live = liveOf(session)
  const worker = await subscribe(session, narrowcast, 'w')
  const listener = await subscribe(session, broadcast, 'w')
  await using publisher = await session.publisher(broadcast, never)
  const to = { id: 'w', incarnation: '1' }
  const large = (id: string) => message(id, { body: new Uint8Array(500_000) })
  await live.send(narrowcast, [{ to, message: large('before') }], null, never)
  expect(await publisher.publish([large('before')], never)).toMatchObject([{ receivers: 1 }])
  fillUp(join(disk.dir, 'filler'))
  await expect(
    live.send(narrowcast, [{ to, message: large('after') }], null, never),
  ).rejects.toMatchObject({ code: 'DISK_FULL', definite: true })
  expect(await publisher.publish([large('after')], never)).toMatchObject([
    { state: 'refused', code: 'DISK_FULL' },
  ])
  for (const source of [worker, listener]) {
    expect(idsOf(await source.receive(room, never))).toEqual(['before'])
    await source.renew(never)
  }
}, 30_000)
