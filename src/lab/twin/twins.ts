import { NarrowcastError } from '../../core/errors.ts'
import type { Pattern } from '../../core/message.ts'
import type { ExperimentSubject } from '../run/experiment.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import type { Twin } from './twin.ts'

interface Known {
  readonly patterns: readonly Pattern[]
  /** Only then: who has not the client of one needs none for the others. */
  readonly load: () => Promise<Twin>
}

/** By the name of the backend. */
const twins = {
  file: {
    patterns: ['queue'],
    load: async () => (await import('./fileTwin.ts')).fileTwin,
  },
  'redis-list': {
    patterns: ['queue'],
    load: async () => (await import('./listTwin.ts')).listTwin,
  },
  'redis-stream': {
    patterns: ['queue', 'stream'],
    load: async () => (await import('./streamTwin.ts')).streamTwin,
  },
  'redis-pubsub': {
    patterns: ['broadcast'],
    load: async () => (await import('./pubSubTwin.ts')).pubSubTwin,
  },
  rabbitmq: {
    patterns: ['queue'],
    load: async () => (await import('./rabbitmqTwin.ts')).rabbitmqTwin,
  },
  kafka: {
    patterns: ['queue', 'stream'],
    load: async () => (await import('./kafkaTwin.ts')).kafkaTwin,
  },
} as const satisfies Readonly<Record<string, Known>>

export type TwinName = keyof typeof twins

/** No recipe by hand has an answer to faults: a figure of them would be of its author. */
const scenarios = ['calm', 'backlog']

/** @throws UNSUPPORTED where there is no sensible form without narrowcast. */
export function twinFor(
  { name: scenario }: Pick<Scenario, 'name'>,
  { backend, pattern, profile, url }: ExperimentSubject,
): TwinName {
  if (!scenarios.includes(scenario)) {
    throw refused(scenario, 'recipes by hand are measured where nothing goes wrong', scenarios)
  }
  const known = Object.entries<Known>(twins).flatMap(([name, { patterns }]) =>
    patterns.map((one) => `${name}:${one}`),
  )
  if (!known.includes(`${backend}:${pattern}`)) {
    throw refused(`${backend} ${pattern}`, 'there is no recipe by hand to compare with', known)
  }
  if (url !== null) {
    throw refused('a broker that is given', 'the raw client is not told how to reach it', known)
  }
  if (profile === 'naive') {
    throw refused(`${backend}@naive`, 'it is there to lose messages, not to be compared', known)
  }
  return backend as TwinName
}

function refused(what: string, why: string, known: readonly string[]): NarrowcastError {
  return new NarrowcastError('UNSUPPORTED', `lab: ${what} has no twin: ${why}`, {
    operation: 'run a twin',
    hint: `--twin is for ${known.join(', ')}`,
  })
}

export async function loadTwin(name: TwinName): Promise<Twin> {
  return await twins[name].load()
}
