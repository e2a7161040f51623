import { resolve } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { scenarios } from '../../lab/scenarios/index.ts'
import { loadOf } from '../../lab/scenarios/planned.ts'
import type { Scenario } from '../../lab/scenarios/scenario.ts'
import type { Invocation } from '../invocation.ts'
import { scenarioIn } from './specFile.ts'
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
