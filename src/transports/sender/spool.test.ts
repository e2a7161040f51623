import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSpool, type Spooled } from './spool.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'narrowcast-spool-'))
})
afterEach(() => {
  rmSync(dir, { recursive: true, force: true })
})

function record(order: number, data: unknown = { order }): Spooled {
  const message = { id: `m${order}`, channel: 'logs', key: null, timeMs: 1_000 + order, data }
  return { order, message: { ...message, bytes: 100, keep: true } }
}

test('records come back whole and in order, also after closing', () => {
  const first = openSpool({ dir })
  first.put([record(3), record(1, { text: 'ä€😀\0' }), record(2)])
  first.close()
  const second = openSpool({ dir })
  expect(second.oldest(10, 10_000)).toEqual([record(1, { text: 'ä€😀\0' }), record(2), record(3)])
  expect(second).toMatchObject({ count: 3, bytes: 300, lastOrder: 3 })
  second.remove([1, 3])
  expect(second.oldest(10, 10_000)).toEqual([record(2)])
  expect(second).toMatchObject({ count: 1, bytes: 100 })
  second.close()
})

test('the oldest are bounded by count and bytes, but one always comes', () => {
  const spool = openSpool({ dir })
  spool.put([record(1), record(2), record(3)])
  expect(spool.oldest(2, 10_000)).toHaveLength(2)
  expect(spool.oldest(10, 250)).toHaveLength(2)
  expect(spool.oldest(10, 1)).toEqual([record(1)])
  spool.close()
})

test('it takes no more than its room, and says how many', () => {
  const spool = openSpool({ dir, bytesMax: 250 })
  expect(spool.put([record(1), record(2), record(3)])).toBe(2)
  expect(spool.put([record(4)])).toBe(0)
  spool.remove([1])
  expect(spool.put([record(5)])).toBe(1)
  spool.close()
})

test('two at once have files of their own; what a dead one left is taken over', async () => {
  const program = `
    import { openSpool } from ${JSON.stringify(new URL('./spool.ts', import.meta.url).href)}
    const spool = openSpool({ dir: process.argv[1] })
    spool.put([{ order: 1, message: { id: 'other', channel: 'logs', key: 'k', timeMs: 5, data: [1], bytes: 10, keep: true } }])
    process.send('ready')
    setInterval(() => {}, 1_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, dir], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  const own = openSpool({ dir })
  expect(own.count).toBe(0)
  own.put([record(7)])
  own.close()
  expect(readdirSync(dir).filter((name) => name.endsWith('.spool'))).toHaveLength(2)
  child.kill('SIGKILL')
  await once(child, 'exit')

  const heir = openSpool({ dir })
  expect(
    heir
      .oldest(10, 1_000)
      .map(({ message }) => message.id)
      .toSorted(),
  ).toEqual(['m7', 'other'])
  heir.close()
  const again = openSpool({ dir })
  expect(again.count).toBe(2)
  again.close()
}, 30_000)

test('each: synced before put returns, and readable all the same', () => {
  const spool = openSpool({ dir, sync: 'each' })
  spool.put([record(1)])
  spool.close()
  const again = openSpool({ dir, sync: 'each' })
  expect(again.count).toBe(1)
  again.close()
})

test('a folder that cannot be written is a clear error', () => {
  const place = join(dir, 'file')
  writeFileSync(place, 'not a folder')
  expect(() => openSpool({ dir: place })).toThrow(
    expect.objectContaining({ code: 'STORE_UNUSABLE', hint: expect.stringContaining(place) }),
  )
})

test('a file that is no spool is a clear error, and is left as it is', () => {
  const place = join(dir, 'a.spool')
  writeFileSync(place, 'x'.repeat(5_000))
  expect(() => openSpool({ dir })).toThrow(expect.objectContaining({ code: 'STORE_UNUSABLE' }))
  chmodSync(place, 0o600)
  expect(execFileSync('wc', ['-c', place]).toString()).toContain('5000')
})
