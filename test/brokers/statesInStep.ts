import { expect } from 'vitest'
import type { GameSize } from '../../src/simulator/plan.ts'
import { type Random, uuidAt } from '../../src/simulator/random.ts'
import type { State } from '../../src/simulator/state/state.ts'

/** One game, as each state calls it, and by which server each player is in its lobby. */
interface Twin {
  readonly memory: string
  readonly redis: string
  readonly users: string[]
  readonly present: Map<string, State>
  step: number
}

const startMs = 1_767_225_600_000
/** Games that are still played with; the older ones are over but for a few. */
const recent = 6

/**
 * Asks the memory and two servers on one Redis the same, drawn by chance, and expects the same
 * answers but for the tokens of the games.
 */
export class StatesInStep {
  /** What was answered, and how often: so that a test can see that it saw all. */
  readonly seen = new Map<string, number>()
  readonly #memory: State
  readonly #servers: readonly State[]
  readonly #random: Random
  readonly #players: readonly string[]
  readonly #twins: Twin[] = []
  #nowMs = startMs

  constructor(memory: State, servers: readonly State[], random: Random) {
    this.#memory = memory
    this.#servers = servers
    this.#random = random
    this.#players = Array.from({ length: 6 }, () => uuidAt(startMs, random))
  }

  async play(steps: number): Promise<void> {
    const join = () => this.#join()
    const enter = () => this.#enter()
    const hit = () => this.#hit()
    const rare = [() => this.#leave(), () => this.#timeOutTurn(), () => this.#expire()]
    const moves = [join, enter, enter, hit, hit, hit, hit, () => this.#ask(), ...rare]
    await join()
    for (let step = 0; step < steps; step++) {
      this.#nowMs++
      await this.#oneOf(moves)()
    }
  }

  async #join(): Promise<void> {
    const [user, size] = [this.#oneOf(this.#players), this.#oneOf<GameSize>([2, 3])]
    const ours = await this.#memory.join(user, size)
    const theirs = await this.#server.join(user, size)
    if (ours?.isNew && theirs) {
      const [memory, redis] = [ours.game, theirs.game]
      this.#twins.push({ memory, redis, users: [], present: new Map(), step: 0 })
    }
    this.#same('join', ours, theirs)
    this.#twins.find(({ memory }) => memory === ours?.game)?.users.push(user)
  }

  async #enter(): Promise<void> {
    const [{ memory, redis, users, present }, server] = [this.#twin, this.#server]
    const user = this.#oneOf(this.#chance(8) || users.length === 0 ? this.#players : users)
    const ours = await this.#memory.enter(memory, user, this.#nowMs)
    this.#same('enter', ours, await server.enter(redis, user, this.#nowMs))
    const isIn = 'status' in ours && ['waiting', 'running'].includes(ours.status)
    if (isIn) present.set(user, server)
  }

  async #leave(): Promise<void> {
    const [{ memory, redis, present }, server] = [this.#twin, this.#server]
    const here = [...present].flatMap(([user, by]) => (by === server ? [user] : []))
    if (here.length === 0) return
    const users = here.slice(this.#random.below(here.length))
    const ours = await this.#memory.leave(memory, users, this.#nowMs)
    this.#same('leave', ours, await server.leave(redis, users, this.#nowMs))
    for (const user of users) present.delete(user)
  }

  /** Mostly by whom and against whom it may be. */
  async #hit(): Promise<void> {
    const { memory, redis } = this.#twin
    const state = await this.#memory.look(memory)
    const round = 'status' in state && state.status === 'running' ? state.round : null
    const anybody = [...this.#players, 'nobody', null]
    const user = round && !this.#chance(4) ? round.turn : this.#oneOf(this.#players)
    const enemy = this.#oneOf(round && !this.#chance(4) ? round.participants : anybody)
    const ours = await this.#memory.hit(memory, user, enemy, this.#nowMs)
    this.#same('hit', ours, await this.#server.hit(redis, user, enemy, this.#nowMs))
  }

  async #ask(): Promise<void> {
    const [twin, user] = [this.#twin, this.#oneOf(this.#players)]
    const fighter = await this.#memory.fighter(twin.memory, user)
    this.#same('fighter', fighter, await this.#server.fighter(twin.redis, user))
    const ours = await this.#memory.look(twin.memory)
    const theirs = await this.#server.look(twin.redis)
    // Not by every server there are players of it.
    if ('refused' in theirs && theirs.refused === 'USER NOT IN GAME') this.#count('look elsewhere')
    else this.#same('look', ours, theirs)
    if ('round' in ours) twin.step = ours.round.step
  }

  async #timeOutTurn(): Promise<void> {
    const { memory, redis, step } = this.#twin
    const ours = await this.#memory.timeOutTurn(memory, step, this.#nowMs)
    const theirs = await this.#server.timeOutTurn(redis, step, this.#nowMs)
    // Nobody times a turn of a game that has not started.
    if (ours.status !== 'open') this.#same('timeOutTurn', ours, theirs)
  }

  async #expire(): Promise<void> {
    if (!this.#chance(6)) return
    const { memory, redis } = this.#twin
    const ours = await this.#memory.expire(memory, this.#nowMs)
    expect(await this.#server.expire(redis, this.#nowMs)).toBe(ours)
    this.#count(`expire ${ours}`)
  }

  get #server(): State {
    return this.#oneOf(this.#servers)
  }

  get #twin(): Twin {
    return this.#oneOf(this.#twins.slice(-recent))
  }

  #oneOf<T>(all: readonly T[]): T {
    return all[this.#random.below(all.length)] as T
  }

  #chance(oneIn: number): boolean {
    return this.#random.below(oneIn) === 0
  }

  #same(kind: string, ours: object | null, theirs: object | null): void {
    expect(this.#named(theirs, 'redis')).toEqual(this.#named(ours, 'memory'))
    const { refused, status } = (ours ?? {}) as { refused?: string; status?: string }
    const isOver = JSON.stringify(ours)?.includes('"outcome"')
    this.#count(
      [kind, refused ?? status, isOver && 'over', ours ?? 'none']
        .filter((word) => typeof word === 'string')
        .join(' '),
    )
  }

  #count(name: string): void {
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1)
  }

  #named(what: object | null, by: 'memory' | 'redis'): unknown {
    let text = JSON.stringify(what)
    for (const [at, twin] of this.#twins.entries()) text = text.replaceAll(twin[by], `game ${at}`)
    return JSON.parse(text)
  }
}
