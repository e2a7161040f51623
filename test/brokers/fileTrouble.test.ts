import { existsSync, rmSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { open as openFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { file } from '../../src/drivers/file/index.ts'
import { virtualClock } from '../../src/testing/virtualClock.ts'
import { fillUp, tmpfs } from './file/mount.ts'
import { drainQueue, folder, message, never, open, quiet, readerSpec, spec } from './file/store.ts'

const batch = (name: string, count: number, bytes = 100) =>
  Array.from({ length: count }, (_, n) =>
    message(`${name}-${n}`, { body: JSON.stringify('x'.repeat(bytes)) }),
  )

/** A closed store with these messages in its queue. */
async function filled(dir: string, count: number): Promise<string> {
  await using opened = await open(dir)
  await using publisher = await opened.session.publisher(spec(), never)
  await publisher.publish(batch('m', count), never)
  return join(dir, 'store.db')
}

describe('a full disk', () => {
  test('refuses what does not fit, keeps the rest, and goes on when there is room', async ({
    skip,
  }) => {
    const mount = tmpfs('size=64m')
    if ('why' in mount) return skip(mount.why)
    using disk = mount
    const filler = join(disk.dir, 'filler')
    writeFileSync(filler, Buffer.alloc(48 * 1024 * 1024))
    await using opened = await open(join(disk.dir, 'store'))
    await using publisher = await opened.session.publisher(spec(), never)
    await using source = await opened.session.source(spec(), readerSpec('r'), quiet, never)
    await publisher.publish(batch('kept', 1_500), never)
    const inHand = await source.receive({ messages: 1_000, bytes: 1e6 }, never)
    const stored: string[] = []
    let refused = null
    for (let n = 0; n < 1_000 && !refused; n++) {
      const outcomes = await publisher.publish(batch(`full-${n}`, 100, 2_000), never)
      if (outcomes.every(({ state }) => state === 'stored')) stored.push(`full-${n}`)
      else refused = outcomes
    }
    expect(new Set(refused?.map(({ state }) => state))).toEqual(new Set(['refused']))
    expect(refused?.[0]).toMatchObject({ code: 'DISK_FULL' })
    expect(refused?.[0]).toHaveProperty('message', expect.stringContaining('no space is left'))
    // Somebody who reads all the time keeps the log from beginning again in the bytes that it has.
    const reader = new DatabaseSync(join(disk.dir, 'store', 'store.db'))
    reader.exec('BEGIN; SELECT count(*) FROM log')
    fillUp(join(disk.dir, 'rest'))
    const acks = inHand.map(({ token }) => ({ token, kind: 'ack' as const }))
    let settled = 0
    const settleAll = async () => {
      for (const ack of acks) {
        await source.settle([ack], never)
        settled++
      }
    }
    await expect(settleAll()).rejects.toMatchObject({ code: 'DISK_FULL' })
    const depth = (await opened.session.admin.depths?.([spec()], never))?.[0]
    expect(depth?.inFlight).toBe(inHand.length - settled)
    reader.close()
    unlinkSync(join(disk.dir, 'rest'))
    unlinkSync(filler)
    expect(await source.settle(acks, never)).toEqual(acks.map(() => 'settled'))
    expect((await publisher.publish(batch('after', 1), never))[0]?.state).toBe('stored')
    await source[Symbol.asyncDispose]()
    const found = (await drainQueue(opened.session)).map((delivery) => delivery.message.id)
    expect(found).toHaveLength(500 + stored.length * 100 + 1)
    expect(found.at(-1)).toBe('after-0')
  }, 60_000)
})

describe('a store that cannot be used says which, why and what to do:', () => {
  test('a read-only folder', async ({ skip }) => {
    const mount = tmpfs('size=8m')
    if ('why' in mount) return skip(mount.why)
    using disk = mount
    await filled(disk.dir, 3)
    disk.remount('ro')
    await expect(open(disk.dir)).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining(`${disk.dir} is read-only`),
      hint: expect.stringContaining('another folder'),
    })
    disk.remount('rw')
    await using opened = await open(disk.dir)
    expect(await drainQueue(opened.session)).toHaveLength(3)
  })

  test('a folder that is to be made on a read-only disk', async ({ skip }) => {
    const mount = tmpfs('ro,size=8m')
    if ('why' in mount) return skip(mount.why)
    using disk = mount
    await expect(open(join(disk.dir, 'new/store'))).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('is read-only'),
      hint: expect.stringContaining('another folder'),
    })
  })

  test('a path that is a file', async () => {
    await using store = await folder()
    await writeFile(join(store.dir, 'file'), 'text')
    await expect(open(join(store.dir, 'file'))).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
  })

  test('a file that is no database', async () => {
    await using store = await folder()
    await writeFile(join(store.dir, 'store.db'), 'This is not a database at all. '.repeat(300))
    await expectDamaged(store.dir)
    expect(await readFile(join(store.dir, 'store.db'), 'utf8')).toContain('not a database')
  })

  test('a file that was cut', async () => {
    await using store = await folder()
    const path = await filled(store.dir, 2_000)
    truncateSync(path, Math.floor(statSync(path).size / 2))
    const size = statSync(path).size
    await expectDamaged(store.dir)
    expect(statSync(path).size).toBe(size)
  })

  test('a file with broken pages', async () => {
    await using store = await folder()
    const path = await filled(store.dir, 2_000)
    const file = await openFile(path, 'r+')
    for (let page = 2; page < 8; page++) {
      await file.write(Buffer.alloc(8_192, 0xa5), 0, 8_192, page * 8_192)
    }
    await file.close()
    await expectDamaged(store.dir)
  })

  test('a log whose database is gone', async () => {
    await using store = await folder()
    const opened = await open(store.dir)
    await using publisher = await opened.session.publisher(spec(), never)
    await publisher.publish(batch('m', 10), never)
    await using other = await folder()
    await writeFile(join(other.dir, 'store.db-wal'), await readFile(`${store.dir}/store.db-wal`))
    await opened[Symbol.asyncDispose]()
    await expectDamaged(other.dir)
    expect(existsSync(join(other.dir, 'store.db'))).toBe(false)
  })

  test('a file of a newer format', async () => {
    await using store = await folder()
    const path = await filled(store.dir, 3)
    const db = new DatabaseSync(path)
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as {
      user_version: number
    }
    db.exec(`PRAGMA user_version = ${version + 1}`)
    db.close()
    await expect(open(store.dir)).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining(`has format ${version + 1}`),
      hint: expect.stringContaining('Update narrowcast'),
    })
  })

  test('a database of another program', async () => {
    await using store = await folder()
    const db = new DatabaseSync(join(store.dir, 'store.db'))
    db.exec('CREATE TABLE guests (name TEXT)')
    db.close()
    await expect(open(store.dir)).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('another program'),
    })
  })

  async function expectDamaged(dir: string): Promise<void> {
    await expect(open(dir)).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('store.db is damaged'),
      hint: expect.stringContaining('recover'),
    })
  }
})

