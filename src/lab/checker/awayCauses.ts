import type { Cause } from '../terms.ts'
import { type Interval, touches } from './intervals.ts'
import type { Scene } from './lossCauses.ts'

/** Why these may not have got what was on its way to them then; the preferred causes first. */
export function awayCauses(
  fromNs: number,
  toNs: number,
  actors: readonly string[],
  { episodes, moments, gaps }: Pick<Scene, 'episodes' | 'moments' | 'gaps'>,
): Cause[] {
  const isAway = (away: Interval) => touches(away, fromNs, toNs)
  const downs = episodes.brokerDowns.filter(isAway)
  const causes: Cause[] = []
  const cutsOf = (actor: string) => [...moments.cutsOf(actor), ...gaps.absencesOf(actor)]
  if (actors.some((actor) => cutsOf(actor).some(isAway))) causes.push('cut-off')
  if (actors.some((actor) => episodes.netsOf(actor).some(isAway))) causes.push('network')
  if (downs.some(({ how }) => how === 'stop')) causes.push('broker-stop')
  if (downs.some(({ how }) => how === 'crash')) causes.push('broker-crash')
  return causes
}
