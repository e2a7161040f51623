import { asNarrowcastError } from '../../core/errors.ts'
import { columnName } from '../../lab/report/cell.ts'
import type { TwinRun } from '../../lab/report/compareTwin.ts'
import type { Unrun } from '../../lab/report/suite.ts'
import type { Report } from '../../lab/report/types.ts'
import type { Invocation } from '../invocation.ts'
import type { Ceiling } from './ceiling.ts'
import { exitOf, worst } from './reportAnswer.ts'
import { type RunWish, runOne } from './runOne.ts'
import { runTwinOnce } from './runTwinOnce.ts'

/** What one of many experiments came to: one of the three. */
export type Outcome = { readonly wish: RunWish } & (
  | { readonly report: Report; readonly missing: null; readonly twin: null }
  | { readonly report: null; readonly missing: Unrun; readonly twin: null }
  | { readonly report: null; readonly missing: null; readonly twin: TwinRun }
)

/** Runs all of them, whatever becomes of one; fewer where it is interrupted. */
export async function runAll(
  invocation: Invocation,
  wishes: readonly RunWish[],
  ceiling: Ceiling,
): Promise<Outcome[]> {
  const { output, interrupts } = invocation
  const signal = interrupts.claim()
  const outcomes: Outcome[] = []
  for (const [at, wish] of wishes.entries()) {
    if (signal.aborted) break
    const what = `${wish.scenario.name} on ${nameOf(wish)}`
    output.note(`${at + 1} of ${wishes.length}: ${what}`)
    const outcome = await outcomeOf(invocation, { ...wish, isOneOfMany: true }, ceiling, signal)
    outcomes.push(outcome)
    output.note(`  ${whatCame(outcome)}`)
  }
  return outcomes
}

function nameOf({ subject, isTwin }: RunWish): string {
  return `${columnName(subject)}${isTwin ? ', raw client' : ''}`
}

function whatCame({ report, missing }: Outcome): string {
  if (missing !== null) return `${missing.status}: ${missing.reason}`
  return report === null ? 'not judged' : report.verdict.status
}

async function outcomeOf(
  invocation: Invocation,
  wish: RunWish,
  ceiling: Ceiling,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    if (wish.isTwin) {
      const figures = await runTwinOnce(invocation, wish, signal)
      const where = { scenario: wish.scenario.name, subject: columnName(wish.subject) }
      return { wish, report: null, missing: null, twin: { ...where, figures } }
    }
    const { report } = await runOne(invocation, wish, ceiling, signal)
    return { wish, report, missing: null, twin: null }
  } catch (thrown) {
    const { code, message } = asNarrowcastError(thrown)
    const statuses = { UNSUPPORTED: 'NOT OFFERED', UNAVAILABLE: 'NOT RUN' } as const
    const status = statuses[code as keyof typeof statuses] ?? 'LAB ERROR'
    const where = { scenario: wish.scenario.name, subject: nameOf(wish) }
    const reason = message.replace(/^lab: (.* (cannot be run|is not offered): )?/, '')
    return { wish, report: null, missing: { ...where, status, reason }, twin: null }
  }
}

/** Each once, however often it was tried. */
export function unrunOf(outcomes: readonly Outcome[]): Unrun[] {
  const all = outcomes.flatMap(({ missing }) => missing ?? [])
  return [...new Map(all.map((one) => [`${one.scenario} ${one.subject}`, one])).values()]
}

/** `strict`: what could not be run here is not known to be kept. */
export function exitOfAll(outcomes: readonly Outcome[], strict: boolean): number {
  const exits = { 'NOT OFFERED': 0, 'NOT RUN': strict ? 9 : 0, 'LAB ERROR': 1 } as const
  return worst(
    outcomes.map(({ report, missing }) => {
      if (missing !== null) return exits[missing.status]
      return report === null ? 0 : exitOf(report)
    }),
  )
}
