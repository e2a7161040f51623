import { checkName } from '../../core/channel.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { redrivesMaxDefault } from '../../runtime/redrive/plan.ts'
import { diedAgainShareDefault, ratePerSDefault } from '../../runtime/redrive/run.ts'
import { type Flags, parseWhole } from '../flags.ts'
import type { Invocation } from '../invocation.ts'
import { filterFlags } from './filters.ts'

/** How fast, and when it stops by itself; null: as it was, or the default. */
export interface Pace {
  readonly ratePerS: number | null
  readonly diedAgainShareMax: number | null
}

export interface RedriveWords {
  readonly channel: string
  readonly to: string | null
  readonly lettersMax: number | undefined
  readonly redrivesMax: number
  readonly pace: Pace
}

export const paceDefault = {
  ratePerS: ratePerSDefault,
  diedAgainShareMax: diedAgainShareDefault,
} as const

const lettersMaxLimit = 100_000

/** @throws INVALID_CONFIG, naming the flag. */
export function paceOf(flags: Flags): Pace {
  const rate = flags.text('rate')?.replace(/\/s$/, '')
  const stopIf = flags.text('stop-if')
  return {
    ratePerS: rate === undefined ? null : parseWhole('--rate', rate, { min: 1 }),
    diedAgainShareMax: stopIf === undefined ? null : shareOf(stopIf),
  }
}

function shareOf(text: string): number {
  const percent = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN
  if (percent <= 100) return percent / 100
  throw new NarrowcastError(
    'INVALID_CONFIG',
    `--stop-if: expected a share from 0% to 100%, got ${JSON.stringify(text)}`,
    { hint: '--stop-if 100% never stops' },
  )
}

/** The words of a new redrive. @throws INVALID_ARGUMENT, INVALID_CONFIG */
export function redriveWords({ args, flags }: Invocation): RedriveWords {
  const [channel] = args
  if (channel === undefined) {
    throw new NarrowcastError('INVALID_ARGUMENT', 'a channel is missing, or --resume JOB', {
      hint: 'For example: narrowcast dead redrive hello --dry-run',
    })
  }
  checkName('channel', channel)
  const to = flags.text('to') ?? null
  if (to !== null) checkName('channel', to)
  return {
    ...{ channel, to, pace: paceOf(flags) },
    lettersMax: flags.whole('max', { min: 1, max: lettersMaxLimit }),
    redrivesMax: flags.whole('redrives-max', { min: 1 }) ?? redrivesMaxDefault,
  }
}

const newOnly = ['all', 'id', 'group', 'to', 'max', 'redrives-max', ...filterFlags]

/** A job knows what it is meant for. @throws INVALID_ARGUMENT */
export function checkResume({ args, flags }: Invocation): void {
  const also = newOnly.filter((name) => flags.isSet(name)).map((name) => `--${name}`)
  const [word] = args.length > 0 ? [args[0]] : also
  if (word === undefined) return
  throw new NarrowcastError('INVALID_ARGUMENT', `--resume and ${word} exclude each other`, {
    hint: 'The job knows its channel and its dead letters; --rate and --stop-if may differ.',
  })
}
