import { NarrowcastError } from './errors.ts'
import type { Pattern, Place, Token } from './message.ts'

/** Enough to name a channel to a broker. */
export interface ChannelRef {
  readonly name: string
  readonly pattern: Pattern
}

/** What a stream may forget. Nothing that a group has not settled is ever removed. */
export interface Retention {
  readonly ageMs: number | null
  readonly messages: number | null
  readonly bytes: number | null
}

/** A channel as drivers see it: checked, every default filled in. */
export interface ChannelSpec extends ChannelRef {
  /** Narrowcast: whether the publisher picks the worker, or a relay between them. */
  readonly via: 'direct' | 'relay'
  /** False: the data is written alone, nothing of ours around it. Reading takes either form. */
  readonly envelope: boolean
  readonly leaseMs: number
  readonly payloadBytesMax: number
  /** How long publish-dedupe remembers an id; null: off. */
  readonly dedupeWindowMs: number | null
  readonly retention: Retention
}

/** `id` is `<name>-<8 random>`; `incarnation` is one start of it. */
export interface WorkerRef {
  readonly id: string
  readonly incarnation: string
}

/**
 * In what order a group hands out. `block` and `skip` are order by key: one message of a key at a
 * time over all readers, in the order in which they came. A retry that waits holds up the rest of
 * its key with `block`; with `skip` the rest goes on.
 */
export type Ordering = 'none' | 'block' | 'skip'

/** One subscription, as a driver sees it. */
export interface ReaderSpec {
  /** Unique per subscription and start of the process; the same again after a lost connection. */
  readonly reader: string
  /** Of this subscription alone, also when it goes on under another reader name. */
  readonly worker: WorkerRef
  /** Streams only. */
  readonly group: string | null
  /**
   * What the runtime still has in hand while it reopens. All else that this reader holds comes
   * out of `receive` again, uncharged.
   */
  readonly holding: readonly Token[]
  /**
   * The most that driver and client may keep; `ahead`, 0 if absent: so many messages more where the way
   * to the broker would hold up a reader that is fast.
   */
  readonly hold: { readonly messages: number; readonly bytes: number; readonly ahead?: number }
  readonly leaseMs: number
  /** A crash is counted for all that was taken, or only for what `renew(begun)`, or the take, had marked. */
  readonly charge: 'taken' | 'marked'
  /** Where a group begins that has no position yet. */
  readonly from: Place
  /**
   * Null: as the group has it. What was asked for stays with the group; beside a live reader it is
   * not changed, but refused with CONFLICT.
   */
  readonly order: Ordering | null
}

/** One live subscription, as a driver sees it. */
export interface SubscriberSpec {
  readonly worker: WorkerRef
  /** Without a sign of life for so long it counts as gone. */
  readonly leaseMs: number
  /** What may wait for it unread; beyond that the oldest is dropped, and a gap is told. */
  readonly hold: { readonly messages: number; readonly bytes: number }
}

/** Broadcast channels of our own: what processes tell of themselves, and what they are told. */
export const telemetryChannel = 'narrowcast.telemetry'
export const controlChannel = 'narrowcast.control'
const ownChannels: readonly string[] = [telemetryChannel, controlChannel]

/** Channels of our own are shown only to who asks for them. */
export function isOwnChannel(name: string): boolean {
  return ownChannels.includes(name)
}

const nameForm = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/
const nameLengthMax = { channel: 150, group: 60 } as const

/**
 * Checks a channel or group name against what works on every backend.
 * @throws INVALID_ARGUMENT, naming what is wrong with it.
 */
export function checkName(kind: 'channel' | 'group', name: string): void {
  const wrong = nameFault(name, nameLengthMax[kind])
  if (wrong === null) return
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `${kind} name ${JSON.stringify(name)} ${wrong}; expected 1 to ${nameLengthMax[kind]} letters, digits, ".", "_" or "-"`,
    kind === 'channel' ? { channel: name } : {},
  )
}

function nameFault(name: unknown, lengthMax: number): string | null {
  if (typeof name !== 'string') return 'is not a string'
  if (name.length === 0) return 'is empty'
  if (name.length > lengthMax) return `has ${name.length} characters`
  if (!nameForm.test(name)) return 'has a character that not every backend takes'
  if (name.includes('..') || name.endsWith('.')) return 'has a dot at its end or two in a row'
  if (name.startsWith('narrowcast') && !isOwnChannel(name))
    return 'begins with "narrowcast", which is reserved'
  return null
}
