import type { ChannelSpec, Ordering, ReaderSpec } from '../../../core/channel.ts'
import type { Token } from '../../../core/message.ts'
import { orderConflict } from '../../../core/orderConflict.ts'
import { redisError } from '../redisErrors.ts'
import { type Attached, attach, type Beginning } from './attach.ts'
import { Begun } from './begun.ts'
import { type Entry, readEntry } from './entry.ts'
import type { HeldEntry } from './hand.ts'
import type { Line } from './line.ts'
import { reclaimAll } from './reclaim.ts'

export type Opened = Extract<Attached, { state: 'open' }>

/**
 * Opens a reader; `beginning` says where its group begins if it is not there.
 * @throws NOT_FOUND without one, CONFLICT where others read in another order
 */
export async function open(
  line: Line,
  channel: ChannelSpec,
  spec: ReaderSpec,
  holding: readonly Token[],
  above: number,
  beginning?: () => Promise<Beginning>,
): Promise<Opened> {
  let attached = await attach(line, spec, holding, above, null)
  if (attached.state === 'no-group' && beginning) {
    attached = await attach(line, spec, holding, above, await beginning())
  }
  // Who holds something, but whose lease has ended, does not stand in the way of another order.
  if (attached.state === 'conflict' && (await reclaimAll(line))) {
    attached = await attach(line, spec, holding, above, null)
  }
  if (attached.state === 'open') return attached
  if (attached.state === 'conflict') {
    throw orderConflict('redis', channel, spec.group, spec.order as Ordering, attached.found)
  }
  const text = `"${channel.name}" or its group "${line.group}" was removed`
  throw redisError('NOT_FOUND', 'source', text, { channel: channel.name })
}

/** What a reader has in hand that was opened again: the key, and what was noted of failures. */
export async function heldAgain(line: Line, { kept, begun }: Opened): Promise<HeldEntry[]> {
  const held = await Promise.all(
    kept.map(async (token): Promise<HeldEntry> => {
      const range = ['XRANGE', line.channel, token.entry, token.entry]
      const [[entry], noted] = await Promise.all([
        line.send<Entry[]>(range, 'bytes'),
        line.noted(token.entry),
      ])
      const key = entry ? readEntry(line.channel, entry).message.key : null
      const past = noted?.past ?? null
      return { token, key, past, begun: null, settling: null, outcome: null }
    }),
  )
  const wasBegun = new Set(begun)
  const marked = held.filter(({ token }) => wasBegun.has(token.entry))
  new Begun(0, marked) // they name it
  return held
}
