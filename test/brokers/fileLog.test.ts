import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { child, drainQueue, folder, message, never, open, spec, stopIdle } from './file/store.ts'

const mebibyte = 1024 * 1024

/** Until some process is the keeper of the store. */
async function kept(dir: string): Promise<void> {
  for (;;) {
    const lock = new DatabaseSync(join(dir, 'keeper'), { timeout: 0 })
    try {
      lock.exec('BEGIN EXCLUSIVE; ROLLBACK')
    } catch {
      return
    } finally {
      lock.close()
    }
    await wait(50)
  }
}

test('the log of the database stays bounded under constant writing', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  await opened.session.admin.ensure(spec(), never)
  await kept(store.dir)
  const publishers = ['a', 'b'].map((name) => child('publish', store.dir, name, 400, 100, 5_000))
  let most = 0
  const look = setInterval(() => {
    most = Math.max(most, statSync(join(store.dir, 'store.db-wal')).size)
  }, 20)
  try {
    for (const one of publishers) expect(await one.ended).toBe(0)
  } finally {
    clearInterval(look)
    for (const one of publishers) await one[Symbol.asyncDispose]()
  }
  // 400 MB went through it.
  expect(statSync(join(store.dir, 'store.db')).size).toBeGreaterThan(150 * mebibyte)
  // From 256 MiB on a keeper that stands still is helped, and publishers wait for longer.
  expect(most).toBeLessThan(384 * mebibyte)
}, 120_000)

test('what a long reader kept in the log is copied once it has ended, though nobody writes', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  await kept(store.dir)
  const path = join(store.dir, 'store.db')
  const reader = new DatabaseSync(path)
  reader.exec('BEGIN; SELECT count(*) FROM log')
  await using publisher = await opened.session.publisher(spec(), never)
  const body = JSON.stringify('x'.repeat(100_000))
  const batch = Array.from({ length: 120 }, (_, n) => message(`m-${n}`, { body }))
  await publisher.publish(batch, never)
  await wait(1_000) // the log has more than 8 MiB: it is looked at, and copied as far as may be
  expect(statSync(path).size).toBeLessThan(8 * mebibyte)
  reader.close()
  while (statSync(path).size < 8 * mebibyte) await wait(50)
}, 30_000)

test('when the keeper is killed another process takes over', async () => {
  await using store = await folder()
  await using first = child('listen', store.dir, 'first')
  await first.says(1)
  await kept(store.dir)
  await using opened = await open(store.dir)
  await first.kill()
  await kept(store.dir)
  await using publisher = await opened.session.publisher(spec(), never)
  expect((await publisher.publish([message('m')], never))[0]?.state).toBe('stored')
}, 30_000)

test('when the keeper is stopped another process copies the log before it grows without end', async () => {
  await using store = await folder()
  await using first = child('listen', store.dir, 'first')
  await first.says(1)
  await kept(store.dir)
  await using opened = await open(store.dir)
  await stopIdle(first, store.dir)
  await using publisher = await opened.session.publisher(spec(), never)
  const body = JSON.stringify('x'.repeat(1_000_000))
  const logBytes = () => statSync(join(store.dir, 'store.db-wal')).size
  for (let round = 0; round < 6; round++) {
    // The others leave it alone below 256 MiB.
    if (round === 4) expect(logBytes()).toBeGreaterThan(128 * mebibyte)
    const batch = Array.from({ length: 50 }, (_, n) => message(`m-${round}-${n}`, { body }))
    const outcomes = await publisher.publish(batch, never)
    expect(new Set(outcomes.map(({ state }) => state))).toEqual(new Set(['stored']))
  }
  while (logBytes() >= 64 * mebibyte) await wait(50)
}, 60_000)

test('sync=full answers when it is on the disk, and holds the same', async () => {
  await using store = await folder()
  {
    await using opened = await open(store.dir, { sync: 'full' })
    const contract = await opened.session.contract(spec(), never)
    expect(contract.stored.in).toBe('disk')
    expect(contract.survives['power-loss']).toBe('yes')
    await using publisher = await opened.session.publisher(spec(), never)
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, n) => publisher.publish([message(`m-${n}`)], never)),
    )
    expect(all.flat().every(({ state }) => state === 'stored')).toBe(true)
  }
  await using opened = await open(store.dir)
  const contract = await opened.session.contract(spec(), never)
  expect(contract.stored.in).toBe('page-cache')
  expect(contract.survives['power-loss']).toBe('no')
  expect(await drainQueue(opened.session)).toHaveLength(50)
})
