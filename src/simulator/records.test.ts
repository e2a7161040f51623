import { pino } from 'pino'
import { expect, test } from 'vitest'
import { eventRecord, finishedRecords, logTo, pinoSettings } from './records.ts'

const finished = {
  game_token: 'g',
  host: 'b',
  outcome: 'complete' as const,
  game: {
    participants: [
      { user_token: 'a', superhero_id: 1 },
      { user_token: 'b', superhero_id: 2 },
    ],
    hits: [],
    deaths: ['a'],
    started_at: '2026-01-01T00:00:00.000Z',
    ended_at: '2026-01-01T00:00:01.000Z',
  },
}

test("the host's record carries the game and a fixed id; with all, the others only report", () => {
  const common = {
    level: 'info',
    timestamp: '2026-01-01T00:00:01.000Z',
    name: 'simulator',
    channel: 'lib.server.lobby',
    log_message: 'Cleaning Game Records',
  }
  const host = {
    ...common,
    mid: 'g+b',
    task: { game_token: 'g', user_token: 'b', host: true, game: finished.game },
  }
  const other = { ...common, mid: 'g+a', task: { game_token: 'g', user_token: 'a', host: false } }
  expect(finishedRecords(finished)).toEqual([host])
  expect(finishedRecords(finished, 'host')).toEqual([host])
  expect(finishedRecords(finished, 'all')).toEqual([other, host])
})

test('other records have ids of their own; those of combat.events are keyed by game', () => {
  const task = { game_token: 'g' }
  const one = eventRecord('lib.server.game', 'Hit', task, 0)
  const two = eventRecord('combat.events', 'Hit', task, 0)
  expect(one).toMatchObject({ timestamp: '1970-01-01T00:00:00.000Z', log_message: 'Hit', task })
  expect(one).not.toHaveProperty('key')
  expect(two.key).toBe('g')
  expect(one.mid).not.toBe(two.mid)
  expect(one.mid).toMatch(/^[0-9a-f-]{14}7/)
})

test('pino writes a record as it is', () => {
  const lines: string[] = []
  const log = logTo(pino(pinoSettings, { write: (line: string) => void lines.push(line) }))
  const [record] = finishedRecords(finished)
  if (!record) throw new Error('no record')
  log(record)
  expect(lines.map((line) => JSON.parse(line))).toEqual([record])
  // No field is written twice: another reader may take the first one.
  expect(lines[0]?.match(/"level":/g)?.length).toBe(1)
})
