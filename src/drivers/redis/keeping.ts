import type { Contract } from '../../core/contract.ts'
import type { Settings } from './probe.ts'

/** Where a server has what it has answered for, and what that outlives. */
export interface Keeping {
  readonly in: 'memory' | 'page-cache' | 'disk'
  readonly survives: Readonly<
    Pick<Contract['survives'], 'broker-restart' | 'broker-crash' | 'power-loss'>
  >
}

/**
 * With `everysec` the server syncs once a second; while the disk is busy with that it holds its
 * writes back, for two seconds at most.
 */
const everysecLossMs = 2_000

/** What is not known is claimed as nothing: a setting that another one makes needless is not asked. */
export function keepingOf({ appendonly, appendfsync, save }: Settings): Keeping {
  if (appendonly === 'yes') return ofLog(appendfsync)
  const restart = appendonly === undefined || save === undefined ? 'unknown' : ofSnapshots(save)
  const other = appendonly === undefined ? 'unknown' : 'no'
  return {
    in: 'memory',
    survives: { 'broker-restart': restart, 'broker-crash': other, 'power-loss': other },
  }
}

function ofLog(appendfsync: string | undefined): Keeping {
  const restart = { 'broker-restart': 'yes' } as const
  switch (appendfsync) {
    case 'always':
      return {
        in: 'disk',
        survives: { ...restart, 'broker-crash': 'yes', 'power-loss': 'yes' },
      }
    case 'everysec': {
      const window = { lossWindowMs: everysecLossMs }
      return {
        in: 'page-cache',
        survives: { ...restart, 'broker-crash': window, 'power-loss': window },
      }
    }
    case 'no':
      return {
        in: 'page-cache',
        survives: { ...restart, 'broker-crash': 'yes', 'power-loss': 'no' },
      }
    default:
      return {
        in: 'page-cache',
        survives: { ...restart, 'broker-crash': 'unknown', 'power-loss': 'unknown' },
      }
  }
}

/** A server that is ended in order saves before it goes, where it has times for saving. */
const ofSnapshots = (save: string) => (save === '' ? 'no' : 'yes')
