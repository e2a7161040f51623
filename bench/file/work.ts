import type { ChannelSpec, ReaderSpec } from '../../src/core/channel.ts'
import type { OutgoingMessage } from '../../src/core/message.ts'

/** What one child process is told to do. */
export interface Task {
  readonly way: 'driver' | 'bus' | 'raw'
  readonly role: 'produce' | 'consume'
  readonly dir: string
  /** Number of this producer. */
  readonly who: number
  /** Messages of each producer; a consumer ends when `total` have come, over all consumers. */
  readonly messages: number
  readonly batch: number
  readonly bodyBytes: number
}

/** What it answers: the wall-clock span of its work, and how often each message came. */
export interface Done {
  readonly startMs: number
  readonly endMs: number
  /** Longest stop of its event loop. */
  readonly blockedMs: number
  /** By producer: for each of its messages how often it was handed out. */
  readonly seen: readonly Uint8Array[]
}

export const producersMax = 2

export const channel: ChannelSpec = {
  name: 'bench',
  pattern: 'queue',
  via: 'direct',
  leaseMs: 30_000,
  envelope: true,
  payloadBytesMax: 1_048_576,
  dedupeWindowMs: null,
  retention: { ageMs: null, messages: null, bytes: null },
}

export function readerSpec(name: string): ReaderSpec {
  return {
    reader: name,
    worker: { id: name, incarnation: '1' },
    group: null,
    holding: [],
    hold: { messages: 10_000, bytes: 64 * 1024 * 1024 },
    leaseMs: channel.leaseMs,
    charge: 'taken',
    from: 'first',
    order: null,
  }
}

/** 36 characters, like a UUID; the last twelve say which message of which producer it is. */
export function idOf(producer: number, n: number): string {
  return `0193fa2c-89ab-7def-8abc-${producer}${String(n).padStart(11, '0')}`
}

export function count(seen: readonly Uint8Array[], id: string): void {
  const of = seen[Number(id[24])]
  const n = Number(id.slice(25))
  if (of) of[n] = (of[n] ?? 0) + 1
}

export function messageOf(id: string, body: string): OutgoingMessage {
  return {
    id,
    key: null,
    timeMs: Date.now(),
    headers: {},
    delayMs: 0,
    redrives: 0,
    dedupeId: null,
    type: channel.name,
    source: 'narrowcast',
    body,
  }
}
