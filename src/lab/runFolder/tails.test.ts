import { mkdtempSync } from 'node:fs'
import { appendFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Ledger } from '../evidence/ledger.ts'
import { Tails } from './tails.ts'

const nothing = { sent: 0, ok: 0, notOk: 0, received: 0, done: 0, thrown: 0 }

test('ledgers are counted as they grow, each record once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'narrowcast-tails-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const tails = new Tails(folder)
  expect(await tails.read()).toBeNull()
  const who = { actor: 0, incarnation: 0, pid: 1, group: null, codes: [] }
  using producer = new Ledger(folder, { ...who, role: 'producer' })
  for (const type of ['invoke', 'ok', 'invoke', 'fail', 'invoke', 'info'] as const) {
    producer.write({ type })
  }
  expect(await tails.read()).toEqual({ ...nothing, sent: 3, ok: 1, notOk: 2 })
  using worker = new Ledger(folder, { ...who, role: 'worker' })
  for (const type of ['recv', 'done', 'settled', 'recv', 'throw'] as const) worker.write({ type })
  producer.write({ type: 'invoke' })
  await appendFile(join(folder, 'w00.0.bin'), 'half of one')
  const seen = { sent: 4, ok: 1, notOk: 2, received: 2, done: 1, thrown: 1 }
  expect(await tails.read()).toEqual(seen)
  expect(await tails.read()).toEqual(seen)
})

test('there is nothing to count where the ledgers have gone', async () => {
  expect(await new Tails(join(tmpdir(), 'narrowcast-none')).read()).toBeNull()
})
