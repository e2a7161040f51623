import { type Cell, cellOf, columnName } from './cell.ts'
import { type Guarantee, weakestOf } from './guarantee.ts'
import type { Report } from './types.ts'

/** A cell without a report, and why. */
export interface Unrun {
  readonly scenario: string
  /** As `columnName` has it: `redis-pubsub narrowcast`. */
  readonly subject: string
  readonly status: 'NOT OFFERED' | 'NOT RUN' | 'LAB ERROR'
  readonly reason: string
}

export type SuiteCell = Cell | Unrun | null

/** Scenarios on all subjects: promised against measured. */
export interface Suite {
  readonly subjects: readonly {
    readonly name: string
    /** Null where no run has found its contract. */
    readonly promised: Guarantee | null
  }[]
  /** Cells by subject; null: neither run nor refused. */
  readonly rows: readonly { readonly scenario: string; readonly cells: readonly SuiteCell[] }[]
  /** One for each run that there was. */
  readonly reports: readonly Report[]
}

/** Rows and columns in the order in which they were first met. */
export function suiteOf(reports: readonly Report[], unrun: readonly Unrun[]): Suite {
  const places = [
    ...reports.map(({ spec }) => ({ scenario: spec.scenario, subject: columnName(spec) })),
    ...unrun,
  ]
  const subjects = [...new Set(places.map(({ subject }) => subject))]
  const scenarios = [...new Set(places.map(({ scenario }) => scenario))]
  const ofSubject = (subject: string) => reports.filter(({ spec }) => columnName(spec) === subject)
  const cellAt = (scenario: string, subject: string): SuiteCell => {
    const own = ofSubject(subject).filter(({ spec }) => spec.scenario === scenario)
    if (own.length > 0) return cellOf(own)
    return unrun.find((one) => one.scenario === scenario && one.subject === subject) ?? null
  }
  return {
    subjects: subjects.map((name) => {
      const contracts = ofSubject(name).map(({ contract }) => contract)
      return { name, promised: contracts.length === 0 ? null : weakestOf(contracts) }
    }),
    rows: scenarios.map((scenario) => ({
      scenario,
      cells: subjects.map((subject) => cellAt(scenario, subject)),
    })),
    reports,
  }
}

/** A line for each cell that is not simply kept. */
export function reasonsOf({
  rows,
  subjects,
}: Suite): { where: string; status: string; why: string }[] {
  return rows.flatMap(({ scenario, cells }) =>
    cells.flatMap((cell, at) => {
      if (cell === null || cell.status === 'KEPT') return []
      const where = `${scenario} on ${subjects[at]?.name}`
      const why = 'reason' in cell ? cell.reason : cell.reasons.join('; ')
      return [{ where, status: cell.status, why }]
    }),
  )
}
