import { beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { loadHeroes } from '../roster.ts'
import { MemoryState } from '../state/memory.ts'
import type { Round } from '../state/state.ts'
import { Connection } from './connection.ts'
import { Lobbies } from './lobbies.ts'
import { Report } from './report.ts'
import { Reporting } from './reporting.ts'

/** A connection to nobody: it keeps what it is to say. */
function listener() {
  const said: unknown[] = []
  const answer = (text: string) => {
    const { STATUS } = JSON.parse(text) as { STATUS: { GAME: string } }
    said.push(STATUS.GAME)
  }
  const own = { lobbies: new Map<string, Set<string>>(), said, answer }
  return Object.assign(Object.create(Connection.prototype) as Connection, own)
}

const game = 'game'
const round: Round = { participants: ['ada', 'ben'], fighters: [], turn: 'ada', hits: 0, step: 0 }
const started = ['START', "USER'S TURN"]
const again = [...started, "USER'S TURN"]
let lobbies: Lobbies
let state: MemoryState
let ada: ReturnType<typeof listener>

beforeEach(() => {
  state = new MemoryState({ heroes: loadHeroes(), seed: 1, usersMax: 9, gamesMax: 9 })
  const nowMs = () => 0
  const report = new Report({
    nowMs,
    log: null,
    finished: 'host',
    hasEvents: false,
    comesAgain: true,
  })
  const clock = systemClock
  const reporting = new Reporting({ state, report, clock })
  const times = { turnMs: 0, turnTimeoutMs: 30_000, lobbyTimeoutMs: 5_000 }
  lobbies = new Lobbies({ ...times, state, report, reporting, clock })
  ada = listener()
  lobbies.listen(game, 'ada', ada)
  lobbies.start(game, round)
  expect(ada.said).toEqual(started)
  return () => lobbies.over(game)
})

test('a turn is told though the one before it was not heard of', () => {
  lobbies.moved(game, { turn: 'ada', hits: 2, step: 2, finished: null })
  expect(ada.said).toEqual(again)
})

test('what is heard late, or twice, is told once', () => {
  lobbies.moved(game, { turn: 'ada', hits: 2, step: 2, finished: null })
  lobbies.turned(game, { turn: 'ben', hits: 1, step: 1 })
  lobbies.turned(game, { turn: 'ada', hits: 2, step: 2 })
  expect(ada.said).toEqual(again)
})

test('the death of somebody else is no new turn', () => {
  lobbies.turned(game, { turn: 'ada', hits: 0, step: 1 })
  expect(ada.said).toEqual(started)
})

test('a game that is read anew has its turn told again', () => {
  lobbies.start(game, round)
  expect(ada.said).toEqual(again)
})

test('a start that is heard of twice is told once', async () => {
  state.look = async () => ({ status: 'running', isStarting: false, round })
  await lobbies.begun(game)
  expect(ada.said).toEqual(started)
})

test('a state that has gone back is believed when it is read anew', () => {
  lobbies.turned(game, { turn: 'ben', hits: 3, step: 3 })
  lobbies.doubt()
  lobbies.start(game, { ...round, hits: 2, step: 2 })
  expect(ada.said).toEqual(again)
})

test('a lobby in which nobody is left is let go', () => {
  lobbies.taken(game, 'ada')
  expect(lobbies.count).toBe(0)
})
