import { shortId } from './trailText.ts'
import type { Report } from './types.ts'

const onWords = /--on \S+( --pattern \S+)?/

/** One command that somebody can go on with who has read the verdict. */
export function whatNext(report: Report): string {
  const { spec, contract, expected, checks, runId, firsts } = report
  const isLost = checks.some(({ id, status }) => id === 'lost' && status === 'violated')
  const again = (on: string) => report.command.replace(onWords, `--on ${on}`)
  if (spec.profile === 'naive') return again(`${spec.backend}:${spec.pattern}`)
  if (expected !== null && contract.delivery === 'at-most-once') {
    // Pub/Sub itself keeps nothing.
    return again(spec.backend === 'redis-pubsub' ? 'redis-list' : `${spec.backend}:queue`)
  }
  const isByCrash = (report.groups ?? []).some(
    ({ account }) => account.lost.byCause['broker-crash'],
  )
  const hasSafe = spec.backend === 'redis-list' || spec.backend === 'redis-stream'
  if (expected !== null && isLost && isByCrash && hasSafe && spec.profile === 'default') {
    return again(`${spec.backend}@safe`)
  }
  const [first] = firsts
  if (first) return `narrowcast lab show ${runId} --message ${shortId(first.id)}`
  return report.command
}

/** The same with as many messages as its conditions seem to need; none where they saw nothing, or enough. */
export function withMore({ command, bites, spec }: Report): string[] {
  const unmet = bites.filter(({ atLeast, seen }) => seen > 0 && seen < atLeast)
  if (unmet.length === 0) return []
  const factor = Math.max(...unmet.map(({ atLeast, seen }) => atLeast / seen))
  const messages = Math.ceil((factor * 1.25 * spec.load.messages) / 1_000) * 1_000
  return [`${command.replace(/ --messages[ =]\S+/, '')} --messages ${messages}`]
}
