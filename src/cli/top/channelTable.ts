import { harmless } from '../output/displayWidth.ts'
import { showCount, showDuration, showRate } from '../output/quantities.ts'
import type { Look } from '../output/style.ts'
import type { Column } from '../output/table.ts'
import type { ChannelRow } from './snapshot.ts'

/** More readers than that are a number. */
const marksMax = 10

/** The table of `top`. */
export function channelColumns(look: Look): readonly Column<ChannelRow>[] {
  return [
    { name: 'channel', value: ({ channel }) => channel, text: nameOf, widthMin: 16 },
    { name: 'pattern', value: ({ pattern }) => pattern, goes: 7 },
    number('waiting', 0, ({ waiting }) => waiting, showCount),
    number('flight', 8, ({ inFlight }) => inFlight, showCount),
    rate('in', 2, ({ inPerS }) => inPerS),
    rate('out', 1, ({ outPerS }) => outPerS),
    number('p95', 5, ({ p95Ms }) => p95Ms, showDuration),
    number('oldest', 3, ({ oldestMs }) => oldestMs, showDuration),
    number('dead', 4, ({ dead }) => dead, showCount),
    {
      name: 'readers',
      align: 'left',
      value: ({ readers }) => readers.length,
      text: (row) => marks(row, look),
    },
  ]
}

type Value = (row: ChannelRow) => number | null

function number(
  name: string,
  goes: number,
  value: Value,
  show: (value: number | null) => string,
): Column<ChannelRow> {
  return { name, align: 'right', value, text: (row) => show(value(row)), goes }
}

function rate(name: string, goes: number, value: Value): Column<ChannelRow> {
  const text = (row: ChannelRow) => {
    const perSecond = value(row)
    return perSecond === null ? '-' : `${row.isTold ? '~' : ''}${showRate(perSecond)}`
  }
  return { name, align: 'right', value, text, goes }
}

function nameOf({ channel, isPaused }: ChannelRow): string {
  return isPaused ? `${harmless(channel)} (paused)` : harmless(channel)
}

/** One for each reader, hollow where it is not at work; many are a number. */
function marks({ readers }: ChannelRow, { ascii }: Look): string {
  const isWell = (state: string) => state === 'busy' || state === 'idle'
  const ill = readers.filter(({ state }) => !isWell(state)).length
  if (readers.length === 0) return '-'
  if (readers.length > marksMax)
    return ill === 0 ? `${readers.length}` : `${readers.length}, ${ill} not ready`
  const [full, hollow] = ascii ? ['*', 'o'] : ['●', '○']
  return readers.map(({ state }) => (isWell(state) ? full : hollow)).join('')
}
