import type { ChannelRef } from '../../core/channel.ts'
import type { DeadEntry } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Bus } from '../../runtime/api.ts'
import type { Invocation } from '../invocation.ts'
import { deadFilter } from '../messages/facts.ts'
import { deadPages, onlyOne } from '../messages/scan.ts'
import { Causes } from './causes.ts'

/** The dead letters that fit --where and --group, the newest first. */
export async function* fittingDead(
  { flags }: Invocation,
  bus: Bus,
  channel: ChannelRef,
): AsyncGenerator<DeadEntry> {
  const fits = deadFilter(flags.text('where'))
  for await (const page of deadPages(bus, channel, flags.text('group') ?? null)) {
    for (const entry of page) if (fits(entry)) yield entry
  }
}

/** The newest `max` that fit; `isWhole`: there are no more. */
export async function newestDead(
  invocation: Invocation,
  bus: Bus,
  channel: ChannelRef,
  max: number,
): Promise<{ found: DeadEntry[]; isWhole: boolean }> {
  const found: DeadEntry[] = []
  for await (const entry of fittingDead(invocation, bus, channel)) {
    if (found.length === max) return { found, isWhole: false }
    found.push(entry)
  }
  return { found, isWhole: true }
}

/** The dead letter of that id, or of an id that ends so. @throws NOT_FOUND, INVALID_ARGUMENT */
export async function findDead(
  invocation: Invocation,
  bus: Bus,
  channel: ChannelRef,
  id: string,
): Promise<DeadEntry> {
  const found: DeadEntry[] = []
  for await (const entry of fittingDead(invocation, bus, channel)) {
    if (entry.message.id === id || entry.ref === id) return entry
    if (entry.message.id.endsWith(id)) found.push(entry)
  }
  return onlyOne(id, channel, found)
}

/** What a change is meant for: names of dead letters, and why they died. */
export interface Chosen {
  /** The oldest first. */
  readonly refs: readonly string[]
  readonly causes: Causes
}

/**
 * The dead letters of the flags: those of --id, which may be the ends of ids, else those that fit
 * --where, else all. Their messages are not kept in memory.
 * @throws NOT_FOUND for an id that is not there; INVALID_ARGUMENT where the choice is not clear.
 */
export async function chooseDead(
  invocation: Invocation,
  bus: Bus,
  channel: ChannelRef,
): Promise<Chosen> {
  const { flags } = invocation
  const ids = flags.list('id')
  const asked = ['all', 'id', 'where'].filter((name) => flags.isSet(name))
  if (asked.length > 1) {
    const names = asked.map((name) => `--${name}`).join(' and ')
    throw new NarrowcastError('INVALID_ARGUMENT', `${names} exclude each other`)
  }
  const causes = new Causes()
  const refs: string[] = []
  const add = (entry: DeadEntry) => {
    causes.add(entry)
    refs.push(entry.ref)
  }
  if (ids.length === 0) {
    for await (const entry of fittingDead(invocation, bus, channel)) add(entry)
    return { refs: refs.reverse(), causes }
  }
  for (const id of ids) add(await findDead(invocation, bus, channel, id))
  return { refs, causes }
}
