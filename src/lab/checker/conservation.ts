import type { LedgerFile } from '../evidence/evidence.ts'
import type { GroupAccount, RepeatAccount } from './accounting.ts'
import { sampleMax } from './identityOf.ts'
import { type Recount, recountOf } from './recount.ts'

/** A figure of the account, and the same by another way. */
type Equation = readonly [figure: string, is: number, other: string, otherIs: number]

/**
 * Whether messages were lost by the account itself: each line is a figure that a second count
 * straight from the ledgers, or the other figures, contradict. Empty: sound. Anything else is a
 * defect of the lab, and never a verdict about a broker.
 */
export function violationsOf(
  accounts: readonly GroupAccount[],
  ledgers: readonly LedgerFile[],
): string[] {
  return [
    ...groupViolations(accounts, ledgers),
    ...accounts.flatMap((account) =>
      [...ofLedgers(account, recountOf(ledgers, account.group)), ...ofItself(account)]
        .filter(([, is, , otherIs]) => is !== otherIs)
        .map(
          ([figure, is, other, otherIs]) =>
            `${nameOf(account.group)}: ${figure} is ${is}, but ${other}: ${otherIs}`,
        ),
    ),
  ]
}

function groupViolations(
  accounts: readonly GroupAccount[],
  ledgers: readonly LedgerFile[],
): string[] {
  const workers = ledgers.filter(
    ({ sidecar: { role } }) => role === 'worker' || role === 'drainReader',
  )
  const groups = new Set(workers.map(({ sidecar }) => sidecar.group))
  if (groups.size === 0) groups.add(null)
  const counted = accounts.map(({ group }) => group)
  return [...new Set([...groups, ...counted])].flatMap((group) => {
    const expected = groups.has(group) ? 1 : 0
    const found = counted.filter((one) => one === group).length
    return found === expected
      ? []
      : [`${nameOf(group)}: accounts of it: ${found}, by the ledgers: ${expected}`]
  })
}

function nameOf(group: string | null): string {
  return group === null ? 'no group' : `group "${group}"`
}

function ofLedgers(account: GroupAccount, recount: Recount): Equation[] {
  const { delivered, processed, redelivered, reprocessed, lost } = account
  const told = 'by the ledgers'
  return [
    ['attempted', account.attempted, told, recount.sent],
    ['acknowledged', account.acknowledged, told, recount.acknowledged],
    ['delivered', delivered, told, recount.received],
    ['processed', processed, told, recount.done],
    ['dead', account.dead, told, recount.dead],
    ['residual', account.residual, told, recount.left],
    ['stuck', account.stuck, told, recount.onlyLeft],
    ['unsettled', account.unsettled, told, recount.doneAndLeft],
    ['unexpected', account.unexpected, told, recount.unexpected],
    ['late', account.late, told, recount.late],
    ['effectNotOne', account.effectNotOne, told, recount.doneNotOnce],
    ['lost.total', lost.total, told, recount.gone],
    ['delivered + redelivered.total', delivered + redelivered.total, told, recount.receives],
    ['processed + reprocessed.total', processed + reprocessed.total, told, recount.effects],
  ]
}

function ofItself(account: GroupAccount): Equation[] {
  const { acknowledged, failed, indeterminate, lost, redelivered, reprocessed } = account
  const { total } = lost
  return [
    [
      'attempted',
      account.attempted,
      'acknowledged, failed and indeterminate make',
      acknowledged + failed + indeterminate,
    ],
    ['lost.total', total, 'broker and worker make', lost.broker + lost.worker],
    ['lost.total', total, 'reported and silent make', lost.reported + lost.silent],
    [
      'lost.total',
      total,
      'prefix, middle and postfix make',
      lost.prefix + lost.middle + lost.postfix,
    ],
    ['lost.total', total, 'all causes make', explained(lost)],
    ['lost.sample', lost.sample.length, 'of so many lost', Math.min(total, sampleMax)],
    ...([lost, redelivered, reprocessed] as const).map(
      ({ unexplained, unexplainedSample }): Equation => [
        'unexplainedSample',
        Math.min(1, unexplainedSample.length),
        'of any unexplained',
        Math.min(1, unexplained),
      ],
    ),
    ['redelivered.total', redelivered.total, 'all causes make', explained(redelivered)],
    ['reprocessed.total', reprocessed.total, 'all causes make', explained(reprocessed)],
  ]
}

function explained({ byCause, unexplained }: Pick<RepeatAccount, 'byCause' | 'unexplained'>) {
  return Object.values(byCause).reduce((sum, count) => sum + count, unexplained)
}
