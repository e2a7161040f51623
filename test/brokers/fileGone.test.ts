import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, renameSync, rmSync, statSync, truncateSync, watch } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import type { Driver, Session } from '../../src/core/driver.ts'
import { NarrowcastError } from '../../src/core/errors.ts'
import { file } from '../../src/drivers/file/index.ts'
import { createBus } from '../../src/runtime/bus.ts'
import { drainQueue, folder, message, never, open, spec } from './file/store.ts'

const many = (count: number) => Array.from({ length: count }, (_, n) => message(`m-${n}`))

async function fill(session: Session, count: number): Promise<void> {
  await using publisher = await session.publisher(spec(), never)
  for (const { state } of await publisher.publish(many(count), never)) expect(state).toBe('stored')
}

async function filled(dir: string): Promise<void> {
  await using opened = await open(dir)
  await fill(opened.session, 10)
}

describe('a store whose messages are gone is not taken for a new one:', () => {
  const expectGone = async (dir: string, what: string) => {
    const left = existsSync(join(dir, 'store.db')) ? statSync(join(dir, 'store.db')).size : null
    for (let again = 0; again < 2; again++) {
      await expect(open(dir)).rejects.toMatchObject({
        code: 'STORE_UNUSABLE',
        message: expect.stringMatching(new RegExp(`${join(dir, 'store.db')} .*${what}`)),
        hint: expect.stringContaining(dir),
      })
    }
    const path = join(dir, 'store.db')
    expect(existsSync(path) ? statSync(path).size : null).toBe(left)
  }

  test('store.db of no bytes', async () => {
    await using store = await folder()
    await filled(store.dir)
    truncateSync(join(store.dir, 'store.db'))
    await expectGone(store.dir, 'is empty')
  })

  test('store.db missing', async () => {
    await using store = await folder()
    await filled(store.dir)
    rmSync(join(store.dir, 'store.db'))
    await expectGone(store.dir, 'is missing')
  })

  test('store.db of no bytes, all of it still in its log', async () => {
    await using store = await folder()
    await using other = await folder()
    await using opened = await open(store.dir)
    await fill(opened.session, 10)
    cpSync(store.dir, other.dir, { recursive: true })
    rmSync(join(other.dir, 'bells'), { recursive: true })
    rmSync(join(other.dir, 'keeper'))
    truncateSync(join(other.dir, 'store.db'))
    const log = statSync(join(other.dir, 'store.db-wal')).size
    await expectGone(other.dir, 'is empty')
    expect(statSync(join(other.dir, 'store.db-wal')).size).toBe(log)
  })

  test('a log with all of it removed', async () => {
    await using store = await folder()
    await using other = await folder()
    await using opened = await open(store.dir)
    await fill(opened.session, 10)
    cpSync(store.dir, other.dir, { recursive: true })
    for (const suffix of ['-wal', '-shm']) rmSync(join(other.dir, `store.db${suffix}`))
    await expectGone(other.dir, 'holds nothing')
  })
})

describe('a store that never was whole opens:', () => {
  test.for([
    ['no bytes', ''],
    ['a page of an empty database', 'PRAGMA page_size = 8192; PRAGMA journal_mode = WAL'],
  ] as const)('%s', async ([, sql]) => {
    await using store = await folder()
    const db = new DatabaseSync(join(store.dir, 'store.db'))
    db.exec(sql)
    db.close()
    await filled(store.dir)
    await using opened = await open(store.dir)
    expect(await drainQueue(opened.session, 100)).toHaveLength(10)
  })

  test('its first opener was killed', async () => {
    for (let events = 1; events <= 12; events++) {
      await using store = await folder()
      const opener = fork(join(import.meta.dirname, 'file', 'child.ts'), ['listen', store.dir, 'r'])
      let seen = 0
      // Each thing that the opener does in the folder is one more moment to kill it at.
      const watcher = watch(store.dir, () => {
        if (++seen === events) opener.kill('SIGKILL')
      })
      opener.on('message', () => opener.kill('SIGKILL'))
      await once(opener, 'exit')
      watcher.close()
      await filled(store.dir)
      await using opened = await open(store.dir)
      expect(await drainQueue(opened.session, 100)).toHaveLength(10)
    }
  }, 120_000)
})

