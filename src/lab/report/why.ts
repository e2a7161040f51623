import type { ByCause } from '../checker/accounting.ts'
import type { Cause } from '../terms.ts'
import { showCount } from './amounts.ts'
import type { Report, ReportedCheck } from './types.ts'

/** What each cause means to who has never read about it. */
const causeWords: Readonly<Record<Cause, string>> = {
  'worker-killed': 'in the hands of workers that were killed, or on the way there',
  'worker-stopped': 'in the hands of workers that stood still, or on the way there',
  'no-worker': 'published while no worker was there',
  overflow: 'dropped, and told of, by workers that could not keep up',
  'cut-off': 'published while the broker had dropped the connection of their reader',
  network: 'published while the network of their reader was down',
  'broker-stop': 'in the broker when it was stopped',
  'broker-crash': 'in the broker when it crashed',
  'relay-killed': 'inside a relay that was killed',
  retention: 'expired by a limit that was set',
  retry: 'back after a failed try',
  released: 'given back unhandled',
  rebalance: 'back when partitions moved',
  'lease-expired': 'back when their lease was over',
  'handler-failed': 'failed in their handler, and not kept for another try',
  'producer-retry': 'published again',
}

const checkWords: Readonly<Record<string, string>> = {
  told: 'Of these losses nobody was told.',
  'stored-twice': 'The broker stored an id again that it should have known.',
  phantom: 'What the broker had refused was in it all the same.',
  unexpected: 'A handler was given what nobody had sent, or what had changed on the way.',
  left: 'The broker still held messages whose acknowledgement it had confirmed.',
  stuck: 'The broker still held messages when it had long had the time to hand them out.',
  dead: 'Messages were dead before their tries or owners were used up.',
  late: 'A settlement was refused although its worker still had the lease.',
  fenced: 'The broker confirmed the acknowledgements of two owners of one message.',
  retried: 'Messages were tried more often than they may be.',
  place: 'One place in the broker held two messages.',
  deaf: 'Messages waited although workers were free to take them.',
  order: 'A later message of a key was done before an earlier one.',
  'one-of-a-key': 'Two messages of one key were in hand at the same time.',
  unheard: 'Nobody was subscribed when they were published, and a broadcast keeps nothing.',
}

/** One sentence for each violated check: the causes that were not allowed, or that there was none. */
export function whyBroken(report: Report): string[] {
  const violated = report.checks.filter(({ status }) => status === 'violated')
  return [...new Set(violated.map((check) => sentenceOf(check, report)))]
}

function sentenceOf(check: ReportedCheck, report: Report): string {
  const told = checkWords[check.id]
  if (told !== undefined) return told
  const { terms } = report.terms
  const { byCause, unexplained, isLoss } = countsOf(check, report)
  const isStrict = report.expected !== null
  const legal = isLoss
    ? terms.mayLose.filter((one) => !isStrict || one === 'retention')
    : terms.mayRepeat
  const illegal = (Object.entries(byCause) as [Cause, number][])
    .filter(([cause]) => !legal.includes(cause))
    .toSorted(([, a], [, b]) => b - a)
    .map(([cause, count]) => `${showCount(count)} ${causeWords[cause]}`)
  const rest =
    unexplained === 0
      ? []
      : [
          `nothing that happened explains ${showCount(unexplained)} of the ${isLoss ? 'losses' : 'repeats'}`,
        ]
  const said = [...illegal, ...rest]
  // A check that nobody has found more words for.
  if (said.length === 0) return `It is promised that ${check.promise}.`
  return `${capital(said.join('; '))}.`
}

interface Counts {
  readonly byCause: ByCause
  readonly unexplained: number
  readonly isLoss: boolean
}

function countsOf({ id, group }: ReportedCheck, { groups, broadcast }: Report): Counts {
  const account = groups?.find((one) => one.account.group === group)?.account
  if (id === 'lost' && account) return { ...account.lost, isLoss: true }
  if (id === 'redelivered' && account) return { ...account.redelivered, isLoss: false }
  if (id === 'reprocessed' && account) return { ...account.reprocessed, isLoss: false }
  const [, what, number] = /^(missed|extra)-(\d+)$/.exec(id) ?? []
  const one = broadcast?.subscribers.find(({ subscriber }) => subscriber === Number(number))
  if (!one) return { byCause: {}, unexplained: 0, isLoss: false }
  return what === 'missed' ? { ...one.missed, isLoss: true } : { ...one.extra, isLoss: false }
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
