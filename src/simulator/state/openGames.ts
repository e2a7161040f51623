import { uuidMaker } from '../../core/ids.ts'
import type { GameSize } from '../plan.ts'
import type { Hero } from '../roster.ts'
import { type Fighter, fighterOf } from '../rules.ts'
import { dealtHeroes } from './deal.ts'
import type { Seat } from './state.ts'

/** A game that waits for its players. */
export interface OpenGame {
  readonly token: string
  readonly size: GameSize
  readonly heroes: readonly Hero[]
  /** User tokens. A seat keeps its hero when its player changes. */
  readonly seats: (string | null)[]
  /** Who is in the lobby. */
  readonly entered: Set<string>
  host: string
}

const waitKey = (user: string, size: GameSize) => `${user} ${size}`

/** Seats players, one game of a size after the other, with heroes from the seed. */
export class OpenGames {
  readonly #heroes: readonly Hero[]
  readonly #seed: string | number
  readonly #newToken = uuidMaker()
  readonly #games = new Map<string, OpenGame>()
  readonly #withRoom: Record<GameSize, Set<OpenGame>> = { 2: new Set(), 3: new Set() }
  /** User and size → the game in which that user waits. */
  readonly #waiting = new Map<string, OpenGame>()
  #opened = 0

  constructor(heroes: readonly Hero[], seed: string | number) {
    this.#heroes = heroes
    this.#seed = seed
  }

  get(token: string): OpenGame | undefined {
    return this.#games.get(token)
  }

  get tokens(): readonly string[] {
    return [...this.#games.keys()]
  }

  get count(): number {
    return this.#games.size
  }

  /** Null when no game of that size has room, and a new one may not be opened. */
  join(user: string, size: GameSize, mayOpen: boolean): Seat | null {
    const kept = this.#waiting.get(waitKey(user, size))
    const [withRoom] = this.#withRoom[size]
    const game = kept ?? withRoom ?? (mayOpen ? this.#open(user, size) : null)
    if (!game) return null
    const seat = game.seats.indexOf(kept ? user : null)
    game.seats[seat] = user
    this.#waiting.set(waitKey(user, size), game)
    if (!game.seats.includes(null)) this.#withRoom[size].delete(game)
    return {
      game: game.token,
      user_token: user,
      superhero_id: (game.heroes[seat] as Hero).id,
      isNew: !kept && !withRoom,
      isRepeated: kept !== undefined,
    }
  }

  /** Their seats are free again; true when nobody is left and the game is no more. */
  leave(game: OpenGame, leaving: readonly string[]): boolean {
    for (const [seat, user] of game.seats.entries()) {
      if (user === null || !leaving.includes(user)) continue
      game.seats[seat] = null
      game.entered.delete(user)
      this.#waiting.delete(waitKey(user, game.size))
      this.#withRoom[game.size].add(game)
    }
    const stayed = game.seats.find((user) => user !== null)
    if (!stayed) this.close(game)
    else if (!game.seats.includes(game.host)) game.host = stayed
    return !stayed
  }

  close(game: OpenGame): void {
    this.#games.delete(game.token)
    this.#withRoom[game.size].delete(game)
    for (const user of game.seats) if (user) this.#waiting.delete(waitKey(user, game.size))
  }

  #open(host: string, size: GameSize): OpenGame {
    const heroes = dealtHeroes(this.#heroes, this.#seed, ++this.#opened, size)
    const seats = Array<string | null>(size).fill(null)
    const game = { token: this.#newToken(), size, heroes, seats, entered: new Set<string>(), host }
    this.#games.set(game.token, game)
    this.#withRoom[size].add(game)
    return game
  }
}

/** The fighters of the taken seats, in the order of the seats. */
export function seatedFighters({ seats, heroes }: OpenGame): readonly Fighter[] {
  return seats.flatMap((user, seat) => (user ? [fighterOf(user, heroes[seat] as Hero)] : []))
}
