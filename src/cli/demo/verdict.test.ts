import { expect, test } from 'vitest'
import { makeLook } from '../output/style.ts'
import { Ledger } from './ledger.ts'
import type { Evidence } from './reread.ts'
import { exitCodes, fancyLines, judge, plainLines, resultFields } from './verdict.ts'

const look = makeLook({ noColor: true, ascii: false, env: {}, isTerminal: true })
const host = 'f3a9b604-0000-4000-8000-000000000000'
const idOf = (n: number) => `7d0c52e1-0000-7000-8000-00000000000${n}+${host}`

/** Two games: w3 wrote the first and was killed, w1 recognised it and did the second. */
function run(evidence: Partial<Evidence> = {}, missing: string[] = []) {
  const ledger = new Ledger()
  ledger.addWorker('w1', 48_211)
  ledger.addWorker('w3', 48_213)
  for (const n of [1, 2]) {
    const game = { id: idOf(n), token: `t${n}`, players: ['a', 'b'], hits: [], finishedMs: 1_000 }
    ledger.finished({ ...game, story: '' })
    ledger.delivered('w3', [idOf(n)])
  }
  ledger.written('w3', [idOf(1)])
  for (const n of [1, 2]) ledger.delivered('w1', [idOf(n)])
  ledger.recognised('w1', [idOf(1)])
  ledger.written('w1', [idOf(2)])
  ledger.acked('w1', idOf(1), 6_200)
  ledger.acked('w1', idOf(2), 6_100)
  for (const [name, state] of [['w1', 'finished'] as const, ['w3', 'killed'] as const]) {
    const worker = ledger.workers.get(name)
    if (worker) worker.state = state
  }
  const none = { lost: [], duplicated: [], wrong: [], strange: [], unreadable: [] }
  const rows = { GAME_META: 4, GAME_PODIUM: 4 }
  const parts = {
    ledger,
    evidence: { files: 4, rows, rowsExpected: 4, games: 2, ...none, ...evidence },
    seed: 7,
    dir: '.narrowcast/demo/data',
    killed: { name: 'w3', atMs: 12_345, wallMs: 1_200 },
    durationMs: 26_130.4,
  }
  return judge(parts, missing)
}

test('KEPT, for people', () => {
  const result = run()
  expect(exitCodes[result.verdict]).toBe(0)
  expect(fancyLines(result, look, [' Next     try it'])).toEqual([
    '',
    ' WORKER  PID    GAMES WRITTEN  DELIVERED  ACKED  LATENCY p50  STATE',
    ' w1      48211              1          2      2        5.1 s  finished',
    ' w3      48213              1          2      0            -  killed at 0:12',
    ' total                      2          4      2        5.1 s',
    '',
    ' KEPT  ✓ lost        0   2 games played, 2 different games in the files',
    '       ✓ duplicated  0   4 of 4 podium rows, no game written twice',
    '         redelivered 2   expected after a kill; 1 redone, 1 skipped',
    '         slowest     5.2 s   a redelivered message: held 200 ms, back in 5.0 s',
    ' Files    .narrowcast/demo/data/   GAME_META 4 rows, GAME_PODIUM 4 rows',
    ' Next     try it',
  ])
})

test('KEPT, for pipes and as JSON', () => {
  expect(plainLines(run())).toEqual([
    'KEPT lost 0 duplicated 0 redelivered 2 files .narrowcast/demo/data',
  ])
  expect(resultFields(run())).toEqual({
    ...{ verdict: 'kept', games: 2, delivered: 4, acked: 2, redelivered: 2, skipped: 1 },
    ...{ lost: 0, duplicated: 0, rows: { GAME_META: 4, GAME_PODIUM: 4 }, files: 4 },
    ...{ dir: '.narrowcast/demo/data', seed: 7, duration_ms: 26_130 },
    workers: [
      {
        ...{ worker: 'w1', pid: 48_211, written: 1, delivered: 2, acked: 2 },
        ...{ latency_p50_ms: 5_100, state: 'finished' },
      },
      {
        ...{ worker: 'w3', pid: 48_213, written: 1, delivered: 2, acked: 0 },
        ...{ latency_p50_ms: null, state: 'killed' },
      },
    ],
  })
})

test('BROKEN names the games, the ids and the folder, within 80 columns', () => {
  const [first] = [...run().ledger.games.values()]
  const result = run({ lost: first ? [first] : [], games: 1 })
  expect(exitCodes[result.verdict]).toBe(8)
  const lines = fancyLines(result, look, [' Next'])
  expect(lines.slice(6)).toEqual([
    ' BROKEN ✗ lost       1   g-001 was acked but is in no file',
    '        ✓ duplicated 0',
    ' Files    .narrowcast/demo/data/   GAME_META 4 rows, GAME_PODIUM 4 rows',
    ' Id       of g-001',
    ` ${idOf(1)}`,
    ' This should not happen. Please open an issue with the ids and the folder',
    ' .narrowcast/demo/',
  ])
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  expect(resultFields(result)).toMatchObject({ verdict: 'broken', lost: 1, ids: [idOf(1)] })
})

test.for([
  ['duplicated', /g-001 was written twice/],
  ['wrong', /g-001 is not what was played/],
] as const)('%s games are BROKEN', ([what, why]) => {
  const [first] = [...run().ledger.games.values()]
  const result = run({ [what]: [first] })
  expect(result.verdict).toBe('broken')
  expect(plainLines(result).join('\n')).toMatch(why)
  expect(plainLines(result).join('\n')).toContain(idOf(1))
  expect(fancyLines(result, look, []).join('\n')).toContain(idOf(1))
})

test('strange rows and torn files are BROKEN', () => {
  expect(run({ strange: ['t9'] }).verdict).toBe('broken')
  expect(run({ unreadable: ['GAME_META/t1.parquet: no magic bytes'] }).verdict).toBe('broken')
})

test('what could not be tried is INCONCLUSIVE, exit 9, and says what', () => {
  const result = run({}, ['w3 did not come to hold two messages'])
  expect(exitCodes[result.verdict]).toBe(9)
  expect(fancyLines(result, look, []).join('\n')).toContain('INCONCLUSIVE w3 did not come')
  expect(plainLines(result)[1]).toBe('why w3 did not come to hold two messages')
})

test('what may be in the hands of another program is not said to be lost', () => {
  const strange = ['t9']
  expect(run({ strange }).verdict).toBe('broken')
  const { ledger, ...parts } = run({ strange })
  ledger.delivered('w1', ['stranger'])
  const { verdict, why } = judge({ ...parts, ledger }, [])
  expect(verdict).toBe('inconclusive')
  expect(why).toEqual([
    expect.stringContaining('1 message of others came'),
    't9 was played by nobody',
  ])
  const lost = [{ id: idOf(1) }] as unknown as Evidence['lost'] // acked by a worker of ours
  const evidence = { ...parts.evidence, lost }
  expect(judge({ ...parts, ledger, evidence }, []).verdict).toBe('broken')
})
