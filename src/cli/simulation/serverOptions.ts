import { resolve } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import type { ServerOptions, ServerStats } from '../../simulator/index.ts'
import type { Invocation } from '../invocation.ts'
import { readHeroes } from './heroes.ts'
import { seedDefault } from './players.ts'

/** What the flags of `sim server` and `sim run` say of the game server, as plain data. */
export function serverOptions({ flags, folder }: Invocation): ServerOptions {
  const port = flags.whole('port', { max: 65_535 })
  const host = flags.text('host')
  const heroes = flags.text('heroes')
  const turnMs = flags.durationMs('turn')
  const lobbyTimeoutMs = flags.durationMs('lobby-timeout')
  return {
    seed: flags.whole('seed') ?? seedDefault,
    finished: (flags.text('finished') as 'host' | 'all' | undefined) ?? 'host',
    events: flags.isSet('events'),
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
    ...(heroes === undefined ? {} : { heroes: readHeroes(resolve(folder, heroes)) }),
    ...(turnMs === undefined ? {} : { turnMs }),
    ...(lobbyTimeoutMs === undefined ? {} : { lobbyTimeoutMs }),
  }
}

/** Where the games of `sim server` live, and over how many processes. */
export interface Sharing {
  /** `memory`, or a URL, with its password. */
  readonly state: string
  readonly stateExpiryMs: number | null
  readonly processes: number
}

const processesMax = 100

/** @throws INVALID_ARGUMENT for what does not go with a state in memory. */
export function sharingOf({ flags }: Invocation): Sharing {
  const state = flags.text('state') ?? 'memory'
  const stateExpiryMs = flags.durationMs('state-expiry') ?? null
  const processes = flags.whole('processes', { min: 1, max: processesMax }) ?? 1
  if (state === 'memory' && processes > 1) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `--processes ${processes}: a state in memory belongs to one process`,
      { hint: 'Let them share it: --state redis://localhost:6379' },
    )
  }
  if (state === 'memory' && stateExpiryMs !== null) {
    throw new NarrowcastError('INVALID_ARGUMENT', '--state-expiry is for a state in Redis', {
      hint: 'For example: --state redis://localhost:6379 --state-expiry 5m',
    })
  }
  return { state, stateExpiryMs, processes }
}

export function totalsJson(stats: ServerStats) {
  const { started, complete, abandoned, rescued, timedOut, hits, forfeits, refusals, errors } =
    stats
  return {
    ...{ started, complete, abandoned, rescued, timed_out: timedOut },
    ...{ hits, forfeits, refusals, errors },
  }
}
