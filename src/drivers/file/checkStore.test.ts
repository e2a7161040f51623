import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkOurs } from './checkStore.ts'
import { Database } from './database.ts'
import { migrate, versionOf } from './migrate.ts'
import { schemaVersion } from './schema.ts'

/** A connection beside which something happens as soon as it has read the number of the format. */
class Watched extends Database {
  readonly #then: () => void

  constructor(path: string, then: () => void) {
    super(path)
    this.#then = then
  }

  override get<T>(sql: string, ...values: (string | number)[]): T | undefined {
    const row = super.get<T>(sql, ...values)
    if (sql === 'PRAGMA user_version') this.#then()
    return row
  }
}

test('a store that another process makes during the look is no database of another program', () => {
  const dir = mkdtempSync(join(tmpdir(), 'narrowcast-check-'))
  try {
    const path = join(dir, 'store.db')
    const maker = new Database(path)
    maker.exec('PRAGMA journal_mode = WAL')
    const looker = new Watched(path, () => migrate(maker, () => undefined))
    checkOurs(looker, path, [])
    expect(looker.isInTransaction).toBe(false)
    expect(versionOf(maker)).toBe(schemaVersion)
    expect(looker.get('SELECT count(*) AS n FROM channel')).toEqual({ n: 0 })
    looker.close()
    maker.close()
  } finally {
    rmSync(dir, { recursive: true })
  }
})
