import type { GameSize } from '../plan.ts'
import { drawDifferent, randomFrom } from '../random.ts'
import type { Hero } from '../roster.ts'

/** The heroes of the n-th game that is opened, seat by seat, from the seed. */
export function dealtHeroes(
  heroes: readonly Hero[],
  seed: string | number,
  number: number,
  size: GameSize,
): readonly Hero[] {
  const random = randomFrom(`game/${seed}/${number}`)
  return drawDifferent(size, heroes.length, random).map((at) => heroes[at] as Hero)
}
