import type { Admin, ChannelInfo, Depth, GroupInfo, Page, PageQuery } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive, type Pattern, type PublishOutcome, redriven } from '../../core/message.ts'
import type { Channel } from './channel.ts'
import type { Dead } from './deadLetters.ts'
import type { Line } from './line.ts'
import { look, lookAll } from './look.ts'
import { checkLimit } from './page.ts'
import { differences, type Store } from './store.ts'

/** Everything, and exact: the store is at hand. */
export function memoryAdmin(store: Store): Admin {
  return {
    async ensure(spec) {
      const pattern = store.patternOf(spec.name)
      if (pattern === null) {
        if (isLive(spec.pattern)) store.live(spec)
        else store.channel(spec)
        return { state: 'created' }
      }
      const what = differences(spec, store.channels.get(spec.name)?.spec ?? { ...spec, pattern })
      return what.length > 0 ? { state: 'differs', what } : { state: 'same' }
    },
    depths: async (refs) =>
      refs.map((ref) => {
        const isThere = store.channels.get(ref.name)?.spec.pattern === ref.pattern
        return isThere ? depthOf(store.find(ref)) : null
      }),
    async groups(ref) {
      const channel = store.find(ref)
      return [...channel.lines.values()].flatMap((line) =>
        line.group === null ? [] : groupOf(channel, line, line.group),
      )
    },
    peek: async (ref, query) => lookAll(store.find(ref), query),
    async message(ref, id) {
      const channel = store.find(ref)
      for (const stored of channel.log.values()) {
        if (stored.message.id === id) return look(channel, stored)
      }
      return null
    },
    deadLetters: async (ref, group, query) => store.find(ref).dead.page(group, query),
    async redrive(ref, refs, to) {
      const channel = store.find(ref)
      const target = to && store.find(to)
      const outcomes = refs.map((dead) => redriveOne(channel, dead, target))
      channel.refresh()
      target?.refresh()
      return outcomes
    },
    async removeDead(ref, refs) {
      const { dead } = store.find(ref)
      return refs.filter((one) => dead.remove(one)).length
    },
    async pause(ref, paused) {
      const channel = store.find(ref)
      channel.isPaused = paused
      channel.refresh()
    },
    async seek(ref, group, to) {
      const channel = store.find(ref)
      const line = lineOf(channel, group)
      line.moveTo(channel.seqOf(to))
      channel.refresh()
    },
    channels: async (query) => channelsPage(store, query),
    purge: async (ref) =>
      isLive(ref.pattern) ? store.findLive(ref).purge() : purge(store.find(ref)),
    async remove(ref) {
      if (isLive(ref.pattern)) store.removeLive(store.findLive(ref))
      else store.remove(store.find(ref))
    },
    async removeGroup(ref, group) {
      const channel = store.find(ref)
      const line = lineOf(channel, group)
      channel.lines.delete(group)
      line.close()
      channel.refresh()
    },
    async removeMessage(ref, id) {
      const channel = store.find(ref)
      for (const stored of channel.log.values()) {
        if (stored.message.id !== id) continue
        for (const line of channel.lines.values()) line.remove(stored)
        channel.drop(stored)
        channel.refresh()
        return true
      }
      return false
    },
  }
}

function lineOf(channel: Channel, group: string): Line {
  const line = channel.lines.get(group)
  if (line && line.group !== null) return line
  const { name, pattern } = channel.spec
  throw pattern === 'queue'
    ? new NarrowcastError('UNSUPPORTED', `memory: queue "${name}" has no groups`, { channel: name })
    : new NarrowcastError('NOT_FOUND', `memory: stream "${name}" has no group "${group}"`, {
        channel: name,
      })
}

function depthOf(channel: Channel): Depth {
  const lines = [...channel.lines.values()]
  const sum = (of: (line: Line) => number) => lines.reduce((total, line) => total + of(line), 0)
  return {
    waiting: sum((line) => line.waiting),
    inFlight: sum((line) => line.inFlight),
    scheduled: sum((line) => line.places.scheduled),
    dead: channel.dead.size,
    stored: channel.log.size,
    in: channel.published,
    out: channel.acknowledged,
    oldestMs: Math.max(0, ...lines.map((line) => ageMs(channel, line))),
    paused: channel.isPaused,
    order: channel.spec.pattern === 'queue' ? (lines[0]?.order ?? 'none') : null,
  }
}

function groupOf(channel: Channel, line: Line, group: string): GroupInfo {
  const now = channel.clock.monotonicMs()
  const readers = [...line.readers.values()]
  return {
    group,
    lag: line.waiting + line.inFlight + line.places.scheduled,
    inFlight: line.inFlight,
    oldestMs: ageMs(channel, line),
    readers: readers.filter((reader) => reader.isLive(now)).length,
    position: String(line.settledBefore - 1),
    order: line.order,
  }
}

function ageMs(channel: Channel, line: Line): number {
  const since = line.oldestMs()
  return since === Number.POSITIVE_INFINITY ? 0 : channel.clock.monotonicMs() - since
}

function redriveOne(channel: Channel, ref: string, to: Channel | null): PublishOutcome {
  const dead = channel.dead.get(ref)
  if (!dead) return nowhere(channel, `dead letter ${JSON.stringify(ref)}`)
  if (to) return redriveTo(channel, ref, dead, to)
  const line = channel.lines.get(dead.group)
  if (!line) return nowhere(channel, `group "${dead.group}"`)
  const position =
    dead.group === null ? channel.republish(dead.stored) : channel.returnTo(line, dead.stored)
  channel.dead.remove(ref)
  return { state: 'stored', duplicate: false, position }
}

function redriveTo(from: Channel, ref: string, dead: Dead, to: Channel): PublishOutcome {
  const { message, redrives } = dead.stored
  const [outcome] = to.publish([redriven(message, redrives)], to.spec.payloadBytesMax)
  if (outcome?.state === 'stored') from.dead.remove(ref)
  return outcome as PublishOutcome
}

function nowhere({ spec }: Channel, what: string): PublishOutcome {
  const message = `memory: channel "${spec.name}" has no ${what}`
  return { state: 'refused', code: 'NOT_FOUND', message }
}

function purge(channel: Channel): number {
  for (const line of channel.lines.values()) line.purge()
  let removed = 0
  for (const stored of [...channel.log.values()]) {
    const lines = [...channel.lines.values()]
    if (lines.some((line) => line.places.get(stored.seq))) continue
    channel.drop(stored)
    removed++
  }
  return removed
}

function channelsPage(store: Store, query: PageQuery & { prefix: string }): Page<ChannelInfo> {
  const { cursor, limit, newestFirst, prefix } = query
  checkLimit(limit)
  const all = [...store.channels.keys(), ...store.liveChannels.keys()]
  const names = all.filter((name) => name.startsWith(prefix)).sort()
  if (newestFirst) names.reverse()
  const isAfter = (name: string) => cursor === null || (newestFirst ? name < cursor : name > cursor)
  const rest = names.filter(isAfter)
  const items = rest.slice(0, limit).map((name) => {
    return { name, pattern: store.patternOf(name) as Pattern }
  })
  return { items, cursor: rest.length > limit ? (items.at(-1)?.name ?? null) : null }
}
