import { NarrowcastError } from '../../core/errors.ts'
import type { Channel } from '../../runtime/api.ts'
import {
  type FinishedBy,
  finishedRecords,
  type GameRecord,
  type Hero,
  playGames,
} from '../../simulator/index.ts'
import type { Invocation } from '../invocation.ts'
import { makeProgress } from '../output/progress.ts'

const batchMax = 200

export interface EngineRun {
  readonly games: number
  readonly seed: number
  readonly players: number
  readonly heroes: readonly Hero[]
  readonly rate: number | null
  readonly finished: FinishedBy
}

export interface EngineDone {
  readonly games: number
  readonly hits: number
  readonly published: number
}

/**
 * Plays whole games in memory and publishes each one when it has ended. Waits for the broker:
 * nothing is dropped.
 * @throws what publishing throws.
 */
export async function runEngine(
  { clock, interrupts, output, live }: Invocation,
  channel: Channel<GameRecord>,
  { games, seed, players, heroes, rate, finished }: EngineRun,
): Promise<EngineDone> {
  const stopping = interrupts.claim()
  const progress = makeProgress(output, 'playing', games, { live })
  const beganMs = clock.monotonicMs()
  const done = { games: 0, hits: 0, published: 0 }
  const size = rate === null ? batchMax : Math.max(1, Math.min(batchMax, Math.floor(rate / 10)))
  let batch: GameRecord[] = []
  let waiting = 0
  let sending: Promise<number> = Promise.resolve(0)
  const send = async () => {
    // One batch is with the broker while the next one is played.
    done.published += await sending
    sending = publish(channel, batch)
    // It is awaited with the next batch; until then its failure has an owner.
    sending.catch(() => {})
    batch = []
    waiting = 0
    progress.update(done.games)
    if (rate === null) return
    await clock.sleep(
      Math.max(0, beganMs + (done.games / rate) * 1_000 - clock.monotonicMs()),
      stopping,
    )
  }
  for (const game of playGames({ seed, heroes, players, games, startMs: clock.wallMs() })) {
    if (stopping.aborted) break
    done.games++
    done.hits += game.game.hits.length
    batch.push(...finishedRecords(game, finished))
    waiting++
    if (waiting >= size) await send()
  }
  if (batch.length > 0) await send()
  done.published += await sending
  progress.end()
  return done
}

async function publish(
  channel: Channel<GameRecord>,
  batch: readonly GameRecord[],
): Promise<number> {
  const answers = await channel.publishMany(
    batch.map((record) => ({
      data: record,
      options: { id: record.mid, timeMs: Date.parse(record.timestamp) },
    })),
  )
  const failure = answers.find((answer) => answer instanceof NarrowcastError)
  if (failure) throw failure
  return answers.length
}
