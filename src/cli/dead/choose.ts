import { type ChannelRef, checkName } from '../../core/channel.ts'
import type { DeadEntry } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Bus } from '../../runtime/api.ts'
import type { Invocation } from '../invocation.ts'
import { type Kind, Named, positionOf } from '../messages/named.ts'
import { deadPages } from '../messages/scan.ts'
import { shellWord } from '../output/shellWord.ts'
import { filterFlags, filterOf } from './filters.ts'

/** Which dead letters the flags speak of, checked before anything is opened. */
export interface DeadChoice {
  readonly command: string
  readonly fits: (entry: DeadEntry) => boolean
  readonly group: string | null
  /** Of --id; with none it is all that fit. */
  readonly ids: readonly string[]
}

/**
 * @throws INVALID_ARGUMENT for flags that exclude each other, INVALID_CONFIG for wrong values, and
 * what `filterOf` throws.
 */
export async function deadChoice(invocation: Invocation): Promise<DeadChoice> {
  const { command, flags } = invocation
  const asked = ['all', 'id', ...filterFlags].filter((name) => flags.isSet(name))
  if (asked.length > 1 && (flags.isSet('all') || flags.isSet('id'))) {
    const names = asked.map((name) => `--${name}`).join(' and ')
    throw new NarrowcastError('INVALID_ARGUMENT', `${names} exclude each other`, {
      hint: `Keep one of them; --where 'id == "…"' takes every dead letter of one id`,
    })
  }
  const group = flags.text('group') ?? null
  if (group !== null) checkName('group', group)
  return { command, fits: await filterOf(invocation), group, ids: flags.list('id') }
}

/** The dead letters that fit --where and --group, the newest first. */
export async function* fittingDead(
  { fits, group }: DeadChoice,
  bus: Bus,
  channel: ChannelRef,
): AsyncGenerator<DeadEntry> {
  for await (const page of deadPages(bus, channel, group)) {
    for (const entry of page) if (fits(entry)) yield entry
  }
}

/** The newest `max` that fit; `isWhole`: there are no more. */
export async function newestDead(
  choice: DeadChoice,
  bus: Bus,
  channel: ChannelRef,
  max: number,
): Promise<{ found: DeadEntry[]; isWhole: boolean }> {
  const found: DeadEntry[] = []
  for await (const entry of fittingDead(choice, bus, channel)) {
    if (found.length === max) return { found, isWhole: false }
    found.push(entry)
  }
  return { found, isWhole: true }
}

/**
 * The dead letters that words name: `#REF`, an id, or the end of an id. Each once, in one pass.
 * @throws NOT_FOUND; INVALID_ARGUMENT where a word means several.
 */
export async function findDead(
  choice: DeadChoice,
  bus: Bus,
  channel: ChannelRef,
  words: readonly string[],
): Promise<DeadEntry[]> {
  const kind = kindOf(choice.command, channel)
  const refs = new Map<string, DeadEntry | null>()
  const named = new Map<string, Named<DeadEntry>>()
  for (const word of words) {
    const ref = positionOf(word)
    if (ref === null) named.set(word, new Named(word, kind))
    else refs.set(ref, null)
  }
  for await (const entry of fittingDead(choice, bus, channel)) {
    if (refs.has(entry.ref)) refs.set(entry.ref, entry)
    for (const one of named.values()) one.add(entry)
  }
  const found = words.map((word) => {
    const one = named.get(word)?.one() ?? refs.get(word.slice(1))
    if (one) return one
    throw new NarrowcastError('NOT_FOUND', `"${channel.name}" holds no dead letter ${word}`, {
      channel: channel.name,
      hint: kind.ifNone,
    })
  })
  return [...new Map(found.map((entry) => [entry.ref, entry])).values()]
}

function kindOf(command: string, { name }: ChannelRef): Kind<DeadEntry> {
  const one = (place: string) =>
    command === 'dead show' ? `narrowcast dead show ${name} ${place}` : `--id ${place}`
  return {
    thing: 'dead letter',
    channel: name,
    placeOf: ({ ref }) => `#${ref}`,
    wordOf: () => 'dead',
    choose: (id, place) =>
      `One of them: ${one(shellWord(place))}\nAll of them: --where ${shellWord(`id == ${JSON.stringify(id)}`)}`,
    ifNone: `narrowcast dead ls ${name} -o wide prints whole ids`,
  }
}

/**
 * The filter of a change: what --id names, else what fits.
 * @throws NOT_FOUND for an id that is not there; INVALID_ARGUMENT where it names several.
 */
export async function changeFilter(
  choice: DeadChoice,
  bus: Bus,
  channel: ChannelRef,
): Promise<(entry: DeadEntry) => boolean> {
  if (choice.ids.length === 0) return choice.fits
  const refs = new Set((await findDead(choice, bus, channel, choice.ids)).map(({ ref }) => ref))
  return ({ ref }) => refs.has(ref)
}
