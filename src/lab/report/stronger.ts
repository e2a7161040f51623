import type { GroupAccount } from '../checker/accounting.ts'
import type { Order } from '../checker/order.ts'
import type { FaultKind } from '../plan.ts'
import type { JudgedFault } from '../run/result.ts'
import type { Cause } from '../terms.ts'
import type { RunTerms } from '../termsOf.ts'

/** What a fault may cost where a contract allows it. */
const costs: Readonly<Partial<Record<FaultKind, Cause>>> = {
  kill: 'worker-killed',
  stop: 'worker-stopped',
  network: 'network',
  'broker-stop': 'broker-stop',
  'broker-crash': 'broker-crash',
  'broker-freeze': 'network',
}

interface Seen {
  readonly account: GroupAccount
  readonly order: Order
}

/** What a run kept although nobody promises it. Only of what it put to the test. */
export function strongerThan(
  { terms, order }: RunTerms,
  groups: readonly Seen[],
  faults: readonly JudgedFault[],
): string[] {
  const hits = faults.filter(({ hit }) => hit)
  const could = (legal: readonly Cause[]) =>
    hits.some(({ kind }) => legal.includes(costs[kind] as Cause))
  const all = (holds: (seen: Seen) => boolean) => groups.length > 0 && groups.every(holds)
  const facts: string[] = []
  if (could(terms.mayLose) && all(({ account }) => account.lost.total === 0)) {
    facts.push('nothing was lost')
  }
  if (could(terms.mayRepeat) && all(({ account }) => account.redelivered.total === 0)) {
    facts.push('nothing was delivered twice')
  } else if (could(terms.mayRepeat) && all(({ account }) => account.reprocessed.total === 0)) {
    facts.push('nothing was done twice')
  }
  const isOrdered = ({ account, order: seen }: Seen) =>
    account.processed > 1 && account.lost.total === 0 && seen.overall.reordered === 0
  if (order === 'none' && all(isOrdered)) facts.push('each key was done in order')
  return facts
}
