import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { Database } from '../../src/drivers/file/database.ts'
import { folder, message, never, open, spec } from './file/store.ts'

afterEach(() => vi.restoreAllMocks())

test('all depths of one answer are of one instant', async () => {
  await using place = await folder()
  let between = () => {}
  const monotonicMs = () => {
    between()
    return systemClock.monotonicMs()
  }
  await using opened = await open(place.dir, { clock: { ...systemClock, monotonicMs } })
  const { admin } = opened.session
  await using publisher = await opened.session.publisher(spec(), never)
  await publisher.publish([message('a')], never)
  using other = new DatabaseSync(join(place.dir, 'store.db'))
  const publish = other.prepare('UPDATE channel SET total_in = total_in + 1')
  // The store's clock is asked for each channel: another process publishes right then.
  between = () => publish.run()
  const depths = (await admin.depths?.([spec(), spec(), spec()], never)) ?? []
  between = () => {}
  expect(depths).toHaveLength(3)
  expect(new Set(depths.map((depth) => depth?.in)).size).toBe(1)
})

/** What SQLite says while another process reads the log of a crashed one in again. */
function lockedOnce(part: string): () => number {
  const { all } = Database.prototype
  let met = 0
  vi.spyOn(Database.prototype, 'all').mockImplementation(function (this: Database, sql, ...values) {
    if (sql.includes(part) && met++ === 0) {
      throw Object.assign(new Error('database is locked'), { errcode: 5 })
    }
    return all.call(this, sql, ...values)
  })
  return () => met
}

test('purge waits for a lock that a reader meets', async () => {
  await using place = await folder()
  await using opened = await open(place.dir)
  await using publisher = await opened.session.publisher(spec(), never)
  await publisher.publish([message('a'), message('b')], never)
  const met = lockedOnce('SELECT no FROM grp WHERE channel = ?')
  expect(await opened.session.admin.purge?.(spec(), never)).toBe(2)
  expect(met()).toBeGreaterThan(1)
})

test.for([
  `SELECT no FROM channel WHERE name >= '~'`,
  `SELECT no FROM grp WHERE name >= '~'`,
  'SELECT no FROM grp WHERE channel = ?',
  'SELECT no FROM reader WHERE grp = ?',
])('removing a channel waits for a lock at %s', async (part) => {
  await using place = await folder()
  await using opened = await open(place.dir)
  await using publisher = await opened.session.publisher(spec(), never)
  await publisher.publish([message('a')], never)
  const met = lockedOnce(part)
  await opened.session.admin.remove?.(spec(), never)
  expect(met()).toBeGreaterThan(1)
  expect(await opened.session.admin.depths?.([spec()], never)).toEqual([null])
})
