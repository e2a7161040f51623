import { median } from '../src/lab/statistics/median.ts'

/** One measured thing: every run of it, and the run in the middle. */
export interface Figure {
  /** `publish file:, 100 B, batches of 500` */
  readonly what: string
  /** `messages/s`, `ms`, `rows/s` */
  readonly unit: string
  /** In the order in which they were taken; at least 5 where affordable. */
  readonly runs: readonly number[]
  readonly median: number
  /** This figure divided by another one of the same run of the benchmark. */
  readonly ratioTo?: { readonly what: string; readonly ratio: number }
  /** Messages that went in and never came out. Anything but 0 makes the benchmark BROKEN. */
  readonly lost?: number
  /** Messages that came out more than once. Anything but 0 makes the benchmark BROKEN. */
  readonly duplicated?: number
}

export interface Measured {
  /** What decides the figures: sizes, counts, seed, processes. Written beside them. */
  readonly settings: Readonly<Record<string, string | number | boolean>>
  readonly figures: readonly Figure[]
  /** What was to be reached, and whether it was. */
  readonly targets?: readonly Target[]
  /** Points [x, y] of what changed in the course of the run. */
  readonly curves?: Readonly<Record<string, readonly (readonly number[])[]>>
}

/** A wish in figures of one run. A miss is told, and breaks nothing. */
export interface Target {
  /** `queue, consume, 100 B` */
  readonly what: string
  /** `≥ 0.5 × raw, batches` */
  readonly wanted: string
  /** `0.47 ×` */
  readonly got: string
  readonly isMet: boolean
}

export interface RunOptions {
  /** Those of its parts that are asked for; all of them unless the caller chose. */
  readonly parts: ReadonlySet<string>
  /** A run that only shows that everything works: its figures mean nothing. */
  readonly isQuick: boolean
}

/** A file `bench/<name>.bench.ts` exports one of these as `bench`. */
export interface Bench {
  /** The same as in the file's name. */
  readonly name: string
  /** One line: what is measured, beside what. */
  readonly about: string
  /** What can be measured alone: `npm run bench -- redis queue`. */
  readonly parts?: readonly string[]
  /** It has a quick run: `npm run bench -- redis --quick`. */
  readonly canBeQuick?: boolean
  /** `report` prints a line of progress. */
  run(report: (line: string) => void, options: RunOptions): Promise<Measured>
}

export interface FigureOptions {
  /** The figure that this one is compared with. */
  readonly against?: Figure
  readonly lost?: number
  readonly duplicated?: number
}

/** Makes a figure of its runs. @throws RangeError without runs, or with one that is no number. */
export function figure(
  what: string,
  unit: string,
  runs: readonly number[],
  { against, ...counts }: FigureOptions = {},
): Figure {
  if (runs.length === 0 || !runs.every(Number.isFinite)) {
    throw new RangeError(`figure "${what}": expected at least one number, got [${runs.join(', ')}]`)
  }
  const middle = median(runs)
  const own = { what, unit, runs, median: middle, ...counts }
  if (!against) return own
  return { ...own, ratioTo: { what: against.what, ratio: middle / against.median } }
}

/**
 * What two names begin with needs saying once: beside `queue, 100 B: ours`, `queue, 100 B: raw` is
 * `raw`.
 */
export function shortly(what: string, beside: string): string {
  const end = beside.indexOf(': ')
  const shared = end < 0 ? '' : beside.slice(0, end + 2)
  return what.startsWith(shared) ? what.slice(shared.length) : what
}

/** How many times `beside` the figure is to be. */
export function ratioTarget(
  one: Figure,
  bound: 'min' | 'max',
  times: number,
  beside: Figure,
): Target {
  const ratio = one.median / beside.median
  return {
    what: one.what,
    wanted: `${bound === 'min' ? '≥' : '≤'} ${times} × ${shortly(beside.what, one.what)}`,
    got: `${ratio.toFixed(2)} ×`,
    isMet: bound === 'min' ? ratio >= times : ratio <= times,
  }
}

/** The figure is to be `max` at most, of its own unit; `beside` is taken off before. */
export function mostTarget(one: Figure, max: number, beside?: Figure): Target {
  const value = one.median - (beside?.median ?? 0)
  return {
    what: one.what,
    wanted: `≤ ${max} ${one.unit}${beside ? ` more than ${shortly(beside.what, one.what)}` : ''}`,
    got: `${value.toFixed(2)} ${one.unit}`,
    isMet: value <= max,
  }
}

/** The value below which `share` (0 to 1) of the values lie; 0.99 is p99. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number
}

/**
 * Runs the sides of a comparison in turns, so that a slow spell of the machine meets all of them.
 * Returns the runs of each side under its name.
 */
export async function inTurns<S extends string>(
  runs: number,
  sides: Readonly<Record<S, (run: number) => Promise<number>>>,
): Promise<Record<S, number[]>> {
  const names = Object.keys(sides) as S[]
  const taken = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    S,
    number[]
  >
  for (let run = 0; run < runs; run++) {
    for (const name of names) taken[name].push(await sides[name](run))
  }
  return taken
}

/** `count` things in the time that `work` takes, as things per second. */
export async function ratePerSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (count / (performance.now() - startMs)) * 1_000
}
