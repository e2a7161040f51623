import { describe, expect, it } from 'vitest'
import { parsePlace, parseUntil } from './place.ts'

const nowMs = new Date(2026, 10, 20, 12, 0, 0).getTime()

describe('parsePlace', () => {
  it.for([
    ['first', 'first'],
    ['end', 'end'],
    ['#1842', { position: '1842' }],
    ['10m', { timeMs: nowMs - 600_000 }],
    ['2026-11-20T10:00:00Z', { timeMs: Date.UTC(2026, 10, 20, 10) }],
    ['11:30', { timeMs: nowMs - 1_800_000 }],
    ['01a1f8d3-ea00-7c2b-9d41-6f02c1a93b7e', { id: '01a1f8d3-ea00-7c2b-9d41-6f02c1a93b7e' }],
  ] as const)('%s', ([text, place]) => expect(parsePlace('--from', text, nowMs)).toEqual(place))

  it('refuses what is none of it', () => {
    expect(() => parsePlace('--from', 'last week', nowMs)).toThrow(
      '--from: "last week" is no place',
    )
    expect(() => parsePlace('--from', '', nowMs)).toThrow('is no place')
  })
})

describe('parseUntil', () => {
  it.for([
    ['end', 'end'],
    ['10m', { timeMs: nowMs + 600_000 }],
    ['12:30:15', { timeMs: nowMs + 1_815_000 }],
  ] as const)('%s', ([text, until]) => expect(parseUntil('--until', text, nowMs)).toEqual(until))

  it('refuses what is none of it', () => {
    expect(() => parseUntil('--until', 'noon', nowMs)).toThrow('--until: "noon" is no end')
  })
})
