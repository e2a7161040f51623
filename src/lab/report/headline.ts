import type { Contract } from '../../core/contract.ts'
import { countOf, showCount, showMs } from './amounts.ts'
import type { Report, SpecReport } from './types.ts'

/** `redis-list@safe queue` */
export function subjectOf({ backend, profile, pattern }: SpecReport): string {
  return `${backend}${profile === 'default' ? '' : `@${profile}`} ${pattern}`
}

/** Which experiment, on what, by which promise, with how much, and the seed that repeats it. */
export function headline(report: Report): string {
  const { spec, seed } = report
  const { messages, perSecond, workers } = spec.load
  const readers = spec.pattern === 'broadcast' ? 'subscriber' : 'worker'
  const what = `${spec.scenario}  ${subjectOf(spec)}  ${promiseOf(report)}`
  const rate = `${showCount(messages)} at ${showCount(perSecond)}/s`
  return `${what}   ${rate}  ${countOf(workers, readers)}  seed ${seed}`
}

/** `at least once, survives worker crash`, and what was asked beyond that. */
export function promiseOf({ contract, expected }: Pick<Report, 'contract' | 'expected'>): string {
  const survived = survivedBy(contract)
  const promised = [
    deliveryWords(contract),
    ...(survived.length === 0 ? [] : [`survives ${survived.join(', ')}`]),
  ].join(', ')
  if (expected === null) return promised
  const isSameWord = contract.delivery === expected
  return `${promised}; asked, not promised: ${isSameWord ? 'no loss at all' : 'at least once'}`
}

export function deliveryWords({ delivery }: Pick<Contract, 'delivery'>): string {
  return delivery.replaceAll('-', ' ')
}

/** Of what is kept alone: what is not outlasts nothing. */
function survivedBy({ delivery, survives }: Contract): string[] {
  if (delivery === 'at-most-once') return []
  return Object.entries(survives).flatMap(([loss, answer]) => {
    const what = loss.replaceAll('-', ' ')
    if (answer === 'yes') return [what]
    return typeof answer === 'object' ? [`${what} but for ${showMs(answer.lossWindowMs)}`] : []
  })
}
