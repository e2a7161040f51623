import type { ChildInfo } from '../children/children.ts'
import type { WorkEvent } from './job.ts'

/** Handler times that a percentile is taken from: the latest. */
const samplesMax = 1_000

/** The numbers of one worker. */
export interface WorkerTally {
  info: ChildInfo
  state: 'starting' | 'busy' | 'idle' | 'drained' | 'dead'
  acked: number
  retried: number
  dead: number
  late: number
  released: number
  now: readonly { readonly id: string; readonly forMs: number }[]
  readonly tookMs: number[]
  /** Acked a second ago, for the rate. */
  ackedBefore: number
  rate: number
}

export interface Drained {
  settled: number
  released: number
  abandoned: number
  unbegun: number
}

/** Adds up what worker processes tell. */
export class Tally {
  readonly workers = new Map<string, WorkerTally>()
  readonly drained: Drained = { settled: 0, released: 0, abandoned: 0, unbegun: 0 }
  /** As far as anybody knows. */
  missed = 0
  isMissedUnknown = false

  started(info: ChildInfo): void {
    const before = this.workers.get(info.name)
    if (before) {
      before.info = info
      before.state = 'starting'
      return
    }
    this.workers.set(info.name, {
      info,
      state: 'starting',
      acked: 0,
      retried: 0,
      dead: 0,
      late: 0,
      released: 0,
      now: [],
      tookMs: [],
      ackedBefore: 0,
      rate: 0,
    })
  }

  died({ name }: ChildInfo): void {
    const worker = this.workers.get(name)
    if (!worker) return
    worker.state = 'dead'
    worker.now = []
  }

  take({ name }: ChildInfo, event: WorkEvent): void {
    const worker = this.workers.get(name)
    if (!worker) return
    if (event.kind === 'ready') worker.state = 'idle'
    else if (event.kind === 'drained') {
      worker.state = 'drained'
      worker.now = []
      this.drained.settled += event.settled
      this.drained.released += event.released
      this.drained.abandoned += event.abandoned
      this.drained.unbegun += event.unbegun
    } else if (event.kind === 'tick') {
      worker.now = event.now
      worker.state = event.now.length > 0 ? 'busy' : 'idle'
      for (const { missed } of event.gaps) {
        if (missed === 'unknown') this.isMissedUnknown = true
        else this.missed += missed
      }
      for (const one of event.settled) {
        if (one.outcome === 'late') worker.late++
        else if (one.kind === 'ack') worker.acked++
        else if (one.kind === 'retry') worker.retried++
        else if (one.kind === 'dead') worker.dead++
        else worker.released++
        if (one.kind !== 'release') worker.tookMs.push(one.tookMs)
      }
      worker.tookMs.splice(0, worker.tookMs.length - samplesMax)
    }
  }

  /** Called once a second. */
  measure(passedMs: number): void {
    for (const worker of this.workers.values()) {
      worker.rate = ((worker.acked - worker.ackedBefore) / passedMs) * 1_000
      worker.ackedBefore = worker.acked
    }
  }

  sum(of: (worker: WorkerTally) => number): number {
    return [...this.workers.values()].reduce((total, worker) => total + of(worker), 0)
  }

  get inHand(): number {
    return this.sum(({ now }) => now.length)
  }

  /** Times of all workers, sorted. */
  get times(): number[] {
    return [...this.workers.values()].flatMap(({ tookMs }) => tookMs).sort((a, b) => a - b)
  }
}

/** The value below which `share` of the sorted values lie; null without values. */
export function percentile(sorted: readonly number[], share: number): number | null {
  if (sorted.length === 0) return null
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number
}
