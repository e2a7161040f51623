import type { RecordCursor } from '../checker/recordCursor.ts'
import {
  deadCauses,
  duplicateFlag,
  gapReasons,
  givenUpFlag,
  lateFlag,
  losses,
  missedUnknown,
  notTold,
  type RecordType,
  settlements,
  typeNames,
} from '../evidence/record.ts'
import { ledgerName } from '../evidence/sidecar.ts'
import { countOf, showClock, showCount } from './amounts.ts'
import type { Row } from './incidents.ts'

/** One record in words. `codes`: names of errors, as its ledger counts them. */
export function rowOf(
  record: RecordCursor,
  who: string,
  codes: readonly string[],
  zeroNs: bigint,
): Row {
  const type = typeNames[record.type] as RecordType // its run had a verdict: all types are known
  const chosen = type === 'routed' || type === 'rerouted' ? workerOf(record) : null
  return {
    atMs: record.timeNs / 1e6,
    who,
    what: type.toUpperCase(),
    detail: chosen === null ? detailOf(type, record, codes, zeroNs) : `to ${chosen}`,
    hand: type === 'recv' ? who : chosen,
  }
}

function workerOf({ actor, count }: RecordCursor): string {
  return ledgerName({ role: 'worker', actor, incarnation: count })
}

function detailOf(
  type: RecordType,
  record: RecordCursor,
  codes: readonly string[],
  zeroNs: bigint,
): string {
  const { flags, count } = record
  const position = positionOf(record)
  const stored = position === 0n ? [] : [`position ${position}`]
  switch (type) {
    case 'invoke':
      return `attempt ${count}, due ${showClock(Number(position - zeroNs) / 1e6)}`
    case 'ok': {
      const receivers = count === notTold ? [] : [countOf(count, 'receiver')]
      const known = (flags & duplicateFlag) === 0 ? [] : ['known already']
      return [...receivers, ...known, ...stored].join(', ')
    }
    case 'recv':
      return [`delivery ${count}`, ...stored].join(', ')
    case 'settled': {
      const settlement = settlements[flags & ~lateFlag] ?? ''
      return (flags & lateFlag) === 0 ? settlement : `${settlement}, late`
    }
    case 'dead':
      return `by ${deadCauses[flags] ?? 'nobody knows what'}, ${countOf(count, 'failure')}`
    case 'lost':
      return `no longer its own: ${losses[flags] ?? 'nobody knows why'}`
    case 'revoke':
      return `partition ${position}`
    case 'gap': {
      const missed = count === missedUnknown ? 'some' : showCount(count)
      return `${missed} missed: ${gapReasons[flags] ?? 'nobody knows why'}`
    }
    case 'throw': {
      const code = codes[flags & ~givenUpFlag] ?? ''
      return (flags & givenUpFlag) === 0 ? code : [code, 'gave up'].filter(Boolean).join(', ')
    }
    case 'fail':
    case 'info':
    case 'error':
      return codes[flags] ?? ''
    default:
      return ''
  }
}

function positionOf({ positionLow, positionHigh }: RecordCursor): bigint {
  return (BigInt(positionHigh) << 32n) | BigInt(positionLow)
}
