import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Lie } from '../../testing/liar.ts'
import { scenarioSchema } from '../scenarios/scenario.ts'
import { runExperiment } from './experiment.ts'
import { judged } from './judgedRun.ts'

/** Nothing that is promised turns red for these: they show in figures. */
type Unpromised = 'puts behind what comes again' | 'starves a worker' | 'prefers a worker'

/** Checks that turn red for a lie of a broker, and no others; none: its own counts disagree. */
export const redFor: Readonly<Record<Exclude<Lie, 'none' | Unpromised>, readonly string[]>> = {
  'drops what it has stored': ['lost'],
  'stores what it refuses': ['phantom'],
  'stores one message twice': ['redelivered', 'reprocessed', 'stored-twice'],
  'forgets ids that it should know': ['redelivered', 'reprocessed', 'stored-twice'],
  'hands out a foreign message': ['unexpected'],
  'changes a byte': ['unexpected'],
  'acknowledges before the handler': ['lost'],
  'gives one message to two workers': ['redelivered', 'reprocessed', 'fenced'],
  'keeps messages for itself': ['stuck'],
  'lets some wait that are due': ['order'],
  'buries what may be tried again': ['dead'],
  'accepts a late settle': ['late'],
  'lets two owners settle': ['fenced'],
  'tries once more than it may': ['dead'],
  'forgets who died of it': ['retried'],
  'goes deaf': ['deaf'],
  'counts more than it has': [],
}

/** What the lab said of something of which it is known what it should say. */
export interface Proof {
  /** `a broker that drops what it has stored` */
  readonly what: string
  /** A verdict, and the checks that are not held. */
  readonly expected: string
  readonly seen: string
}

/** Tests the lab: brokers that lie, one that does not, and processes of its own. */
export async function* selfTest(seed: number): AsyncGenerator<Proof> {
  yield await proofOf('none', seed)
  for (const lie of Object.keys(redFor) as (keyof typeof redFor)[]) yield await proofOf(lie, seed)
  yield await realProof(seed)
}

async function proofOf(lie: 'none' | keyof typeof redFor, seed: number): Promise<Proof> {
  const { red, status } = await judged(lie, seed)
  if (lie === 'none') {
    return { what: 'a broker that does not lie', expected: 'KEPT', seen: words(status, red) }
  }
  const wanted = redFor[lie]
  const verdict = wanted.length > 0 ? 'BROKEN' : 'INCONCLUSIVE'
  const what = `a broker that ${lie}`
  return { what, expected: words(verdict, wanted), seen: words(status, red) }
}

const short = scenarioSchema.parse({
  ...{ name: 'self-test', title: 'nothing goes wrong', teaches: 'that processes can be followed' },
  load: { messages: 100, perSecond: 200, workers: 2, producers: 1 },
  bites: [{ is: 'everyWorkerDone', atLeast: 1 }],
})

/** In processes of their own, on a store that is removed again. */
async function realProof(seed: number): Promise<Proof> {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-self-test-'))
  try {
    const { verdict } = await runExperiment({
      ...{ scenario: short, seed, load: {}, settings: {}, folder },
      subject: { backend: 'file', pattern: 'queue', profile: 'default', url: null },
      watcher: { event: () => {}, depth: () => {}, phase: () => {} },
      signal: new AbortController().signal,
    })
    return { what: 'processes on a file: store', expected: 'KEPT', seen: verdict.status }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function words(status: string, red: readonly string[]): string {
  return [status, ...red].join(' ')
}
