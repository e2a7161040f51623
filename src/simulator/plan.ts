import { NarrowcastError } from '../core/errors.ts'
import { type Random, randomFrom, shuffled } from './random.ts'

/** How many players a game has. */
export type GameSize = 2 | 3

/**
 * For each player the size of its game in each round. In a round every player asks for one game,
 * the askers of 2 are even and those of 3 a multiple of three. So whoever comes first, every seat
 * of the round is filled as soon as all have asked, and a round cannot lock up.
 */
export type Plan = readonly (readonly GameSize[])[]

/** The demo's numbers: 10 players, 12 rounds, 30 duels and 20 games of three. */
export function demoPlan(seed: string | number): Plan {
  const random = randomFrom(`plan/${seed}`)
  const rounds = [
    ...Array.from({ length: 10 }, () => ({ duels: 2, threes: 2 })),
    ...Array.from({ length: 2 }, () => ({ duels: 5, threes: 0 })),
  ]
  return planOf(shuffled(rounds, random), random)
}

/**
 * Rounds for any number of players, each with as many games of three as chance gives.
 * @throws INVALID_ARGUMENT for fewer than 2 players or 1 round.
 */
export function mixedPlan(players: number, rounds: number, seed: string | number): Plan {
  if (!Number.isInteger(players) || players < 2) {
    throw new NarrowcastError('INVALID_ARGUMENT', `players must be at least 2, got ${players}`)
  }
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new NarrowcastError('INVALID_ARGUMENT', `rounds must be at least 1, got ${rounds}`)
  }
  const random = randomFrom(`plan/${seed}`)
  return planOf(
    Array.from({ length: rounds }, () => mixedRound(players, random)),
    random,
  )
}

interface Round {
  readonly duels: number
  readonly threes: number
}

function mixedRound(players: number, random: Random): Round {
  const threesMax = Math.floor(players / 3)
  // What is left for duels must be even.
  const fitting = Array.from({ length: threesMax + 1 }, (_, threes) => threes).filter(
    (threes) => (players - 3 * threes) % 2 === 0,
  )
  const threes = fitting[random.below(fitting.length)] ?? 0
  return { threes, duels: (players - 3 * threes) / 2 }
}

function planOf(rounds: readonly Round[], random: Random): Plan {
  const seats = rounds.map(({ duels, threes }) =>
    shuffled<GameSize>(
      [...Array<GameSize>(duels * 2).fill(2), ...Array<GameSize>(threes * 3).fill(3)],
      random,
    ),
  )
  const players = seats[0]?.length ?? 0
  return Array.from({ length: players }, (_, player) =>
    seats.map((round) => round[player] as GameSize),
  )
}

/** Games that the plan leads to. */
export function gamesOf(plan: Plan): number {
  const places = plan.flat()
  const threes = places.filter((size) => size === 3).length
  return (places.length - threes) / 2 + threes / 3
}
