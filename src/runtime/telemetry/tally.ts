import type { Settlement, SettleOutcome } from '../../core/message.ts'
import { Histogram } from './histogram.ts'

/** Totals of one subscription since it began: a reading that gets lost loses nothing. */
export class Tally {
  received = 0
  /** Of these, what an earlier owner had failed with or ended with. */
  redelivered = 0
  acked = 0
  retried = 0
  dead = 0
  late = 0
  /** From taking a message until it was settled. */
  readonly latency = new Histogram()

  settled(kind: Settlement['kind'], outcome: SettleOutcome, ms: number): void {
    if (kind === 'release') return // nothing came of it
    if (outcome === 'late') {
      this.late++
      return
    }
    if (kind === 'ack') this.acked++
    else if (kind === 'retry') this.retried++
    else this.dead++
    this.latency.record(ms)
  }
}
