import type { Read, StoredRecord } from '../wire/message.ts'
import type { PartitionLog } from './partitionLog.ts'

/** One message of a partition that is ours, from its arrival until all before it is settled too. */
export interface Entry {
  readonly log: PartitionLog
  readonly record: StoredRecord
  /** Where it is retried in its place, what it says grows. */
  read: Read
  /** Of the record: its data, its key and its headers. */
  readonly bytes: number
  /** When it came, or came back: on the clock of this process. */
  sinceMs: number
  /** waiting: nobody has it. out: a handler has it. settled: it is done. */
  state: 'waiting' | 'out' | 'settled'
}
