/** One game as the server played it. */
export interface PlayedGame {
  /** Message id of its record. */
  readonly id: string
  readonly token: string
  readonly players: readonly string[]
  readonly hits: readonly { readonly user_token: string; readonly enemy_damage: number }[]
  readonly finishedMs: number
  /** `Halcyon beat Tideline in 14 rounds` */
  readonly story: string
}

/** A game and how far it has come. */
export interface LedgerGame extends PlayedGame {
  /** `g-001`: in the order in which games ended. */
  readonly label: string
  /** Workers it was delivered to, in order. */
  readonly deliveredTo: string[]
  writtenBy: string | null
  /** When it was found written already, by that worker. */
  recognisedBy: string | null
  ackedBy: string | null
  ackedMs: number | null
  deadReason: string | null
}

export interface LedgerWorker {
  readonly name: string
  readonly pid: number
  delivered: number
  written: number
  acked: number
  readonly latenciesMs: number[]
  /** Delivered and not settled. */
  readonly leased: Set<string>
  state: 'starting' | 'running' | 'killed' | 'finished' | 'failed'
}

/**
 * The account of a run, kept by the demo from what the game server did and what the workers say.
 * Its numbers add up at every moment: finished = waiting + leased + acked + dead.
 */
export class Ledger {
  readonly games = new Map<string, LedgerGame>()
  readonly workers = new Map<string, LedgerWorker>()
  /** Ids that a worker has told of and the server has not. */
  readonly unknown = new Set<string>()
  hits = 0
  /** The game that was written last. */
  last: LedgerGame | null = null

  addWorker(name: string, pid: number): void {
    const none = { delivered: 0, written: 0, acked: 0, latenciesMs: [] }
    this.workers.set(name, { name, pid, ...none, leased: new Set(), state: 'starting' })
  }

  finished(game: PlayedGame): void {
    const label = `g-${String(this.games.size + 1).padStart(3, '0')}`
    this.games.set(game.id, {
      ...game,
      label,
      deliveredTo: [],
      writtenBy: null,
      recognisedBy: null,
      ackedBy: null,
      ackedMs: null,
      deadReason: null,
    })
  }

  delivered(name: string, ids: readonly string[]): void {
    const worker = this.#worker(name)
    for (const id of ids) {
      const game = this.#game(id)
      worker.delivered++
      game?.deliveredTo.push(name)
      this.#endLease(id) // its former owner is dead: the lease has moved here
      if (game && !isOver(game)) worker.leased.add(id)
    }
  }

  written(name: string, ids: readonly string[]): void {
    const worker = this.#worker(name)
    for (const id of ids) {
      const game = this.#game(id)
      if (!game || game.writtenBy === name) continue
      worker.written++
      game.writtenBy ??= name
      this.last = game
    }
  }

  recognised(name: string, ids: readonly string[]): void {
    for (const id of ids) {
      const game = this.#game(id)
      if (game) game.recognisedBy = name
    }
  }

  acked(name: string, id: string, atMs: number): void {
    const worker = this.#worker(name)
    const game = this.#game(id)
    this.#endLease(id)
    if (!game || isOver(game)) return
    worker.acked++
    game.ackedBy = name
    game.ackedMs = atMs
    worker.latenciesMs.push(atMs - game.finishedMs)
  }

  dead(name: string, id: string, reason: string): void {
    this.#worker(name)
    this.#endLease(id)
    const game = this.#game(id)
    if (game && !isOver(game)) game.deadReason = reason
  }

  /** What was delivered to this one last and is in no file yet. */
  unwritten(name: string): LedgerGame[] {
    return [...this.games.values()].filter(
      (game) =>
        game.deliveredTo.at(-1) === name && game.writtenBy === null && game.deadReason === null,
    )
  }

  /** Numbers of one moment. `redelivered`: deliveries beyond the first of each game. */
  get totals() {
    const games = [...this.games.values()]
    const workers = [...this.workers.values()]
    const sum = (of: (worker: LedgerWorker) => number) =>
      workers.reduce((total, worker) => total + of(worker), 0)
    const delivered = sum((worker) => worker.delivered)
    const acked = games.filter((game) => game.ackedBy !== null).length
    const dead = games.filter((game) => game.deadReason !== null).length
    const leased = sum((worker) => worker.leased.size)
    const waiting = games.length - acked - dead - leased
    const redelivered = games.reduce(
      (total, game) => total + Math.max(0, game.deliveredTo.length - 1),
      0,
    )
    return {
      finished: games.length,
      ...{ delivered, acked, dead, leased, waiting, redelivered },
      written: sum((worker) => worker.written),
      skipped: games.filter((game) => game.recognisedBy !== null).length,
    }
  }

  /** When the oldest game that is not settled has ended; null when all are. */
  get oldestMs(): number | null {
    for (const game of this.games.values()) {
      if (!isOver(game)) return game.finishedMs
    }
    return null
  }

  /** Words of several processes come in any order: whoever has it by our book has it no more. */
  #endLease(id: string): void {
    for (const worker of this.workers.values()) worker.leased.delete(id)
  }

  #worker(name: string): LedgerWorker {
    const worker = this.workers.get(name)
    if (!worker) throw new Error(`the demo has no worker ${name}`)
    return worker
  }

  #game(id: string): LedgerGame | undefined {
    const game = this.games.get(id)
    if (!game) this.unknown.add(id)
    return game
  }
}

/** Acked or dead: the first word of it counts. */
function isOver({ ackedBy, deadReason }: LedgerGame): boolean {
  return ackedBy !== null || deadReason !== null
}

/** The middle of some values; null without any. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null
}
