import type { Random } from './random.ts'
import type { Hero } from './roster.ts'

/** A hero in the hands of a player. */
export interface Fighter {
  /** The player's user token. */
  readonly token: string
  /** The hero's id. */
  readonly id: number
  readonly attack: number
  /** What is left of it; 0 is dead. */
  readonly health: number
}

export interface Fight {
  /** In turn order, which is that of the sorted user tokens. The dead keep their place. */
  readonly fighters: readonly Fighter[]
  /** Index of the fighter whose turn it is; −1 when the fight is over. */
  readonly turn: number
  /** User tokens in the order in which they fell, forfeits included. */
  readonly deaths: readonly string[]
}

/** A hit that was refused and changed nothing. */
export type HitRefusal =
  | 'GAME IS OVER'
  | 'NOT YOUR TURN'
  | 'UNKNOWN ENEMY TOKEN'
  | 'ENEMY IS YOURSELF'
  | 'ENEMY IS DEAD'

export interface Hit {
  readonly fight: Fight
  /** What the enemy lost: `healthPrior` − `healthPost`. */
  readonly damage: number
  readonly healthPrior: number
  readonly healthPost: number
}

/** A stat that is missing or 0 counts as 1. */
const stat = (value: number) => value || 1

/** health = intelligence × strength × durability × 10 */
export function healthOf(hero: Hero): number {
  return stat(hero.intelligence) * stat(hero.strength) * stat(hero.durability) * 10
}

/** attack = speed × power × combat */
export function attackOf(hero: Hero): number {
  return stat(hero.speed) * stat(hero.power) * stat(hero.combat)
}

export function fighterOf(token: string, hero: Hero): Fighter {
  return { token, id: hero.id, attack: attackOf(hero), health: healthOf(hero) }
}

const byToken = (a: Fighter, b: Fighter) => (a.token < b.token ? -1 : 1)

export function startFight(fighters: readonly Fighter[]): Fight {
  return { fighters: [...fighters].sort(byToken), turn: 0, deaths: [] }
}

export const isOver = (fight: Fight): boolean => fight.turn === -1

const indexOf = ({ fighters }: Fight, token: string) =>
  fighters.findIndex((fighter) => fighter.token === token)

/** The next living fighter from that place on, or −1 when at most one lives. */
function turnFrom(fighters: readonly Fighter[], first: number): number {
  let living = 0
  let turn = -1
  for (let step = 0; step < fighters.length; step++) {
    const at = (first + step) % fighters.length
    if ((fighters[at] as Fighter).health === 0) continue
    living++
    if (turn === -1) turn = at
  }
  return living > 1 ? turn : -1
}

/** The enemy loses the attacker's attack, not below 0, and the turn moves on. */
export function hit(fight: Fight, attacker: string, enemy: string): Hit | HitRefusal {
  if (isOver(fight)) return 'GAME IS OVER'
  const by = fight.fighters[fight.turn] as Fighter
  if (by.token !== attacker) return 'NOT YOUR TURN'
  if (enemy === attacker) return 'ENEMY IS YOURSELF'
  const at = indexOf(fight, enemy)
  const target = fight.fighters[at]
  if (!target) return 'UNKNOWN ENEMY TOKEN'
  if (target.health === 0) return 'ENEMY IS DEAD'
  const healthPost = Math.max(0, target.health - by.attack)
  const fighters = fight.fighters.slice()
  const { token, id, attack } = target
  fighters[at] = { token, id, attack, health: healthPost }
  const deaths = healthPost === 0 ? [...fight.deaths, enemy] : fight.deaths
  return {
    fight: { fighters, turn: turnFrom(fighters, fight.turn + 1), deaths },
    damage: target.health - healthPost,
    healthPrior: target.health,
    healthPost,
  }
}

/**
 * Those who left die at once, in turn order. Where all the living leave together nobody wins:
 * everyone is among the deaths.
 */
export function forfeit(fight: Fight, leaving: readonly string[]): Fight {
  if (isOver(fight)) return fight
  const falls = ({ token, health }: Fighter) => health > 0 && leaving.includes(token)
  const fallen = fight.fighters.filter(falls).map(({ token }) => token)
  if (fallen.length === 0) return fight
  const fighters = fight.fighters.map((one) => (falls(one) ? { ...one, health: 0 } : one))
  return {
    fighters,
    turn: turnFrom(fighters, fight.turn),
    deaths: [...fight.deaths, ...fallen],
  }
}

/** The last one standing of a fight that is over; null while it runs, and when all have left. */
export function winnerOf(fight: Fight): string | null {
  if (!isOver(fight)) return null
  return fight.fighters.find(({ health }) => health > 0)?.token ?? null
}

/** Who falls first gets the number of participants, the next one less, the winner 1. */
export function rankOf(participants: number, deaths: readonly string[], token: string): number {
  const place = deaths.indexOf(token)
  return place === -1 ? 1 : participants - place
}

/** The tactic of the bots and of the engine: any living enemy, by chance. */
export function chooseEnemy(
  fighters: readonly Fighter[],
  attacker: string,
  random: Random,
): string | null {
  const enemies = fighters.filter(({ token, health }) => token !== attacker && health > 0)
  if (enemies.length < 2) return enemies[0]?.token ?? null
  return (enemies[random.below(enemies.length)] as Fighter).token
}
