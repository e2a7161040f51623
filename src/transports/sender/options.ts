import { type Clock, systemClock } from '../../core/clock.ts'
import { writeStderrLine } from './notices.ts'
import type { RecordMessage } from '../record.ts'
import type { ChannelFor } from './sendBatch.ts'
import type { DropReason } from './accounts.ts'
import type { Spool } from './spool.ts'

export interface SenderOptions {
  readonly channelFor: ChannelFor
  readonly clock?: Clock
  /** Waits between two tries; one that does not keep the process alive. @default `clock` */
  readonly pauseClock?: Clock
  /** Records in memory, those on their way included. @default 50_000 */
  readonly recordsMax?: number
  /** @default 8 MiB */
  readonly bytesMax?: number
  /** Who goes when the memory is full. Kept records are spilled. @default 'dropOldest' */
  readonly whenFull?: 'dropOldest' | 'dropNewest'
  /** For kept records. Without one they are dropped like others, loudly. */
  readonly spool?: Spool | null
  /** Where the sender tells of trouble, one line each. @default stderr */
  readonly notice?: (line: string) => void
  /** Told of every record that is lost. */
  readonly onDropped?: (record: RecordMessage, reason: DropReason) => void
  /** Channel that gets a record `transport.dropped` after a loss, once it works again. */
  readonly reportTo?: string | null
  readonly random?: () => number
}

/** The same with nothing left open. */
export function wholeOptions(options: SenderOptions): Required<SenderOptions> {
  const { clock = systemClock } = options
  return {
    clock,
    pauseClock: clock,
    recordsMax: 50_000,
    bytesMax: 8_388_608,
    whenFull: 'dropOldest',
    spool: null,
    notice: writeStderrLine,
    onDropped: () => {},
    reportTo: null,
    random: Math.random,
    ...options,
  }
}
