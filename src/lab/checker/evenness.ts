import { chiSquareTail } from '../chiSquare.ts'
import { firstNotBelow } from './firstNotBelow.ts'
import type { GroupHistory, History, TimedEvent } from './history.ts'
import { lastNs } from './lastNs.ts'

/** A stretch in which the same workers were live, and what each of them did. */
export interface Epoch extends Evenness {
  readonly fromNs: number
  readonly toNs: number
  /** Numbers of the workers, whichever start of them. */
  readonly workers: readonly number[]
  /** First DONEs, by worker. */
  readonly counts: readonly number[]
}

export interface Evenness {
  /** Jain's index: 1 where all did the same, 1 / workers where one did everything. */
  readonly jain: number
  /** Standard deviation by mean. By chance alone it is about √((workers − 1) / messages). */
  readonly cv: number
  readonly maxOverMean: number
  /** How likely fair chance alone is to be this uneven. */
  readonly chi2P: number
  /** More than chance gives, and enough to matter: chi2P < 0.001 and maxOverMean > 1.10. */
  readonly isUneven: boolean
  /** Too few to say anything: less than 100 for each worker. */
  readonly isSkipped: boolean
}

type Workers = Pick<Epoch, 'fromNs' | 'toNs' | 'workers'>

/**
 * A worker is live from SUBSCRIBED until it is killed, stopped, told to leave or gone, and again
 * when it is continued. While that changes is no part of any epoch, nor is a time without workers.
 */
export function evennessOf(
  { ledgers, events }: Pick<History, 'ledgers' | 'events'>,
  { group, firstDoneNs, firstDoneBy }: Pick<GroupHistory, 'group' | 'firstDoneNs' | 'firstDoneBy'>,
): Epoch[] {
  const ofGroup = ledgers.map((ledger) => ledger.role === 'worker' && ledger.group === group)
  const members = new Set(ledgers.filter((_, at) => ofGroup[at]).map(({ actor }) => actor))
  const epochs = stretches(
    events.filter(({ actor }) => actor?.role === 'worker' && members.has(actor.actor)),
    lastNs(firstDoneNs),
  )
  const ends = epochs.map(({ toNs }) => toNs)
  const byActor = epochs.map(() => new Map<number, number>())
  firstDoneNs.forEach((ns, message) => {
    const ledger = firstDoneBy[message] as number
    if (Number.isNaN(ns) || !ofGroup[ledger]) return
    const at = firstNotBelow(ends, ns)
    const counts = byActor[at]
    if (!counts || ns < (epochs[at]?.fromNs as number)) return
    const actor = ledgers[ledger]?.actor as number
    counts.set(actor, (counts.get(actor) ?? 0) + 1)
  })
  return epochs.map((epoch, at) => {
    const counts = epoch.workers.map((actor) => byActor[at]?.get(actor) ?? 0)
    return { ...epoch, counts, ...evennessOfCounts(counts) }
  })
}

/** Of what each of one worker or more did. */
export function evennessOfCounts(counts: readonly number[]): Evenness {
  const workers = counts.length
  const total = counts.reduce((sum, count) => sum + count, 0)
  const isSkipped = total < 100 * workers
  // Of nothing all have done the same.
  if (total === 0) {
    return { jain: 1, cv: 0, maxOverMean: 1, chi2P: 1, isUneven: false, isSkipped }
  }
  const mean = total / workers
  const squares = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0)
  const maxOverMean = Math.max(...counts) / mean
  const chi2P = chiSquareTail(squares / mean, workers - 1)
  return {
    jain: total ** 2 / (workers * counts.reduce((sum, count) => sum + count ** 2, 0)),
    cv: Math.sqrt(squares / workers) / mean,
    maxOverMean,
    chi2P,
    isUneven: !isSkipped && chi2P < 0.001 && maxOverMean > 1.1,
    isSkipped,
  }
}

function stretches(events: readonly TimedEvent[], endNs: number): Workers[] {
  const found: Workers[] = []
  const subscribed = new Map<number, number>()
  const stopped = new Map<number, number>()
  let workers: readonly number[] = []
  let fromNs = 0
  const end = (toNs: number) => {
    if (workers.length > 0 && fromNs < toNs) found.push({ fromNs, toNs, workers })
  }
  for (const event of events) {
    if (event.actor) note(event.event, event.actor.actor, event.actor.incarnation)
    const live = [...subscribed].filter(([actor, start]) => stopped.get(actor) !== start)
    const next = live.map(([actor]) => actor).sort((a, b) => a - b)
    if (next.join() === workers.join()) continue
    end(event.fromNs)
    workers = next
    fromNs = Math.max(fromNs, event.toNs)
  }
  end(Math.max(fromNs, endNs))
  return found

  function note(name: TimedEvent['event'], actor: number, incarnation: number): void {
    if (name === 'SUBSCRIBED') subscribed.set(actor, incarnation)
    else if (name === 'STOP' || name === 'BLOCK') stopped.set(actor, incarnation)
    else if (name === 'CONT' || name === 'UNBLOCK') stopped.delete(actor)
    else if (name === 'KILL' || name === 'EXIT' || name === 'LEAVE') {
      // The end of a start that another has followed already changes nothing.
      if (subscribed.get(actor) === incarnation) subscribed.delete(actor)
    }
  }
}
