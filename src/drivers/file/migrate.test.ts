import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Database } from './database.ts'
import { migrate, versionOf } from './migrate.ts'
import { applicationId, migrations } from './schema.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'narrowcast-migrate-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const next = [...migrations, 'ALTER TABLE channel ADD COLUMN note TEXT']
const openDb = () => new Database(join(dir, 'store.db'))

test('an empty file is made, and marked as ours', () => {
  const db = openDb()
  let made = 0
  migrate(db, () => made++)
  expect(versionOf(db)).toBe(migrations.length)
  expect(db.get('PRAGMA application_id')).toMatchObject({ application_id: applicationId })
  migrate(db, () => made++)
  expect(made).toBe(1)
  db.close()
})

test('an older file is brought forward with what is in it', () => {
  const db = openDb()
  migrate(db, () => undefined)
  db.run(`INSERT INTO channel (name, pattern) VALUES ('orders', 'queue')`)
  migrate(db, () => expect.unreachable(), next)
  expect(versionOf(db)).toBe(next.length)
  expect(db.get('SELECT name, note FROM channel')).toMatchObject({ name: 'orders', note: null })
  db.close()
})

test('a step that fails leaves the older format whole', () => {
  const db = openDb()
  migrate(db, () => undefined)
  const broken = [...migrations, 'ALTER TABLE channel ADD COLUMN note TEXT; SELECT * FROM nothing']
  expect(() => migrate(db, () => undefined, broken)).toThrow('nothing')
  db.rollback()
  expect(versionOf(db)).toBe(migrations.length)
  expect(() => db.get('SELECT note FROM channel')).toThrow('note')
  db.close()
})
