import { describe, expect, test } from 'vitest'
import { recordMessage, textCharactersMax } from './record.ts'
import { type Route, router } from './routes.ts'

const destination = { channel: 'logs', keep: false }
const given = { bytes: 50, keyPath: null, nowMs: 42 }

describe('a record becomes a message', () => {
  test('with its own id and key, and itself as the data', () => {
    const record = { mid: 'g1+u1', task: { game_token: 'g1' } }
    const keyPath = ['task', 'game_token']
    expect(recordMessage(record, destination, { ...given, keyPath })).toEqual({
      id: 'g1+u1',
      channel: 'logs',
      key: 'g1',
      timeMs: 42,
      data: record,
      bytes: 50,
      keep: false,
    })
  })

  test('with an id made here where it has none', () => {
    const ids = [1, 2].map(() => recordMessage({ mid: '' }, destination, given).id)
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
    expect(ids[0]).not.toBe(ids[1])
  })

  test.for([
    [{ timestamp: '2026-11-20T12:00:00.000Z' }, 1_795_176_000_000],
    [{ time: 1_795_176_000_123 }, 1_795_176_000_123],
    [{ time: 1_795_176_000 }, 1_795_176_000_000],
    [{ timestamp: '2026-11-20T12:00:00.000Z', time: 5 }, 1_795_176_000_000],
    [{ timestamp: 'soon', time: 1_795_176_000_123 }, 1_795_176_000_123],
    [{ time: -1 }, 42],
    [{ time: Number.MAX_VALUE }, 42],
    [{}, 42],
  ] as const)('time of %j is %d', ([record, timeMs]) => {
    expect(recordMessage(record, destination, given).timeMs).toBe(timeMs)
  })

  test('huge texts are cut with a mark, those of kept records are not', () => {
    const text = 'x'.repeat(textCharactersMax + 10)
    const record = { log_message: text, deep: [{ text }] }
    const long = { ...given, bytes: 200_000 }
    const cut = recordMessage(record, destination, long).data as typeof record
    expect(cut.log_message).toHaveLength(textCharactersMax + '… [cut, 65546 characters]'.length)
    expect(cut.deep[0]?.text).toContain('[cut, 65546 characters]')
    expect(recordMessage(record, { ...destination, keep: true }, long).data).toEqual(record)
  })
})

describe('routes', () => {
  const finished: Route = {
    when: { log_message: 'Cleaning Game Records', 'task.host': true },
    channel: 'lib.server.lobby',
    keep: true,
  }

  test('the first that matches decides, fields of the record do not', () => {
    const route = router({ routes: [finished, { channel: 'rest' }] })
    const record = { log_message: 'Cleaning Game Records', channel: 'elsewhere' }
    expect(route({ ...record, task: { host: true } })).toEqual({
      channel: 'lib.server.lobby',
      keep: true,
    })
    expect(route({ ...record, task: { host: false } })).toEqual({ channel: 'rest', keep: false })
    expect(route(record)).toEqual({ channel: 'rest', keep: false })
  })

  test('a record that none matches is skipped', () => {
    expect(router({ routes: [finished], channel: 'fallback' })({ channel: 'logs' })).toBeNull()
  })

  test('without routes the field decides, then the option', () => {
    expect(router({ channel: 'fallback' })({ channel: 'logs' })?.channel).toBe('logs')
    expect(router({ channel: 'fallback' })({ channel: 7 })?.channel).toBe('fallback')
    expect(router({})({})).toBeNull()
  })

  test('names from the prototype are no fields', () => {
    const route = router({ routes: [{ when: { 'constructor.name': 'Object' }, channel: 'a' }] })
    expect(route({})).toBeNull()
  })

  test('a route without a channel is refused', () => {
    expect(() => router({ routes: [{ channel: '' }] })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
  })
})
