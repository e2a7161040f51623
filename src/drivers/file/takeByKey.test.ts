import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Database } from './database.ts'
import { migrate } from './migrate.ts'
import { settle } from './settle.ts'
import { takeByKey } from './takeByKey.ts'

const hot = 100_000
const others = 50

let dir = ''
let db: CountingDatabase
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'narrowcast-by-key-'))
  db = new CountingDatabase(join(dir, 'store.db'))
  migrate(db, () => undefined)
  db.exec(`BEGIN;
    INSERT INTO channel (no, name, pattern, next_seq) VALUES (1, 'q', 'queue', ${hot + others + 1});
    INSERT INTO grp (no, channel, name, next_seq, ordering) VALUES (1, 1, '', 1, 'block');
    WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < ${hot + others})
    INSERT INTO log SELECT (2 << 40) + seq, 'm' || seq, 0, 0,
      iif(seq <= ${hot}, '{"k":"hot"}', '{"k":"k' || seq || '"}'), '1' FROM n;`)
})
afterEach(() => {
  db.close()
  rmSync(dir, { recursive: true, force: true })
})

/** Counts the rows that statements give and change, and keeps the statements. */
class CountingDatabase extends Database {
  rows = 0
  readonly statements = new Set<string>()

  override get<T>(sql: string, ...values: (string | number | null)[]): T | undefined {
    this.statements.add(sql)
    this.rows++
    return super.get<T>(sql, ...values)
  }

  override all<T>(sql: string, ...values: (string | number | null)[]): T[] {
    this.statements.add(sql)
    const found = super.all<T>(sql, ...values)
    this.rows += found.length
    return found
  }

  override cells(sql: string, ...values: (string | number | null)[]) {
    this.statements.add(sql)
    const found = super.cells(sql, ...values)
    this.rows += found.length
    return found
  }

  override run(sql: string, ...values: (string | number | null)[]): number {
    this.statements.add(sql)
    const changed = super.run(sql, ...values)
    this.rows += changed
    return changed
  }
}

interface Counts {
  readonly next_seq: number
  readonly back: number
  readonly behind: number
}

const counts = () => db.get('SELECT next_seq, back, behind FROM grp') as Counts
const taker = { channel: 1, group: 1, reader: 1, charge: 'taken' } as const
let serial = 0

/** As the receiver takes: again as long as not everything was looked at. */
function take(messages: number): { serials: number[]; rounds: number } {
  for (let rounds = 1; ; rounds++) {
    const { next_seq, back } = counts()
    const state = { next_seq, back, serial, end_seq: hot + others + 1 }
    const { taken, isMore } = takeByKey(db, taker, state, { messages, bytes: 1e9 }, 1)
    if (isMore) continue
    const first = serial + 1
    serial = taken?.last ?? serial
    return { serials: Array.from({ length: serial - first + 1 }, (_, n) => first + n), rounds }
  }
}

function ack(serials: readonly number[]): void {
  const settler = {
    ...{ channel: 1, group: 1, groupName: '', reader: 1, name: 'r', serial, isQueue: true },
    ...({ ordering: 'block', nextSeq: counts().next_seq } as const),
  }
  const acks = serials.map((one) => ({ kind: 'ack', token: { reader: 'r', serial: one } }) as const)
  const { outcomes } = settle(db, settler, acks, 1)
  expect(outcomes).toEqual(serials.map(() => 'settled'))
}

test('a hot key costs no scan: what waits behind it is looked at once', () => {
  serial = 0
  expect(take(1).serials).toEqual([1])
  db.rows = 0
  const { serials, rounds } = take(1)
  expect(serials).toHaveLength(1)
  expect(rounds).toBe(Math.ceil((hot - 1) / 1_000))
  expect(counts()).toEqual({ next_seq: hot + 2, back: hot - 1, behind: hot - 1 })
  expect(db.rows).toBeLessThan(3 * hot) // seen, put behind, and what each step needs
  db.rows = 0
  for (let n = 1; n < others; n++) expect(take(1).serials).toHaveLength(1)
  expect(take(100)).toEqual({ serials: [], rounds: 1 })
  expect(db.rows / others).toBeLessThan(15)
  db.rows = 0
  ack([1])
  for (let n = 0; n < 100; n++) ack(take(100).serials)
  expect(db.rows / 100).toBeLessThan(40)
  expect(counts().behind).toBe(hot - 102)
})

test('no statement of it goes through a table, or through all of a group', () => {
  serial = 0
  for (const messages of [1, 1, 100]) ack(take(messages).serials)
  for (const sql of [...db.statements]) {
    const plan = db.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail)
    expect(plan.filter((step) => /SCAN (b|l|back|lane|log|held)\b/.test(step))).toEqual([])
    expect(plan.filter((step) => /(\(grp=\?\)|BLOOM)/.test(step))).toEqual([])
  }
})
