import type { DepthSample, LedgerFile } from '../evidence/evidence.ts'
import { duplicateFlag, recordTypes } from '../evidence/record.ts'
import type { GroupAccount } from './accounting.ts'
import { eachRecord } from './recordCursor.ts'

const { invoke, ok, fail } = recordTypes

/**
 * What must be among all that it has ever stored. attempts: each that was told stored anew. ids: each
 * that was acknowledged; one that was published again may have been stored once, and not told so.
 * some: it went down in a way that lets it forget, its own counts too.
 */
type Stores = 'attempts' | 'ids' | 'some'

/**
 * Where the broker's last words about itself contradict the ledgers. What it does not tell is no
 * contradiction.
 */
export function disagreementsOf(
  accounts: readonly GroupAccount[],
  ledgers: readonly LedgerFile[],
  depth: readonly DepthSample[],
  stores: Stores,
): string[] {
  return accounts.flatMap(({ group, acknowledged, residual }) => {
    const last = depth.findLast((sample) => sample.group === group)
    if (!last) return []
    const attempts = attemptsIn(ledgers)
    const most = attempts.stored + attempts.unknown
    const least = { attempts: attempts.stored, ids: acknowledged, some: 0 }[stores]
    const { stored } = last
    const isStored =
      stored === 'unknown' || (stored <= most && (stored >= least || stores === 'some'))
    const left = sumOf([last.waiting, last.inFlight, last.scheduled])
    return [
      ...(isStored ? [] : [`it stored ${stored}, the ledgers say ${rangeOf(least, most)}`]),
      ...(left === 'unknown' || left === residual
        ? []
        : [`${left} are left in it, ${residual} could be looked at`]),
    ]
  })
}

/** Those that were told stored anew, and those of which nobody knows. */
function attemptsIn(ledgers: readonly LedgerFile[]): { stored: number; unknown: number } {
  let stored = 0
  let unknown = 0
  for (const { sidecar, bytes } of ledgers) {
    if (sidecar.role !== 'producer') continue
    eachRecord(bytes, 0n, ({ type, flags }) => {
      if (type === invoke) unknown++
      if (type === ok || type === fail) unknown--
      if (type === ok && (flags & duplicateFlag) === 0) stored++
    })
  }
  return { stored, unknown }
}

function sumOf(counts: readonly (number | 'unknown')[]): number | 'unknown' {
  let sum = 0
  for (const count of counts) {
    if (count === 'unknown') return count
    sum += count
  }
  return sum
}

function rangeOf(least: number, most: number): string {
  return least === most ? String(least) : `${least} to ${most}`
}
