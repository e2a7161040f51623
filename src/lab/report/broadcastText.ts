import { countedText } from '../checker/becauseText.ts'
import type { BroadcastAccount, SubscriberAccount } from '../checker/broadcastAccounting.ts'
import { showCount } from './amounts.ts'
import { fact } from './groupText.ts'
import { showPercentiles } from './latencyText.ts'
import type { Report } from './types.ts'

/** What became of a broadcast, for all and for each subscriber. */
export function broadcastLines(account: BroadcastAccount, report: Report): string[] {
  const { unheard, subscribers } = account
  const unexpected = subscribers.reduce((sum, one) => sum + one.unexpected, 0)
  const published = [
    `acknowledged ${showCount(account.acknowledged)} of ${showCount(account.attempted)}`,
    `unknown ${showCount(account.indeterminate)}`,
    `failed ${showCount(account.failed)}`,
  ].join('   ')
  const told =
    unheard.total === 0
      ? ''
      : ` (${showCount(unheard.reported)} reported, ${showCount(unheard.silent)} silent)`
  return [
    `  ${published}      unheard ${showCount(unheard.total)}${told}   unexpected ${showCount(unexpected)}`,
    ...subscribers.map(subscriberLine),
    ...(report.instrument.isSaturated
      ? []
      : [fact('publish', showPercentiles(report.latency.response, report))]),
  ]
}

function subscriberLine(one: SubscriberAccount): string {
  const { subscriber, owed, edge, delivered, missed, extra } = one
  const why = (total: number, causes: string) => `${showCount(total)}${causes && ` (${causes})`}`
  const parts = [
    `owed ${showCount(owed)}`,
    `edge ${showCount(edge)}`,
    `delivered ${showCount(delivered)}`,
    `MISSED ${why(missed.total, countedText(missed.byCause, missed.unexplained))}`,
    `extra ${why(extra.total, countedText(extra.byCause, extra.unexplained))}`,
  ]
  return fact(`worker ${subscriber}`, parts.join('   '))
}