test('a lock that nobody gives back ends the opening: when it is told to, or after a while', async () => {
  await using store = await folder()
  using other = new DatabaseSync(await filled(store.dir, 1))
  other.exec('BEGIN IMMEDIATE')
  const { open: openDriver } = file({ dir: store.dir })
  const stop = new AbortController()
  const told = openDriver({ closed: () => undefined }, stop.signal)
  const late = expect(openDriver({ closed: () => undefined }, never)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('locked by another program'),
    hint: expect.stringContaining('kill -CONT'),
  })
  const reason = new Error('enough')
  stop.abort(reason)
  await expect(told).rejects.toBe(reason)
  await late
}, 60_000)

test('a folder that is removed while it is open ends the session, and says so', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  await using publisher = await opened.session.publisher(spec(), never)
  await publisher.publish(batch('m', 3), never)
  rmSync(store.dir, { recursive: true, force: true })
  const error = await opened.closed
  expect(error).toMatchObject({ code: 'STORE_UNUSABLE' })
  expect(error.message).toContain('was removed or replaced')
  await expect(publisher.publish(batch('n', 1), never)).rejects.toBe(error)
})

test('a step of the wall clock ends no lease, no delay and no window', async () => {
  await using store = await folder()
  const clock = virtualClock()
  await using opened = await open(store.dir, { clock })
  const deduped = spec({ dedupeWindowMs: 60_000 })
  await using publisher = await opened.session.publisher(deduped, never)
  await using source = await opened.session.source(deduped, readerSpec('a'), quiet, never)
  await using other = await opened.session.source(deduped, readerSpec('b'), quiet, never)
  await publisher.publish([message('held', { dedupeId: 'held' })], never)
  const [held] = await source.receive({ messages: 1, bytes: 1e6 }, never)
  await publisher.publish([message('later', { delayMs: 10_000 })], never)
  for (const stepMs of [86_400_000, -200_000_000]) {
    clock.jumpWall(stepMs)
    const came = other.receive({ messages: 1, bytes: 1e6 }, AbortSignal.timeout(50))
    await clock.advance(2_000)
    expect(await came).toEqual([])
    const again = await publisher.publish([message('held', { dedupeId: 'held' })], never)
    expect(again[0]).toMatchObject({ state: 'stored', duplicate: true, position: '1' })
  }
  const later = other.receive({ messages: 1, bytes: 1e6 }, never)
  await clock.advance(6_000)
  expect((await later)[0]?.message.id).toBe('later')
  const token = held?.token ?? { reader: '', serial: 0 }
  expect(await source.settle([{ token, kind: 'ack' }], never)).toEqual(['settled'])
})

test('after a boot nobody holds anything, and no position is used twice', async () => {
  await using store = await folder()
  const path = await filled(store.dir, 3)
  {
    await using opened = await open(store.dir)
    const source = await opened.session.source(spec(), readerSpec('dead'), quiet, never)
    await source.receive({ messages: 1, bytes: 1e6 }, never)
    // Ends without giving anything back, like a machine that lost its power.
    Object.assign(source, { [Symbol.asyncDispose]: async () => undefined })
    const db = new DatabaseSync(path)
    db.exec(`UPDATE store SET boot = 'an earlier one'`)
    db.close()
  }
  await using opened = await open(store.dir)
  await using publisher = await opened.session.publisher(spec(), never)
  const [outcome] = await publisher.publish(batch('new', 1), never)
  expect(Number((outcome as { position: string }).position)).toBeGreaterThan(1_000_000)
  const found = await drainQueue(opened.session)
  expect(found.map((one) => [one.message.id, one.crashes])).toEqual([
    ['m-0', 1],
    ['m-1', 0],
    ['m-2', 0],
    ['new-0', 0],
  ])
})
