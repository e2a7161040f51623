import { z } from 'zod'
import { NarrowcastError } from '../../core/errors.ts'
import type { Load } from '../../lab/load.ts'
import { loadSchema } from '../../lab/scenarios/scenario.ts'
import type { Flags } from '../flags.ts'
import { wholeOf } from '../flags.ts'

export const seedDefault = 7

const counts = {
  messages: 'messages',
  rate: 'perSecond',
  workers: 'workers',
  producers: 'producers',
  concurrency: 'concurrency',
  keys: 'keys',
  bytes: 'bytes',
} as const satisfies Readonly<Record<string, keyof Load>>

/** @throws INVALID_CONFIG, naming the flag and its range. */
export function loadGiven(flags: Flags): Partial<Load> {
  const load: Record<string, number> = {}
  for (const [flag, name] of Object.entries(counts)) {
    const word = flags.text(flag)
    if (word !== undefined) load[name] = wholeInRange(flag, word, name)
  }
  const handlerMs = flags.durationMs('handler')
  if (handlerMs !== undefined) load.handlerMs = handlerInRange(handlerMs)
  return load
}

export function seedOf(flags: Flags): number {
  return flags.whole('seed', { max: 2 ** 31 }) ?? seedDefault
}

function wholeInRange(flag: string, word: string, name: keyof Load): number {
  const { min = 1, max, text } = rangeOf(name) // a rate above 0 is at least 1
  const value = wholeOf(word)
  if (value >= min && value <= max) return value
  throw refused(
    `--${flag}: expected a whole number from ${min} ${text}, got ${JSON.stringify(word)}`,
  )
}

function handlerInRange(ms: number): number {
  const { min = 0, max, text } = rangeOf('handlerMs')
  if (ms >= min && ms <= max) return ms
  throw refused(`--handler: expected from ${min} ${text} ms, got ${ms} ms`)
}

/** As a scenario has it. min: left out where anything above 0 is taken. */
function rangeOf(name: keyof Load): { min: number | undefined; max: number; text: string } {
  const { minimum: min, maximum: max = Infinity } = z.toJSONSchema(loadSchema.shape[name])
  return { min, max, text: `to ${max.toLocaleString('en')}` }
}

function refused(text: string): NarrowcastError {
  return new NarrowcastError('INVALID_CONFIG', text)
}
