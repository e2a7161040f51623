import { expect, test } from 'vitest'
import { Ledger } from './ledger.ts'
import { clockText, Story } from './story.ts'

function setUp(isFancy: boolean) {
  const lines: string[] = []
  const say = (line: string) => lines.push(line)
  const feed = { say, plain: say, changed: () => {}, close: () => {} }
  const ledger = new Ledger()
  for (const name of ['w1', 'w3', 'w4']) ledger.addWorker(name, 7)
  for (const id of ['a', 'b']) {
    ledger.finished({ id, token: id, players: [], hits: [], finishedMs: 0, story: '' })
    ledger.delivered('w3', [id])
  }
  ledger.written('w3', ['a'])
  const story = new Story({ feed, ledger, isFancy, elapsedMs: () => 12_345, leaseMs: 5_000 })
  story.killed('w3', 48_213, [...ledger.games.values()])
  return { lines, ledger, story }
}

function comeBack({ ledger, story }: ReturnType<typeof setUp>): void {
  // The skipped one is through before the other has come back at all.
  ledger.delivered('w1', ['a'])
  ledger.recognised('w1', ['a'])
  story.changed()
  ledger.acked('w1', 'a', 5_000)
  story.changed()
  ledger.delivered('w4', ['b'])
  story.changed()
  ledger.acked('w4', 'b', 5_100)
  story.changed()
  story.changed()
}

test('for people: cause before effect, each line once', () => {
  const run = setUp(true)
  comeBack(run)
  expect(run.lines).toEqual([
    ' 0:12  KILLED   w3 pid 48213 with SIGKILL while it held 2 messages',
    ' 0:12  redelivered 2 after the 5 s lease: g-001 to w1, g-002 to w4',
    ' 0:12  w1 found g-001 already written by w3, skipped it',
  ])
})

test('for pipes: one line when both are settled', () => {
  const run = setUp(false)
  comeBack(run)
  expect(run.lines).toEqual(['0:12 killed w3=48213 holding 2', '0:12 redelivered 2 skipped 1'])
})

test('what does not come back is not told as if it had', () => {
  const run = setUp(false)
  // Acked too early by the dead worker: nobody gets it again.
  run.ledger.acked('w3', 'b', 1)
  run.ledger.delivered('w1', ['a'])
  run.ledger.acked('w1', 'a', 2)
  run.story.changed()
  expect(run.lines).toHaveLength(1)
})

test('clocks', () => {
  expect([0, 999, 61_000, 600_000].map(clockText)).toEqual(['0:00', '0:00', '1:01', '10:00'])
})
