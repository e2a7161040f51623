import { type ChannelRef, type ChannelSpec, checkName } from '../../core/channel.ts'
import type { Clock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive, type Pattern } from '../../core/message.ts'
import { Channel, type Serials } from './channel.ts'
import { LiveChannel } from './liveChannel.ts'
import type { Grants } from './relays.ts'

export interface Difference {
  readonly name: string
  readonly wanted: string
  readonly found: string
}

/** What all sessions of one driver share. */
export class Store {
  readonly clock: Clock
  /** Queues and streams. */
  readonly channels = new Map<string, Channel>()
  /** Broadcasts and narrowcasts. */
  readonly liveChannels = new Map<string, LiveChannel>()
  readonly serials: Serials = { floor: 0 }
  readonly #grants: Grants = { last: 0 }

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Of the channel of that name; null when there is none. */
  patternOf(name: string): Pattern | null {
    return this.channels.get(name)?.spec.pattern ?? this.liveChannels.get(name)?.pattern ?? null
  }

  /**
   * The queue or stream of that name, made as `spec` says where it does not exist. Retention and
   * dedupe are those of whoever made it: `ensure` tells of the difference.
   * @throws CONFLICT, UNSUPPORTED for a live pattern
   */
  channel(spec: ChannelSpec): Channel {
    if (isLive(spec.pattern)) throw keepsNothing(spec)
    this.#checkFree(spec)
    const found = this.channels.get(spec.name)
    if (found) return found
    const channel = new Channel(spec, this.clock, this.serials)
    this.channels.set(spec.name, channel)
    return channel
  }

  /** The broadcast or narrowcast of that name. @throws CONFLICT, UNSUPPORTED for another pattern */
  live({ name, pattern }: ChannelRef): LiveChannel {
    if (!isLive(pattern)) {
      const text = `memory: ${pattern} "${name}" has no live subscribers`
      throw new NarrowcastError('UNSUPPORTED', text, { driver: 'memory', channel: name })
    }
    this.#checkFree({ name, pattern })
    const found = this.liveChannels.get(name)
    if (found) return found
    const channel = new LiveChannel(name, pattern, this.clock, this.#grants)
    this.liveChannels.set(name, channel)
    return channel
  }

  /**
   * The channel of that name and pattern, with all done that was due.
   * @throws NOT_FOUND, UNSUPPORTED for a live pattern
   */
  find(ref: ChannelRef): Channel {
    const found = this.channels.get(ref.name)
    if (found?.spec.pattern !== ref.pattern) {
      this.#checkThere(ref)
      throw keepsNothing(ref)
    }
    found.refresh()
    return found
  }

  /** @throws NOT_FOUND */
  findLive(ref: ChannelRef): LiveChannel {
    this.#checkThere(ref)
    return this.liveChannels.get(ref.name) as LiveChannel
  }

  remove(channel: Channel): void {
    this.channels.delete(channel.spec.name)
    for (const line of channel.lines.values()) line.close()
  }

  removeLive(channel: LiveChannel): void {
    this.liveChannels.delete(channel.name)
    channel.close()
  }

  /** @throws CONFLICT, and INVALID_ARGUMENT for a name that no channel can have */
  #checkFree({ name, pattern }: ChannelRef): void {
    const found = this.patternOf(name)
    if (found === pattern) return
    if (found === null) {
      checkName('channel', name)
      return
    }
    throw new NarrowcastError(
      'CONFLICT',
      `memory: channel "${name}" is a ${found}, wanted a ${pattern}`,
      { driver: 'memory', channel: name, hint: 'Use another name.' },
    )
  }

  /** @throws NOT_FOUND */
  #checkThere({ name, pattern }: ChannelRef): void {
    const found = this.patternOf(name)
    if (found === pattern) return
    const what = found ? `is a ${found}, not a ${pattern}` : 'does not exist'
    throw new NarrowcastError('NOT_FOUND', `memory: channel "${name}" ${what}`, {
      driver: 'memory',
      channel: name,
    })
  }
}

function keepsNothing({ name, pattern }: ChannelRef): NarrowcastError {
  const text = `memory: ${pattern} "${name}" keeps no messages: this is for queues and streams`
  return new NarrowcastError('UNSUPPORTED', text, { driver: 'memory', channel: name })
}

/** What belongs to the channel and cannot change under it; lease and payload limit may. */
export function differences(wanted: ChannelSpec, found: ChannelSpec): Difference[] {
  const facts = (spec: ChannelSpec) => ({
    pattern: spec.pattern,
    dedupeWindowMs: String(spec.dedupeWindowMs),
    'retention.ageMs': String(spec.retention.ageMs),
    'retention.messages': String(spec.retention.messages),
    'retention.bytes': String(spec.retention.bytes),
  })
  const here = facts(found)
  return Object.entries(facts(wanted))
    .map(([name, value]) => ({ name, wanted: value, found: here[name as keyof typeof here] }))
    .filter((fact) => fact.wanted !== fact.found)
}
