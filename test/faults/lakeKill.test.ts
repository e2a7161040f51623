import { expect, test } from 'vitest'
import { killRun } from './killRun.ts'

const plan = { messages: 5_000, workers: 3, stuckMs: 30_000, say: () => undefined }

test('workers killed at random instants: each message lands once', async () => {
  const seed = Math.floor(Math.random() * 1_000_000)
  const ledger = await killRun({ ...plan, kills: 8, seed, isForgetful: false })
  expect(ledger, `seed ${seed}`).toMatchObject({
    published: 5_000,
    games: 5_000,
    lost: 0,
    twice: 0,
    wrong: 0,
    dead: 0,
    left: 0,
    isClean: true,
    isKept: true,
  })
})