describe('a process that had a store', () => {
  async function lose(driver: Driver, how: () => void): Promise<NarrowcastError> {
    const closed = Promise.withResolvers<NarrowcastError>()
    const session = await driver.open({ closed: closed.resolve }, never)
    await fill(session, 3)
    how()
    const error = await closed.promise
    await session[Symbol.asyncDispose]()
    return error
  }
  const reopen = (driver: Driver) => driver.open({ closed: () => undefined }, never)

  test('is told when it is gone, and is not given a new one', async () => {
    await using store = await folder()
    const driver = file({ dir: store.dir })
    const error = await lose(driver, () => rmSync(store.dir, { recursive: true }))
    expect(error).toMatchObject({ code: 'STORE_UNUSABLE' })
    for (let again = 0; again < 2; again++) {
      await expect(reopen(driver)).rejects.toMatchObject({
        code: 'STORE_UNUSABLE',
        message: expect.stringContaining('store.db is gone'),
        hint: expect.stringContaining(store.dir),
      })
      expect(existsSync(store.dir)).toBe(false)
    }
    // Whoever connects anew wants one, and then it is another.
    await filled(store.dir)
    await expect(reopen(driver)).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('is another store'),
    })
    await using opened = await open(store.dir)
    expect(await drainQueue(opened.session, 100)).toHaveLength(10)
  })

  test('is told when another is put in its place', async () => {
    await using store = await folder()
    await using other = await folder()
    await filled(other.dir)
    const driver = file({ dir: store.dir })
    const error = await lose(driver, () => {
      renameSync(store.dir, `${other.dir}/old`)
      cpSync(other.dir, store.dir, { recursive: true, filter: (path) => !path.endsWith('/old') })
    })
    expect(error.message).toContain('was removed or replaced')
    await expect(reopen(driver)).rejects.toThrow('is another store')
  })

  test('is told when a copy of its own is put back, and goes on with that', async () => {
    await using store = await folder()
    await using copy = await folder()
    await filled(store.dir)
    cpSync(store.dir, copy.dir, { recursive: true })
    const driver = file({ dir: store.dir })
    const error = await lose(driver, () => {
      rmSync(store.dir, { recursive: true })
      cpSync(copy.dir, store.dir, { recursive: true })
    })
    expect(error).toMatchObject({ code: 'STORE_UNUSABLE' })
    await using session = await reopen(driver)
    expect(await drainQueue(session, 100)).toHaveLength(10)
  })

  test('tells publishers at once what is to be done, and goes on when it is put back', async () => {
    await using store = await folder()
    await using elsewhere = await folder()
    await using bus = await createBus(file({ dir: store.dir }))
    const orders = bus.queue<number>('orders')
    await orders.publish(1)
    const seen: number[] = []
    const worker = orders.subscribe((n) => void seen.push(n))
    const troubles: string[] = []
    worker.on('error', ({ error }) => troubles.push(error.message))
    const settled = new Promise((done) => void worker.on('settled', done))
    await worker.ready()
    await settled // else the first message may come again
    renameSync(store.dir, join(elsewhere.dir, 'moved'))
    await expect.poll(() => troubles.join(), { timeout: 20_000 }).toContain('store.db')
    await expect(orders.publish(2)).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringMatching(/store.db (is gone|was removed)/),
      hint: expect.stringContaining(store.dir),
      definite: true,
    })
    renameSync(join(elsewhere.dir, 'moved'), store.dir)
    for (;;) {
      const [answer] = await orders.publishMany([{ data: 3 }])
      if (!(answer instanceof NarrowcastError)) break
      expect(answer).toMatchObject({ code: 'STORE_UNUSABLE', definite: true })
    }
    await expect.poll(() => seen, { timeout: 40_000 }).toContain(3)
    expect(seen).toEqual([1, 3])
  }, 60_000)
})
