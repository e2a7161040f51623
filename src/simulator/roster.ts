import { NarrowcastError } from '../core/errors.ts'
import ownHeroes from './heroes.json' with { type: 'json' }
import { attackOf, healthOf } from './rules.ts'

export interface Hero {
  /** 0 to 65,535. */
  readonly id: number
  readonly name: string
  readonly alignment: Alignment
  /** The six power stats are whole numbers, 1 to 100 in our own roster. */
  readonly intelligence: number
  readonly strength: number
  readonly speed: number
  readonly durability: number
  readonly power: number
  readonly combat: number
}

export type Alignment = 'good' | 'bad' | 'neutral'

const statNames = [
  'intelligence',
  'strength',
  'speed',
  'durability',
  'power',
  'combat',
] as const satisfies readonly (keyof Hero)[]

const idMax = 65_535
/** The public data holds a 101. */
const statMax = 1_000
/** A game of three gives each player a different hero. */
const heroesMin = 3
/** Longest duel that a roster may lead to: its record stays well below 1 MiB. */
export const duelHitsMax = 4_000

/** The 132 heroes that come with the package, in the order of their ids. */
export function loadHeroes(): readonly Hero[] {
  return ownHeroes.map((hero) => ({ ...hero, alignment: hero.alignment as Alignment }))
}

/**
 * Reads the public superhero format: an array of `{id, name, powerstats}` whose numbers may be
 * strings; a stat that is missing, "null" or "0" counts as 1. Other fields are not read, but
 * for `biography.alignment`.
 * @throws INVALID_CONFIG, naming the entry and the field.
 */
export function importHeroes(json: unknown): readonly Hero[] {
  if (!Array.isArray(json)) throw invalid(`expected an array of heroes, got ${shown(json)}`)
  const heroes = json.map((entry: unknown, index) => importHero(entry, `entry ${index + 1}`))
  if (heroes.length < heroesMin) {
    throw invalid(`expected at least ${heroesMin} heroes, got ${heroes.length}`)
  }
  const indexById = new Map<number, number>()
  for (const [index, { id }] of heroes.entries()) {
    const earlier = indexById.get(id)
    if (earlier !== undefined) {
      throw invalid(`entry ${index + 1}: id ${id} is already that of entry ${earlier + 1}`)
    }
    indexById.set(id, index)
  }
  refuseEndlessDuels(heroes)
  return heroes
}

function importHero(entry: unknown, where: string): Hero {
  if (!isObject(entry)) throw invalid(`${where}: expected an object, got ${shown(entry)}`)
  const { name, powerstats, biography } = entry
  const id = wholeNumber(entry.id, 0, idMax)
  if (id === null) {
    throw invalid(`${where}: id must be a whole number from 0 to ${idMax}, got ${shown(entry.id)}`)
  }
  if (typeof name !== 'string' || name.trim() === '') {
    throw invalid(`${where}: name must be a text, got ${shown(name)}`)
  }
  const called = `${where} (${name})`
  if (!isObject(powerstats)) {
    throw invalid(`${called}: powerstats must be an object, got ${shown(powerstats)}`)
  }
  const stats = statNames.map((stat) => [stat, importStat(powerstats[stat], called, stat)] as const)
  return {
    id,
    name,
    alignment: importAlignment(biography),
    ...(Object.fromEntries(stats) as Record<(typeof statNames)[number], number>),
  }
}

function importStat(value: unknown, where: string, stat: string): number {
  if (value === undefined || value === null || value === 'null' || value === '') return 1
  const number = wholeNumber(value, 0, statMax)
  if (number !== null) return number || 1
  throw invalid(
    `${where}: powerstats.${stat} must be a whole number from 0 to ${statMax}, or "null", got ${shown(value)}`,
  )
}

function importAlignment(biography: unknown): Alignment {
  const alignment = isObject(biography) ? biography.alignment : null
  return alignment === 'good' || alignment === 'bad' ? alignment : 'neutral'
}

/** Two heroes of great health and no attack would fight for ever, and fill the memory. */
function refuseEndlessDuels(heroes: readonly Hero[]): void {
  const sides = heroes.map((hero) => ({ hero, health: healthOf(hero), attack: attackOf(hero) }))
  for (const [index, one] of sides.entries()) {
    for (const other of sides.slice(index + 1)) {
      const rounds = Math.min(other.health / one.attack, one.health / other.attack)
      if (rounds * 2 <= duelHitsMax) continue
      throw invalid(
        `${one.hero.name} (id ${one.hero.id}) and ${other.hero.name} (id ${other.hero.id}) would need ` +
          `about ${Math.round(rounds * 2)} hits to end a duel, at most ${duelHitsMax} are allowed; ` +
          'raise speed, power or combat of one of them',
      )
    }
  }
}

function wholeNumber(value: unknown, least: number, most: number): number | null {
  const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value))
  const number = isNumeric ? Number(value) : Number.NaN
  return Number.isInteger(number) && number >= least && number <= most ? number : null
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function invalid(text: string): NarrowcastError {
  return new NarrowcastError('INVALID_CONFIG', `heroes: ${text}`, {
    hint: 'Expected is [{"id":"1","name":"…","powerstats":{"intelligence":"38",…}}, …].',
  })
}
