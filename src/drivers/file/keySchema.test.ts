import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ChannelSpec, Ordering, ReaderSpec } from '../../core/channel.ts'
import type { Settlement } from '../../core/message.ts'
import { Database } from './database.ts'
import { file } from './index.ts'
import { migrate, versionOf } from './migrate.ts'
import { migrations } from './schema.ts'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'narrowcast-format-1-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const never = new AbortController().signal
const channel: ChannelSpec = {
  ...{
    name: 'q',
    pattern: 'queue',
    via: 'direct',
    envelope: true,
    leaseMs: 30_000,
    payloadBytesMax: 1_000,
  },
  ...{ dedupeWindowMs: null, retention: { ageMs: null, messages: null, bytes: null } },
}
const reader = (order: Ordering | null): ReaderSpec => ({
  ...{ reader: 'r', worker: { id: 'w', incarnation: '1' }, group: null, holding: [] },
  ...{
    hold: { messages: 100, bytes: 1e6 },
    leaseMs: 30_000,
    charge: 'taken',
    from: 'first',
    order,
  },
})

/**
 * What a program of format 1 leaves behind: a1 given back, a2 a suspect, b1 waits for its next
 * try, c1 in the hand of a reader that is dead, and the rest untouched.
 */
function leaveFormatOne(): void {
  const db = new Database(join(dir, 'store.db'))
  migrate(db, () => undefined, migrations.slice(0, 1))
  expect(versionOf(db)).toBe(1)
  const ids = ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'c2', '-1']
  const row = (id: string, n: number) =>
    `((2 << 40) + ${n + 1}, '${id}', 0, 0, ${id[0] === '-' ? 'NULL' : `'{"k":"${id[0]}"}'`}, '{}')`
  db.exec(`PRAGMA journal_mode = WAL;
    INSERT INTO store VALUES ('of format 1', 'before', 0);
    INSERT INTO channel (no, name, pattern, next_seq, reserved_seq, asked_seq, total_in)
      VALUES (1, 'q', 'queue', 9, 100, 100, 8);
    INSERT INTO grp (no, channel, name, next_seq, in_flight, back, later)
      VALUES (1, 1, '', 5, 1, 3, 1);
    INSERT INTO log VALUES ${ids.map(row).join(', ')};
    INSERT INTO reader (no, channel, grp, name, worker, deadline_ms, charge, serial, bell)
      VALUES (1, 1, 1, 'dead', 'w', 1, 'taken', 1, 'x');
    INSERT INTO held VALUES ((1 << 40) + 1, (2 << 40) + 4, 0, 0, NULL);
    INSERT INTO back VALUES (1, 0, 0, (2 << 40) + 1, 2, NULL), (1, 1, 0, (2 << 40) + 2, 0, NULL),
      (1, 0, 200, (2 << 40) + 3, 1, NULL);`)
  db.close()
}

async function drained(order: Ordering | null): Promise<[string, number, number][]> {
  const session = await file({ dir }).open({ closed: () => {} }, never)
  const source = await session.source(channel, reader(order), { lost: () => {} }, never)
  const got: [string, number, number][] = []
  while (got.length < 8) {
    const batch = await source.receive({ messages: 100, bytes: 1e6 }, never)
    const keys = batch.flatMap(({ message }) => message.key ?? [])
    if (order !== null) expect(new Set(keys).size).toBe(keys.length)
    for (const { message, failures, crashes } of batch) {
      got.push([message.id, failures, Number(crashes)])
    }
    const acks = batch.map(({ token }): Settlement => ({ token, kind: 'ack' }))
    expect(await source.settle(acks, never)).toEqual(acks.map(() => 'settled'))
  }
  const [depth] = (await session.admin.depths?.([channel], never)) ?? []
  expect(depth).toMatchObject({ waiting: 0, inFlight: 0, scheduled: 0, out: 8 })
  await source[Symbol.asyncDispose]()
  await session[Symbol.asyncDispose]()
  return got
}

const all = [
  ['-1', 0, 0],
  ['a1', 2, 0],
  ['a2', 0, 1],
  ['a3', 0, 0],
  ['b1', 1, 0],
  ['b2', 0, 0],
  ['c1', 0, 1],
  ['c2', 0, 0],
]

test('a store of format 1 goes on as before', async () => {
  leaveFormatOne()
  expect((await drained(null)).sort()).toEqual(all)
})

test('what lay in a store of format 1 is read by key', async () => {
  leaveFormatOne()
  const got = await drained('block')
  for (const key of ['a', 'c']) {
    const ids = got.map(([id]) => id).filter((id) => id.startsWith(key))
    expect(ids).toEqual([...ids].sort())
  }
  expect(got.sort()).toEqual(all)
})
