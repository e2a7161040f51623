import { existsSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Publisher, Session, Source } from '../../src/core/driver.ts'
import type { Delivery, PublishOutcome } from '../../src/core/message.ts'
import { Database } from '../../src/drivers/file/database.ts'
import { growthBytes } from '../../src/drivers/file/diskRoom.ts'
import { freeBytes } from '../../src/drivers/file/freeBytes.ts'
import { copyLog, fillReserve } from '../../src/drivers/file/reserve.ts'
import { fillUp, type Mount, tmpfs } from './file/mount.ts'
import { drainQueue, message, never, open, quiet, readerSpec, spec, waiting } from './file/store.ts'

const mebibyte = 1024 * 1024
const settled = ['settled']
const room = { messages: 1_000, bytes: 1e8 }
const acksOf = (deliveries: readonly Delivery[]) =>
  deliveries.map(({ token }) => ({ token, kind: 'ack' as const }))
const idsOf = (deliveries: readonly Delivery[]) => deliveries.map((one) => one.message.id)

/** Publishes until no more is taken; returns the ids that are stored, and what was said of others. */
async function publishAll(publisher: Publisher, name: string) {
  const stored: string[] = []
  for (let n = 0; ; n++) {
    const batch = Array.from({ length: 100 }, (_, at) =>
      message(`${name}-${n}-${at}`, { body: JSON.stringify('x'.repeat(2_000)) }),
    )
    const outcomes = await publisher.publish(batch, never)
    const refused = outcomes.filter(({ state }) => state !== 'stored')
    stored.push(...batch.flatMap(({ id }, at) => (outcomes[at]?.state === 'stored' ? [id] : [])))
    if (refused.length > 0) return { stored, refused }
  }
}

/** Hands out and acknowledges all there is, and returns its ids. */
async function settleAll(session: Session, source: Source): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const deliveries = await source.receive(room, AbortSignal.timeout(500))
    if (deliveries.length === 0 && (await waiting(session)) === 0) return ids
    ids.push(...idsOf(deliveries))
    const outcomes = await source.settle(acksOf(deliveries), never)
    expect(outcomes.every((one) => one === 'settled')).toBe(true)
  }
}

async function reserved(dir: string): Promise<void> {
  const path = join(dir, 'reserve')
  while (!existsSync(path) || statSync(path).size < 8 * mebibyte) await wait(20)
}

function mounted(skip: (why: string) => never, options: string): Mount {
  const mount = tmpfs(options)
  return 'why' in mount ? skip(mount.why) : mount
}

