import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { z } from 'zod'
import { NarrowcastError } from '../../core/errors.ts'
import { scenarios } from '../../lab/scenarios/index.ts'
import { loadOf } from '../../lab/scenarios/planned.ts'
import { type Scenario, scenarioSchema } from '../../lab/scenarios/scenario.ts'
import type { Invocation } from '../invocation.ts'
import { unknownWord } from './subject.ts'

/** The scenario of that name. @throws INVALID_ARGUMENT with the nearest. */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((one) => one.name === name)
  if (found) return found
  throw unknownWord(
    'there is no scenario',
    name,
    scenarios.map((one) => one.name),
  )
}

/** The one that is named, or the one in the file of --spec. @throws INVALID_ARGUMENT, INVALID_CONFIG */
export function scenarioAsked({ args, flags, folder }: Invocation): Scenario {
  const [name] = args
  const file = flags.text('spec')
  if (name !== undefined && file !== undefined) {
    throw new NarrowcastError('INVALID_ARGUMENT', `${name} and --spec ${file} name two scenarios`)
  }
  if (file !== undefined) return scenarioIn(resolve(folder, file))
  if (name !== undefined) return scenarioNamed(name)
  throw new NarrowcastError('INVALID_ARGUMENT', 'lab run: no scenario is named', {
    hint: 'narrowcast lab ls lists them; the calmest: narrowcast lab run calm --on file',
  })
}

/** No scenario is nearly as long. */
const specBytesMax = 1_048_576

/** @throws INVALID_CONFIG for what cannot be read, or is no scenario. */
export function scenarioIn(path: string): Scenario {
  let found: unknown
  try {
    const file = statSync(path)
    if (!file.isFile()) throw new Error('it is no regular file')
    if (file.size > specBytesMax)
      throw new Error(`it has ${file.size} bytes, expected at most 1 MiB`)
    found = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    const text = `--spec: cannot read ${path}: ${(cause as Error).message}`
    throw new NarrowcastError('INVALID_CONFIG', text, { cause })
  }
  const { success, data, error } = scenarioSchema.safeParse(found, { reportInput: true })
  if (success) return data
  throw new NarrowcastError('INVALID_CONFIG', `--spec: ${path} is no scenario`, {
    hint: error.issues.map((one) => `${one.path.join('.') || 'it'}: ${wordsOf(one)}`).join('\n'),
  })
}

/** What was expected, and what came. */
function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `nothing is called ${issue.keys.join(', ')} there`
  if (issue.input === undefined) return 'it is missing'
  const got = `, got ${JSON.stringify(issue.input)?.slice(0, 60)}`
  if (issue.code === 'invalid_value') return `expected ${issue.values.join(' or ')}${got}`
  if (issue.code === 'too_small') return `expected at least ${issue.minimum}${unitOf(issue)}${got}`
  if (issue.code === 'too_big') return `expected at most ${issue.maximum}${unitOf(issue)}${got}`
  if (issue.code === 'invalid_type') return `expected ${issue.expected}${got}`
  return `${issue.message}${got}`
}

function unitOf({ origin }: { readonly origin: string }): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' ? ' entries' : ''
}

/** Faults of a scenario that come again and again, so many times; the load grows along. */
export function withEpisodes(scenario: Scenario, episodes: number): Scenario {
  const repeated = scenario.faults.filter(({ times }) => times !== undefined)
  if (repeated.length === 0) {
    const text = `--episodes: no fault of ${scenario.name} comes again and again`
    throw new NarrowcastError('INVALID_ARGUMENT', text, {
      hint: `Whole runs: narrowcast lab run ${scenario.name} --repeats ${episodes}`,
    })
  }
  const factor = episodes / Math.max(...repeated.map(({ times = 1 }) => times))
  const later = (moment: string) =>
    moment.endsWith('%') ? `${Number(moment.slice(0, -1)) / factor}%` : moment
  return {
    ...scenario,
    load: {
      ...scenario.load,
      messages: Math.ceil(loadOf(scenario, 'queue', {}).messages * factor),
    },
    faults: scenario.faults.map((fault) => ({
      ...fault,
      at: later(fault.at),
      ...('every' in fault && fault.every !== undefined && { every: later(fault.every) }),
      ...(fault.times !== undefined && { times: Math.round(fault.times * factor) }),
    })),
    bites: scenario.bites.map((bite) => ({ ...bite, atLeast: Math.ceil(bite.atLeast * factor) })),
  }
}
