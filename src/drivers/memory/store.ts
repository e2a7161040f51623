import { type ChannelRef, type ChannelSpec, checkName } from '../../core/channel.ts'
import type { Clock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { Channel, type Serials } from './channel.ts'

export interface Difference {
  readonly name: string
  readonly wanted: string
  readonly found: string
}

/** What all sessions of one driver share. */
export class Store {
  readonly clock: Clock
  readonly channels = new Map<string, Channel>()
  readonly serials: Serials = { floor: 0 }

  constructor(clock: Clock) {
    this.clock = clock
  }

  /**
   * The channel of that name, made as `spec` says where it does not exist. Retention and dedupe
   * are those of whoever made it: `ensure` tells of the difference. @throws CONFLICT
   */
  channel(spec: ChannelSpec): Channel {
    const found = this.channels.get(spec.name)
    if (found?.spec.pattern === spec.pattern) return found
    if (found) {
      throw new NarrowcastError(
        'CONFLICT',
        `memory: channel "${spec.name}" is a ${found.spec.pattern}, wanted a ${spec.pattern}`,
        { driver: 'memory', channel: spec.name, hint: 'Use another name.' },
      )
    }
    checkName('channel', spec.name)
    const channel = new Channel(spec, this.clock, this.serials)
    this.channels.set(spec.name, channel)
    return channel
  }

  /** The channel of that name and pattern, with all done that was due. @throws NOT_FOUND */
  find(ref: ChannelRef): Channel {
    const found = this.channels.get(ref.name)
    if (found?.spec.pattern === ref.pattern) {
      found.refresh()
      return found
    }
    const what = found ? `is a ${found.spec.pattern}, not a ${ref.pattern}` : 'does not exist'
    throw new NarrowcastError('NOT_FOUND', `memory: channel "${ref.name}" ${what}`, {
      driver: 'memory',
      channel: ref.name,
    })
  }

  remove(channel: Channel): void {
    this.channels.delete(channel.spec.name)
    for (const line of channel.lines.values()) line.close()
  }
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
