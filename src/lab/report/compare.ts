import { type Cell, cellOf, columnName } from './cell.ts'
import { type Finding, findingsOf } from './findings.ts'
import { byStrength, type Guarantee, weakestOf } from './guarantee.ts'
import type { Report } from './types.ts'

/** Scenarios on several subjects: columns of different guarantees are never ranked together. */
export interface Comparison {
  /** By strength; in each as they were first run. */
  readonly guarantees: readonly (Guarantee & { readonly columns: readonly string[] })[]
  readonly rows: readonly {
    readonly scenario: string
    /** By column; null: not run. */
    readonly cells: Readonly<Record<string, Cell | null>>
  }[]
  /** Never of subjects that promise different things. */
  readonly findings: readonly Finding[]
  readonly seeds: readonly number[]
  readonly isInterleaved: boolean
}

export function compareOf(reports: readonly Report[]): Comparison {
  const byTime = reports.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt))
  const columns = Map.groupBy(byTime, ({ spec }) => columnName(spec))
  const names = [...columns.keys()]
  const of = new Map(
    [...columns].map(([name, all]) => [name, weakestOf(all.map(({ contract }) => contract))]),
  )
  const kinds = new Map([...of.values()].map((one) => [`${one.delivery} ${one.level}`, one]))
  const scenarios = Map.groupBy(byTime, ({ spec }) => spec.scenario)
  const guarantees = [...kinds.values()].sort(byStrength).map((kind) => ({
    ...kind,
    columns: names.filter((name) => isSame(of.get(name) as Guarantee, kind)),
  }))
  return {
    guarantees,
    findings: guarantees.flatMap(({ columns: own }) => findingsOf(byTime, own)),
    rows: [...scenarios].map(([scenario, all]) => {
      const runs = Map.groupBy(all, ({ spec }) => columnName(spec))
      const cells = names.map((name) => {
        const own = runs.get(name)
        return [name, own ? cellOf(own) : null] as const
      })
      return { scenario, cells: Object.fromEntries(cells) }
    }),
    seeds: [...new Set(reports.map(({ seed }) => seed))].sort((a, b) => a - b),
    isInterleaved: [...scenarios.values()].some(isInterleaved),
  }
}

function isSame(a: Guarantee, b: Guarantee): boolean {
  return a.delivery === b.delivery && a.level === b.level
}

/** By time, not all runs of one column stand together. */
function isInterleaved(byTime: readonly Report[]): boolean {
  const names = byTime.map(({ spec }) => columnName(spec))
  const turns = names.filter((name, at) => name !== names[at - 1]).length
  return turns > new Set(names).size
}
