import type { Cause } from '../terms.ts'
import type { ByCause, LossAccount } from './accounting.ts'
import { choose } from './explain.ts'
import type { TrailOf } from './groupTrails.ts'
import { type GroupHistory, type History, marks, told } from './history.ts'
import { sampleOf } from './identityOf.ts'
import { actorName } from './intervals.ts'
import { isWorker } from './load.ts'
import { LossCauses, type Scene } from './lossCauses.ts'

/** `lost`: by producer, start and sequence. */
export function lossAccount(
  lost: readonly number[],
  history: History,
  group: GroupHistory,
  scene: Scene,
  trailOf: TrailOf,
): LossAccount {
  const explained = explainLosses(lost, history, group, scene, trailOf)
  const isTold = (message: number) =>
    explained.get(message) === 'overflow' || isReported(message, history, group)
  const unexplained = lost.filter((message) => explained.get(message) === null)
  const broker = lost.filter((message) => group.received[message] === 0).length
  const silent = lost.filter((message) => !isTold(message))
  return {
    total: lost.length,
    broker,
    worker: lost.length - broker,
    reported: lost.length - silent.length,
    silent: silent.length,
    ...shapeOf(lost, history),
    byCause: countCauses(lost, explained),
    silentByCause: countCauses(silent, explained),
    unexplained: unexplained.length,
    sample: sampleOf(lost, history.origins),
    unexplainedSample: sampleOf(unexplained, history.origins),
  }
}

function isReported(message: number, history: History, group: GroupHistory): boolean {
  const isToldToPublisher =
    ((history.told[message] as number) & (told.noReceiver | told.noWorker)) !== 0
  return isToldToPublisher || ((group.marks[message] as number) & marks.error) !== 0
}

/** In the order in which they were sent, which is the order in which budgets are spent. */
function explainLosses(
  lost: readonly number[],
  history: History,
  group: GroupHistory,
  scene: Scene,
  trailOf: TrailOf,
): Map<number, Cause | null> {
  const { sentNs, okNs } = history
  const workers = history.ledgers.filter((one) => isWorker(one.role) && one.group === group.group)
  const relays = history.ledgers.filter(({ role }) => role === 'relay')
  const causes = new LossCauses(scene, workers.map(actorName), relays.map(actorName))
  const bySent = [...lost].sort((a, b) => (sentNs[a] as number) - (sentNs[b] as number) || a - b)
  const explained = new Map<number, Cause | null>()
  for (const message of bySent) {
    const matches = causes.of({
      message,
      sentNs: sentNs[message] as number,
      okNs: okNs[message] as number,
      isToldNobody: ((history.told[message] as number) & told.noReceiver) !== 0,
      trail: trailOf(message),
    })
    const chosen = choose(matches, scene.terms.mayLose, scene.budget, message)
    explained.set(message, chosen?.cause ?? null)
  }
  return explained
}

function countCauses(
  messages: readonly number[],
  explained: ReadonlyMap<number, Cause | null>,
): ByCause {
  const byCause: Partial<Record<Cause, number>> = {}
  for (const message of messages) {
    const cause = explained.get(message)
    if (cause) byCause[cause] = (byCause[cause] ?? 0) + 1
  }
  return byCause
}

type Shape = Pick<LossAccount, 'prefix' | 'middle' | 'postfix' | 'bursts' | 'longestBurst'>

/** Where losses lie among the acknowledged messages of each start of a producer. */
function shapeOf(lost: readonly number[], { origins, told: said }: History): Shape {
  const isLost = new Set(lost)
  const shape = { prefix: 0, middle: 0, postfix: 0, bursts: 0, longestBurst: 0 }
  for (const { first, count } of origins) {
    /** Lost since the last that was not. */
    let tail = 0
    let isAnyKept = false
    let burst = 0
    for (let message = first; message < first + count; message++) {
      burst = isLost.has(message) ? burst + 1 : 0
      if (burst === 1) shape.bursts++
      shape.longestBurst = Math.max(shape.longestBurst, burst)
      if (((said[message] as number) & told.ok) === 0) continue
      if (isLost.has(message)) tail++
      else {
        shape[isAnyKept ? 'middle' : 'prefix'] += tail
        isAnyKept = true
        tail = 0
      }
    }
    shape[isAnyKept ? 'postfix' : 'prefix'] += tail
  }
  return shape
}
