import { NarrowcastError } from '../../core/errors.ts'
import { withoutFate } from '../../runtime/publishAnswers.ts'
import { countOf } from '../output/quantities.ts'
import type { Fate, Stretch } from './fates.ts'

const shownMax = 4

/**
 * Why publishing lines ended before its input, for somebody who wants to send the rest: in the
 * words of one message it would name an id that nobody has seen. `isLive`: nothing is kept there;
 * `hasDedupe`: sending again by itself was tried.
 */
export function brokenOff(
  failure: NarrowcastError,
  stretches: readonly Stretch[],
  { isLive, hasDedupe }: { readonly isLive: boolean; readonly hasDedupe: boolean },
): NarrowcastError {
  const did = isLive ? 'sent' : 'stored'
  const of = (fate: Fate) => linesOf(stretches.filter(({ state }) => state === fate))
  const [done, uncertain, not] = [of('stored'), of('uncertain'), of('not_stored')]
  const told = uncertain === '' ? `not ${did}: ${not}` : `${uncertain} may have been ${did}`
  const known = [
    ...(done === '' ? [] : [`Certainly ${did}: ${done}.`]),
    ...(uncertain === '' || not === '' ? [] : [`Not ${did}: ${not}.`]),
  ]
  const dedupe =
    isLive || hasDedupe ? '' : ' A channel made with --dedupe 10m waits out an outage of 30 s.'
  const hint = [
    ...(known.length === 0 ? [] : [known.join(' ')]),
    ...(uncertain === '' ? [] : [`Uncertain lines that are sent again may come twice.${dedupe}`]),
    ...(failure.hint === null ? [] : [failure.hint]),
  ]
  const { driver, channel, operation } = failure
  return new NarrowcastError(failure.code, `${withoutFate(failure)}; ${told}`, {
    definite: uncertain === '',
    ...(driver === null ? {} : { driver }),
    ...(channel === null ? {} : { channel }),
    ...(operation === null ? {} : { operation }),
    ...(hint.length === 0 ? {} : { hint: hint.join('\n') }),
    cause: failure,
  })
}

/** `lines 91 to 120, line 130, line 151 and all that follow`; empty for none. */
function linesOf(stretches: readonly Stretch[]): string {
  const shown = stretches.slice(0, shownMax).map(({ from, to }) => {
    if (to === null) return `line ${from} and all that follow`
    return from === to ? `line ${from}` : `lines ${from} to ${to}`
  })
  const more = stretches.length - shown.length
  return [...shown, ...(more > 0 ? [`and ${countOf(more, 'more range')} (--json)`] : [])].join(', ')
}
