import type { GapWhy } from '../../../core/driver.ts'
import { gapReasons, missedUnknown } from '../../evidence/record.ts'
import type { Room } from './budget.ts'
import type { Interval } from './intervals.ts'
import { forever, inTime, latest, type Scene, those } from './scene.ts'

/** Later than the place of any event. */
const firstPlace = 10 ** 15

/**
 * What a live worker said that it missed, by time: nothing from before it subscribed, or, where all
 * comes in order, older than what it had been handed by then, and nothing sent later.
 */
export function gaps(scene: Scene, by: string, why: GapWhy): (Interval & Room)[] {
  const all = inTime(scene.all.filter(({ type }) => type === 'gap'))
  return all.flatMap((record, rank) => {
    if (record.by !== by || gapReasons[record.flags] !== why) return []
    return [
      {
        fromNs: newestHanded(scene, by, record.place),
        toNs: record.timeNs,
        place: firstPlace + rank,
        most: record.count === missedUnknown ? Number.POSITIVE_INFINITY : record.count,
      },
    ]
  })
}

/**
 * When the newest message was sent that an actor had been handed before that place, or at all; else
 * when it subscribed, if ever. `key`: where keys come in any order, that of this one alone, which
 * nobody knows of what a gap counts.
 */
export function newestHanded(
  scene: Scene,
  by: string,
  place = Number.POSITIVE_INFINITY,
  key: number | null = null,
): bigint {
  const begun = scene.events.find((event) => event.by === by && event.event === 'SUBSCRIBED')
  if (begun === undefined) return forever
  const before = scene.all.filter((one) => one.by === by && one.place < place)
  const handed = scene.messages
    .filter((message) => !scene.terms.isOrderedByKey || message.key === key)
    .filter((message) => those(before, 'recv', message).length > 0)
  return latest(begun.fromNs, ...handed.map(({ sentNs }) => sentNs))
}
