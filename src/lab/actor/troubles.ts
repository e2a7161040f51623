import type { Subscription, SubscriptionEvents } from '../../runtime/api.ts'
import { gapMax, gapReasons, losses, missedUnknown } from '../evidence/record.ts'
import { identityOfId } from '../identity.ts'
import type { Place } from './place.ts'

const lookEveryMs = 20
/** Less is how any event loop runs. */
const stallMsMin = 50

type Telling = Pick<Subscription, 'on'>

/** Writes down what happens to a worker rather than what it does, until it has drained. */
export function writeTroubles(subscription: Telling, run: string, place: Place): void {
  const drained = new AbortController()
  subscription.on('drained', () => drained.abort())
  subscription.on('lost', ({ deliveries, why }) => {
    for (const { id } of deliveries) {
      const message = identityOfId(run, id)
      if (message) place.write({ type: 'lost', message, flags: losses.indexOf(why) }, place.nowNs())
    }
  })
  subscription.on('gap', (gap) => writeGap(gap, place))
  writeCuts(subscription, place)
  void writeStalls(place, drained.signal)
}

function writeGap({ missed, why }: SubscriptionEvents['gap'], { nowNs, write }: Place): void {
  const say = (count: number) =>
    write({ type: 'gap', count, flags: gapReasons.indexOf(why) }, nowNs())
  if (missed === 'unknown') say(missedUnknown)
  else for (let left = missed; left > 0; left -= gapMax) say(Math.min(left, gapMax))
}

/** A subscription is unready for more than one reason: it was cut off where a connection was lost. */
function writeCuts(subscription: Telling, place: Place): void {
  let isConnectionLost = false
  let isCut = false
  subscription.on('error', ({ id, error }) => {
    if (id === null && error.code === 'CONNECTION_LOST') isConnectionLost = true
  })
  subscription.on('ready', ({ isReady }) => {
    const type = isReady ? 'back' : 'cut'
    if (isReady ? isCut : isConnectionLost) place.write({ type }, place.nowNs())
    isCut = !isReady && isConnectionLost
    if (isReady) isConnectionLost = false
  })
}

/** Each at its end: one that its worker does not outlive is told by nobody. */
async function writeStalls({ clock, nowNs, write }: Place, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    const beforeNs = nowNs()
    await clock.sleep(lookEveryMs, ended)
    if (ended.aborted) return
    const lateNs = nowNs() - beforeNs - BigInt(lookEveryMs * 1e6)
    if (lateNs > BigInt(stallMsMin * 1e6)) write({ type: 'stall', position: lateNs }, nowNs())
  }
}
