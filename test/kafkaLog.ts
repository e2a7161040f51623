import type { Entry } from '../src/drivers/kafka/reading/entry.ts'
import { PartitionLog } from '../src/drivers/kafka/reading/partitionLog.ts'
import type { Read } from '../src/drivers/kafka/wire/message.ts'

const past = { failures: 0, crashes: 0, redrives: 0, history: null, dueMs: null }

export function entry(log: PartitionLog, offset: number): Entry {
  const record = {
    topic: 't',
    partition: 0,
    offset,
    timestampMs: 0,
    key: null,
    value: null,
    headers: [],
  }
  const read = { past, position: `0-${offset}` } as unknown as Read
  return { log, record, read, bytes: 1, sinceMs: 0, state: 'waiting' }
}

/** A partition that holds these. `note`: what the group has noted of it. */
export function filled(
  offsets: readonly number[],
  from = offsets[0] ?? 0,
  note = '',
): PartitionLog {
  const log = new PartitionLog({ topic: 't', partition: 0 }, from, note)
  for (const offset of offsets) log.add(entry(log, offset), false)
  log.nextOffset = (offsets.at(-1) ?? from - 1) + 1
  return log
}