describe('on a full disk', () => {
  for (const { when, size, least } of [
    { when: 'when the store has its reserve', size: '96m', least: 20_000 },
    { when: 'before it has one', size: '96m', least: 20_000 },
    { when: 'too small for one', size: '31m', least: 4_000 },
  ]) {
    test(`all that is stored is settled, and then publishing works again: filled ${when}`, async ({
      skip,
    }) => {
      using disk = mounted(skip, `size=${size}`)
      const dir = join(disk.dir, 'store')
      await using opened = await open(dir)
      await using publisher = await opened.session.publisher(spec(), never)
      await using source = await opened.session.source(spec(), readerSpec('r'), quiet, never)
      if (when.includes('before')) unlinkSync(join(dir, 'reserve'))
      expect(existsSync(join(dir, 'reserve'))).toBe(when.includes('has its'))
      for (const round of ['first', 'second', 'third']) {
        const { stored, refused } = await publishAll(publisher, round)
        expect(stored.length).toBeGreaterThan(round === 'first' ? least : 1_000)
        const wanted: PublishOutcome = {
          state: 'refused',
          code: 'DISK_FULL',
          message: expect.stringMatching(/no space is left.* MiB/),
          hint: expect.stringContaining('Free at least'),
        }
        expect(refused).toEqual(refused.map(() => wanted))
        expect(await settleAll(opened.session, source)).toEqual(stored)
      }
      const [depth] = (await opened.session.admin.depths?.([spec()], never)) ?? []
      expect(depth).toMatchObject({ stored: 0, inFlight: 0, dead: 0 })
    }, 120_000)
  }

  test('of other programs, all is settled that was published right after the first opening', async ({
    skip,
  }) => {
    using disk = mounted(skip, 'size=40m')
    await using opened = await open(join(disk.dir, 'store'))
    await using publisher = await opened.session.publisher(spec(), never)
    await using source = await opened.session.source(spec(), readerSpec('r'), quiet, never)
    const { stored } = await publishAll(publisher, 'm')
    expect(stored.length).toBeGreaterThan(1_000)
    fillUp(join(disk.dir, 'filler'))
    expect(await settleAll(opened.session, source)).toEqual(stored)
  }, 120_000)

  test('of other programs, settling and closing live on the reserve', async ({ skip }) => {
    using disk = mounted(skip, 'size=96m')
    const dir = join(disk.dir, 'store')
    const batch = Array.from({ length: 3_000 }, (_, n) => message(`m-${n}`))
    {
      await using opened = await open(dir)
      await using publisher = await opened.session.publisher(spec(), never)
      await using source = await opened.session.source(spec(), readerSpec('r'), quiet, never)
      await reserved(dir)
      await publisher.publish(batch, never)
      fillUp(join(disk.dir, 'filler'))
      const [outcome] = await publisher.publish([message('refused')], never)
      expect(outcome).toMatchObject({ state: 'refused', code: 'DISK_FULL' })
      const inHand = await source.receive(room, never)
      for (const ack of acksOf(inHand)) expect(await source.settle([ack], never)).toEqual(settled)
    }
    unlinkSync(join(disk.dir, 'filler'))
    await using opened = await open(dir)
    const rest = batch.slice(room.messages).map(({ id }) => id)
    expect(idsOf(await drainQueue(opened.session))).toEqual(rest)
    await using publisher = await opened.session.publisher(spec(), never)
    expect((await publisher.publish([message('after')], never))[0]?.state).toBe('stored')
    await reserved(dir)
  }, 120_000)

  test('of other programs, a new process opens and works on the reserve', async ({ skip }) => {
    using disk = mounted(skip, 'size=96m')
    const dir = join(disk.dir, 'store')
    const batch = Array.from({ length: 3_000 }, (_, n) => message(`m-${n}`))
    {
      await using opened = await open(dir)
      await using publisher = await opened.session.publisher(spec(), never)
      await publisher.publish(batch, never)
      await reserved(dir)
    }
    fillUp(join(disk.dir, 'filler'))
    await using opened = await open(dir)
    expect(idsOf(await drainQueue(opened.session))).toEqual(batch.map(({ id }) => id))
  }, 120_000)

  test('a log that cannot be copied whole is left alone until there is room', async ({ skip }) => {
    using disk = mounted(skip, 'size=96m')
    const dir = join(disk.dir, 'store')
    await using opened = await open(dir)
    await using publisher = await opened.session.publisher(spec(), never)
    await reserved(dir)
    const reader = new DatabaseSync(join(dir, 'store.db'))
    try {
      reader.exec('BEGIN; SELECT count(*) FROM log')
      const { stored } = await publishAll(publisher, 'm')
      writeFileSync(join(disk.dir, 'little'), Buffer.alloc(mebibyte / 4))
      fillUp(join(disk.dir, 'filler'))
      unlinkSync(join(disk.dir, 'little'))
      const bytes = statSync(join(dir, 'store.db')).size
      reader.exec('COMMIT')
      await opened.session.admin.pause?.(spec(), false, never)
      // The log is looked at ten times a second while it changes.
      await wait(1_000)
      expect(statSync(join(dir, 'store.db')).size).toBe(bytes)
      unlinkSync(join(disk.dir, 'filler'))
      expect(idsOf(await drainQueue(opened.session))).toEqual(stored)
    } finally {
      reader.close()
    }
  }, 120_000)

  test('a reserve is made of what copying the log leaves, not of what it needs', async ({
    skip,
  }) => {
    using disk = mounted(skip, 'size=96m')
    const db = new Database(join(disk.dir, 'store.db'))
    using _ = { [Symbol.dispose]: () => db.close() }
    db.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(x)')
    db.run('INSERT INTO t VALUES (zeroblob(?))', 36 * mebibyte)
    expect(growthBytes(db)).toBeGreaterThan(36 * mebibyte)
    expect(freeBytes(db.path)).toBeGreaterThan(36 * mebibyte)
    await fillReserve(db, disk.dir)
    expect(existsSync(join(disk.dir, 'reserve'))).toBe(false)
    expect(await copyLog(db)).toBe(true)
    db.get('PRAGMA wal_checkpoint(TRUNCATE)')
    await fillReserve(db, disk.dir)
    expect(existsSync(join(disk.dir, 'reserve'))).toBe(true)
  }, 60_000)

  test('none is made of what others take meanwhile', async ({ skip }) => {
    using disk = mounted(skip, 'size=96m')
    const db = new Database(join(disk.dir, 'store.db'))
    using _ = { [Symbol.dispose]: () => db.close() }
    db.exec('CREATE TABLE t(x)')
    const making = fillReserve(db, disk.dir)
    const leftBytes = 20 * mebibyte
    writeFileSync(join(disk.dir, 'filler'), Buffer.alloc(freeBytes(db.path) - leftBytes))
    await making
    expect(readdirSync(disk.dir).filter((name) => name.startsWith('reserve'))).toEqual([])
    unlinkSync(join(disk.dir, 'filler'))
    await fillReserve(db, disk.dir)
    expect(statSync(join(disk.dir, 'reserve')).size).toBe(8 * mebibyte)
  }, 60_000)

  test('and one that several make at once has all of its bytes', async ({ skip }) => {
    using disk = mounted(skip, 'size=96m')
    const db = new Database(join(disk.dir, 'store.db'))
    using _ = { [Symbol.dispose]: () => db.close() }
    db.exec('CREATE TABLE t(x)')
    const makers: Promise<void>[] = []
    for (let n = 0; n < 4; n++) {
      makers.push(fillReserve(db, disk.dir))
      await wait(n * 3)
    }
    await Promise.all(makers)
    const { size, blocks } = statSync(join(disk.dir, 'reserve'))
    expect(size).toBeGreaterThanOrEqual(8 * mebibyte)
    expect(blocks * 512).toBeGreaterThanOrEqual(size)
    expect(existsSync(join(disk.dir, 'reserve.new'))).toBe(false)
  }, 60_000)
})
