import { type Figure, figure } from '../harness.ts'
import type { Rig } from './rig.ts'
import type { Drained } from './tally.ts'
import type { Task } from './way.ts'

/** One way in a comparison. The names tell its figures apart; without one there is no figure. */
export interface Contender
  extends Omit<
    Task,
    | 'url'
    | 'channel'
    | 'group'
    | 'bodyBytes'
    | 'isTuned'
    | 'concurrency'
    | 'isBatch'
    | 'window'
    | 'joinsFirst'
  > {
  /** Each of them is given all messages; the first one is timed. */
  readonly groups?: readonly string[]
  readonly isTuned?: boolean
  readonly concurrency?: number
  readonly isBatch?: boolean
  readonly window?: number
  readonly joinsFirst?: boolean
  readonly publish?: string
  readonly consume?: string
  readonly both?: string
}

const stages = ['publish', 'consume', 'both'] as const
type Stage = (typeof stages)[number]
const words: Readonly<Record<Stage, string>> = {
  publish: 'publish',
  consume: 'consume and settle',
  both: 'end to end',
}

interface Flow {
  readonly perSecond: number
  readonly lost: number
  readonly duplicated: number
}

type Flows = Partial<Record<Stage, Flow>>

interface Span {
  readonly startMs: number
  readonly endMs: number
}

function rate({ startMs, endMs }: Span, messages: number): number {
  return (messages / (endMs - startMs)) * 1_000
}

/** Publishes alone and consumes that alone, then both at once, as far as it has names for that. */
async function run(rig: Rig, one: Contender, bodyBytes: number, divisor: number): Promise<Flows> {
  const messages = Math.ceil(one.messages / divisor)
  const { groups = ['bench'] } = one
  const defaults = {
    group: groups[0] as string,
    concurrency: 1,
    isBatch: false,
    window: 0,
    joinsFirst: false,
    isTuned: true,
    url: rig.url,
    bodyBytes,
  }
  const task = async () => ({ ...defaults, ...one, messages, channel: await rig.channel() })
  const flows: Flows = {}
  if (one.publish || one.consume) {
    const apart = await task()
    const published = await rig.crew.publish(apart)
    const drained: Drained[] = []
    for (const group of groups) drained.push(await rig.crew.drain({ ...apart, group }))
    const lost = drained.reduce((sum, one) => sum + one.lost, 0)
    const duplicated = drained.reduce((sum, one) => sum + one.duplicated, 0)
    flows.publish = { perSecond: rate(published, messages), lost, duplicated }
    flows.consume = { perSecond: rate(drained[0] as Drained, messages), lost, duplicated }
  }
  if (one.both) {
    const { lost, duplicated, ...span } = await rig.crew.both(await task())
    flows.both = { perSecond: rate(span, messages), lost, duplicated }
  }
  return flows
}

/** The first one begins in the first round, the second one in the second. */
function rotated<T>(all: readonly T[], by: number): readonly T[] {
  const at = by % all.length
  return [...all.slice(at), ...all.slice(0, at)]
}

/**
 * Runs all contenders in turns, once before it counts, and gives a figure for each stage that has
 * a name, beside the first contender's.
 */
export async function compare(
  rig: Rig,
  prefix: string,
  bodyBytes: number,
  contenders: readonly Contender[],
): Promise<Figure[]> {
  const { divisor, rounds } = rig.sizes
  const taken = new Map<Contender, Flows[]>(contenders.map((one) => [one, []]))
  const size = bodyBytes < 1_000 ? `${bodyBytes} B` : `${bodyBytes / 1_000} KB`
  for (const one of contenders) await run(rig, one, bodyBytes, divisor * 4)
  for (let round = 0; round < rounds; round++) {
    for (const one of rotated(contenders, round)) {
      taken.get(one)?.push(await run(rig, one, bodyBytes, divisor))
    }
    rig.report(`${prefix}, ${size}: round ${round + 1} of ${rounds}`)
  }
  return stages.flatMap((stage) => {
    const figures: Figure[] = []
    for (const [one, flows] of taken) {
      if (!one[stage]) continue
      const what = `${prefix}, ${size}, ${words[stage]}: ${one[stage]}`
      figures.push(figureOf(what, flows, stage, figures[0]))
    }
    return figures
  })
}

function figureOf(what: string, flows: readonly Flows[], stage: Stage, against?: Figure): Figure {
  const of = flows.map((one) => one[stage] as Flow)
  const sum = (count: (one: Flow) => number) => of.reduce((total, one) => total + count(one), 0)
  return figure(
    what,
    'messages/s',
    of.map(({ perSecond }) => perSecond),
    {
      ...(against ? { against } : {}),
      lost: sum(({ lost }) => lost),
      duplicated: sum(({ duplicated }) => duplicated),
    },
  )
}
