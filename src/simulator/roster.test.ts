import { expect, test } from 'vitest'
import { NarrowcastError } from '../core/errors.ts'
import { importHeroes, loadHeroes } from './roster.ts'

const stats = {
  intelligence: '38',
  strength: '100',
  speed: '17',
  durability: '80',
  power: '24',
  combat: '64',
}
const entry = (id: unknown, changes: object = {}) => ({
  response: 'success',
  id,
  name: `Hero ${id}`,
  powerstats: stats,
  biography: { alignment: 'good' },
  ...changes,
})
const three = (changed: object) => [entry('1'), entry('2'), changed]

function refusal(json: unknown): NarrowcastError {
  try {
    importHeroes(json)
  } catch (error) {
    if (error instanceof NarrowcastError) return error
    throw error
  }
  throw new Error('the file was not refused')
}

test('our own roster: at least 120 heroes, names and ids different, stats 1 to 100', () => {
  const heroes = loadHeroes()
  expect(heroes.length).toBeGreaterThanOrEqual(120)
  expect(new Set(heroes.map(({ name }) => name.toLowerCase())).size).toBe(heroes.length)
  expect(new Set(heroes.map(({ id }) => id)).size).toBe(heroes.length)
  for (const { id, name, alignment, ...power } of heroes) {
    expect(id).toBeGreaterThan(0)
    expect(name).toMatch(/^[A-Z]/)
    expect(['good', 'bad', 'neutral']).toContain(alignment)
    expect(Object.keys(power).length).toBe(6)
    for (const value of Object.values(power)) {
      expect(Number.isInteger(value) && value >= 1 && value <= 100, name).toBe(true)
    }
  }
})

test('the public format is read: text numbers; "null", "0", empty and missing count as 1', () => {
  const heroes = importHeroes([
    entry('1'),
    entry(2, { powerstats: { intelligence: 'null', strength: '0', speed: null, durability: 9 } }),
    entry('3', { biography: { alignment: '-' } }),
  ])
  expect(heroes[0]).toEqual({
    id: 1,
    name: 'Hero 1',
    alignment: 'good',
    ...{ intelligence: 38, strength: 100, speed: 17, durability: 80, power: 24, combat: 64 },
  })
  expect(heroes[1]).toMatchObject({
    intelligence: 1,
    strength: 1,
    speed: 1,
    durability: 9,
    power: 1,
  })
  expect(heroes[2]?.alignment).toBe('neutral')
})

test.for([
  ['not an array', { heroes: [] }, /expected an array of heroes, got \{"heroes"/],
  ['too few', [entry('1'), entry('2')], /at least 3 heroes, got 2/],
  ['an entry that is no object', three(null as unknown as object), /entry 3: expected an object/],
  ['an id that is no number', three(entry('x')), /entry 3: id must be .* got "x"/],
  ['an id above 65535', three(entry(65_536)), /entry 3: id must be .* got 65536/],
  ['the same id twice', three(entry('1')), /entry 3: id 1 is already that of entry 1/],
  ['no name', three(entry('3', { name: ' ' })), /entry 3: name must be a text/],
  ['no stats', three(entry('3', { powerstats: 5 })), /entry 3 \(Hero 3\): powerstats must be an/],
  [
    'a stat that is no number',
    three(entry('3', { powerstats: { ...stats, speed: 'fast' } })),
    /entry 3 \(Hero 3\): powerstats\.speed must be .* got "fast"/,
  ],
  [
    'a negative stat',
    three(entry('3', { powerstats: { ...stats, power: -1 } })),
    /entry 3 \(Hero 3\): powerstats\.power must be .* got -1/,
  ],
  [
    'heroes who could not hurt each other',
    [
      entry('1'),
      ...[2, 3].map((id) => entry(id, { powerstats: { ...stats, speed: 0, power: 0, combat: 0 } })),
    ],
    /Hero 2 \(id 2\) and Hero 3 \(id 3\) would need about \d+ hits/,
  ],
] as const)('a bad file is refused, naming entry and field: %s', ([, json, text]) => {
  const error = refusal(json)
  expect(error.code).toBe('INVALID_CONFIG')
  expect(error.message).toMatch(text)
  expect(error.hint).toContain('powerstats')
})
