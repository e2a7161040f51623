import { z } from 'zod'
import { NarrowcastError } from '../../core/errors.ts'
import type { Load } from '../../lab/load.ts'
import { loadSchema } from '../../lab/scenarios/scenario.ts'
import type { Flags } from '../flags.ts'
import { parseWhole } from '../flags.ts'

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
    if (word !== undefined) load[name] = inRange(flag, parseWhole(`--${flag}`, word), name)
  }
  const handlerMs = flags.durationMs('handler')
  if (handlerMs !== undefined) load.handlerMs = inRange('handler', handlerMs, 'handlerMs')
  return load
}

export function seedOf(flags: Flags): number {
  return flags.whole('seed', { max: 2 ** 31 }) ?? seedDefault
}

function inRange(flag: string, value: number, name: keyof Load): number {
  const schema = loadSchema.shape[name]
  if (schema.safeParse(value).success) return value
  const { minimum, exclusiveMinimum, maximum } = z.toJSONSchema(schema)
  const least = minimum === undefined ? `above ${exclusiveMinimum}` : `from ${minimum}`
  const unit = name.endsWith('Ms') ? ' ms' : ''
  const text = `--${flag}: expected ${least} to ${maximum?.toLocaleString('en')}${unit}, got ${value}${unit}`
  throw new NarrowcastError('INVALID_CONFIG', text)
}
