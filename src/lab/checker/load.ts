import type { Evidence, LabEvent, LedgerFile } from '../evidence/evidence.ts'
import { recordBytes } from '../evidence/record.ts'
import { GroupReading } from './groupReading.ts'
import type { History, TimedEvent } from './history.ts'
import { Origins } from './origins.ts'
import { PublishReading } from './publishReading.ts'
import { eachRecord, type RecordCursor } from './recordCursor.ts'
import { soundRecords } from './soundRecords.ts'

export interface Loaded {
  readonly history: History
  readonly origins: Origins
}

/**
 * Lays the ledgers out by message.
 * @throws INTERNAL when they contradict themselves: a record that another has written, or of no
 * known type, a time that goes back, an outcome of what was never attempted. No verdict can rest
 * on such.
 */
export function loadHistory({ ledgers, events }: Evidence): Loaded {
  const origins = new Origins(ledgers)
  const baseNs = firstTime(ledgers, events)
  const published = new PublishReading(origins, baseNs)
  for (const ledger of ledgers) {
    const { role } = ledger.sidecar
    if (role === 'producer') read(ledger, baseNs, (record) => published.ofProducer(record))
    if (role === 'relay') read(ledger, baseNs, (record) => published.ofRelay(record))
  }
  const history: History = {
    ...published.finish(),
    baseNs,
    messages: origins.messages,
    origins: origins.all,
    groups: groupsOf(ledgers).map((group, at, { length }) => {
      // What producers were told belongs to each group; the last one needs no copy of it.
      const { attempts, storedAt } = published
      const own = at === length - 1 ? storedAt : storedAt.copy()
      const reading = new GroupReading(group, origins, attempts, own)
      readGroup(group, ledgers, reading, baseNs)
      return reading.finish()
    }),
    ledgers: ledgers.map(({ sidecar }) => sidecar),
    events: events.map((event) => timed(event, baseNs)),
  }
  return { history, origins }
}

/** Groups of workers, by name. */
export function groupsOf(ledgers: readonly LedgerFile[]): (string | null)[] {
  const workers = ledgers.filter(({ sidecar }) => isWorker(sidecar.role))
  const names = new Set(workers.map(({ sidecar }) => sidecar.group))
  return names.size === 0 ? [null] : [...names].sort((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1))
}

export function isWorker(role: LedgerFile['sidecar']['role']): boolean {
  return role === 'worker' || role === 'drainReader'
}

function readGroup(
  group: string | null,
  ledgers: readonly LedgerFile[],
  reading: GroupReading,
  baseNs: bigint,
): void {
  ledgers.forEach((ledger, index) => {
    const { sidecar } = ledger
    if (sidecar.role === 'producer' || sidecar.role === 'relay' || sidecar.group !== group) return
    read(ledger, baseNs, (record) => reading.of(record, index))
  })
}

function read(ledger: LedgerFile, baseNs: bigint, take: (record: RecordCursor) => void): void {
  const check = soundRecords(ledger.sidecar)
  eachRecord(ledger.bytes, baseNs, (record) => {
    check(record)
    take(record)
  })
}

/** So that times are small enough for exact numbers. */
function firstTime(ledgers: readonly LedgerFile[], events: readonly LabEvent[]): bigint {
  const times = events.map(({ fromNs }) => fromNs)
  for (const { bytes } of ledgers) {
    if (bytes.byteLength < recordBytes) continue
    times.push(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(16, true))
  }
  return times.sort((a, b) => (a < b ? -1 : 1))[0] ?? 0n
}

function timed(event: LabEvent, baseNs: bigint): TimedEvent {
  const isOfActor = 'role' in event
  return {
    event: event.event,
    fromNs: Number(event.fromNs - baseNs),
    toNs: Number(event.toNs - baseNs),
    actor: isOfActor
      ? { role: event.role, actor: event.actor, incarnation: event.incarnation }
      : null,
    how: event.event === 'BROKER_DOWN' ? event.how : null,
  }
}
