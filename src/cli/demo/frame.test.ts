import { expect, test } from 'vitest'
import { displayWidth } from '../output/displayWidth.ts'
import { makeLook } from '../output/style.ts'
import { frame } from './frame.ts'
import { Ledger } from './ledger.ts'

const look = (ascii: boolean) => makeLook({ noColor: true, ascii, env: {}, isTerminal: false })

/** The moment of the transcript: 28 games, w3 killed with one written and one unwritten. */
function moment() {
  const ledger = new Ledger()
  for (const [at, name] of ['w1', 'w2', 'w3', 'w4'].entries()) ledger.addWorker(name, 48_211 + at)
  const shares = [7, 6, 6, 6]
  const owners = [...ledger.workers.keys()].flatMap((name, at) => Array(shares[at]).fill(name))
  for (let n = 0; n < 28; n++) {
    const id = `g${n}`
    const story = 'Halcyon beat Tideline and Iron Wren in 14 rounds'
    const finishedMs = n < 20 ? n * 100 : 7_000 + n * 250
    ledger.finished({ id, token: id, players: ['a', 'b'], hits: [], finishedMs, story })
    const owner = owners[n] ?? ['w3', 'w1', 'w4'][n - 25] ?? ''
    ledger.delivered(owner, [id])
    if (n >= 25) continue
    ledger.written(owner, [id])
    // The last one that w3 wrote is not acked.
    if (n !== 18) ledger.acked(owner, id, finishedMs + 40)
  }
  ledger.hits = 1_071
  const w3 = ledger.workers.get('w3')
  if (w3) w3.state = 'killed'
  return ledger
}

const facts = (columns: number, ascii = false) => ({
  ledger: moment(),
  look: look(ascii),
  columns,
  elapsedMs: 14_100,
  nowMs: 14_000,
  gamesPlanned: 50,
  players: 10,
  channel: 'lib.server.lobby',
  leaseMs: 5_000,
  killedMs: 12_000,
})

test('the frame of the transcript, and it adds up', () => {
  expect(frame(facts(80))).toEqual([
    ' 0:14  arena  10 players   games 28/50   hits 1,071   1.6 games/s  ▁▁▁▁▁▁▁▃█▆',
    ' lib.server.lobby   waiting 0   leased 4   acked 24   dead 0   oldest 12.2 s',
    ' players ●─●─●▶ lobby ●─●─●▶ w1 ███████░░░ 7 written   leased 1',
    '                      ─────▶ w2 ██████░░░░ 6 written   idle',
    '                       ✗     w3 ██████░░░░ 6 written   killed, 2 leases, 3 s',
    '                      ●─●─●▶ w4 ██████░░░░ 6 written   leased 1',
    ' last   Halcyon beat Tideline and Iron Wren in 14 rounds   g-025, written by w4',
    ' s plain output   q stop',
  ])
})

test.for([40, 60, 80, 200])('at %i columns the last line fits, and nothing is lost', (columns) => {
  const lines = frame(facts(columns))
  expect(lines).toHaveLength(8)
  if (columns >= 60) expect(displayWidth(lines[0] as string)).toBeLessThan(columns)
  expect(lines.at(-2)).toContain('g-025, written by w4')
})

test('--ascii has no other character', () => {
  expect(frame(facts(80, true)).join('\n')).toMatch(/^[\x20-\x7e\n]*$/)
})

test('before the first game', () => {
  const lines = frame({ ...facts(80), ledger: new Ledger(), killedMs: null })
  expect(lines[1]).toBe(' lib.server.lobby   waiting 0   leased 0   acked 0   dead 0')
  expect(lines.at(-2)).toBe(' last   no game written yet')
})
