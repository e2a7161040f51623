import { messageTrails, type TrailSource } from './messageTrail.ts'
import { oddMessages } from './oddMessages.ts'
import { readHistory } from './readHistory.ts'

/**
 * `history.ndjson`: a first line that says how many messages were not plainly fine, then one line
 * for each of the first 10,000 of them, with all its records.
 */
export function historyOf(source: TrailSource, shownMax = 10_000): string {
  const { evidence, isBroadcast } = source
  const { history } = readHistory(evidence, isBroadcast)
  const { total, first } = oddMessages(history, isBroadcast, null, shownMax)
  const head = { v: 1, type: 'lab.history', messages: total, shown: first.length }
  const lines = messageTrails(source, first).map((trail) => ({
    v: 1,
    type: 'lab.message',
    ...trail,
  }))
  return [head, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('')
}
