import type { Delivery, Settlement, Token } from '../../core/message.ts'
import type { Process } from './process.ts'

/** What a handler said of one delivery. */
export type Said = 'ack' | 'fail' | 'dead' | 'drained'

/** One delivery as the store knows it, and what became of it. */
export interface Handed {
  readonly token: Token
  readonly process: Process
  readonly track: Track
  readonly delivery: Delivery
  fate: 'held' | 'ack' | 'retry' | 'release' | 'dead' | 'expired' | 'revoked' | 'again'
  /** Its lease, as the store last renewed it. */
  ownedUntilMs: number
  /** Its owner was told that it is lost, maybe by its own clock alone. */
  isToldLost: boolean
  /** Its reader has opened anew without it: it comes again before anything else. */
  isOwed: boolean
  /** The handler ran; null: it has not ended. */
  run: { said: Said | null } | null
}

/** One stored message on its way through one line. */
export interface Track {
  readonly id: string
  readonly position: string
  readonly line: string
  readonly handed: Handed[]
  failures: number
  crashes: number
  /** It may not come before. */
  dueMs: number
  end: 'ack' | 'dead' | null
}

/** That of a message which is handed out, begun where it is the first time. */
export function trackOf(
  tracks: Map<string, Track>,
  line: string,
  { message: { id }, position = '' }: Delivery,
): Track {
  const known = tracks.get(`${line}/${position}`)
  if (known) return known
  const counts = { failures: 0, crashes: 0, dueMs: 0, end: null }
  const track: Track = { id, position, line, handed: [], ...counts }
  tracks.set(`${line}/${position}`, track)
  return track
}

export interface Rules {
  readonly attempts: number
  readonly deliveriesMax: number
  readonly backoffMsMax: number
  readonly dedupeOnConsume: boolean
  /** The runtime applies attempts and crash limits; else the caller of `deliveries()` does. */
  readonly hasPolicy: boolean
  readonly nowMs: () => number
  /** Every step is noted. */
  readonly isTraced: boolean
}

/** What is wrong with a delivery, by what became of the message before. */
export function judgeDelivery(
  track: Track,
  { failures, crashes }: Delivery,
  { nowMs }: Rules,
): string[] {
  const wrong: string[] = []
  if (track.end) wrong.push(`was handed out after its end, ${track.end}`)
  if (failures !== track.failures) {
    wrong.push(`has ${track.failures} failures, the delivery says ${failures}`)
  }
  if (crashes !== track.crashes) {
    wrong.push(`has ${track.crashes} crashes, the delivery says ${crashes}`)
  }
  if (nowMs() < track.dueMs) wrong.push('came before it was due')
  return wrong
}

/** A suspect runs alone: what is wrong with a handler that begins beside these; null: nothing. */
export function judgeCompany(handed: Handed, beside: readonly Handed[]): string | null {
  const hasSuspect = [handed, ...beside].some(({ delivery }) => delivery.crashes !== 0)
  if (beside.length === 0 || !hasSuspect) return null
  return `begins beside ${beside.length}, and one of them is a suspect`
}

/** What is wrong with a handler that begins now. */
export function judgeRun(handed: Handed, { hasPolicy, deliveriesMax, nowMs }: Rules): string[] {
  const wrong: string[] = []
  const { crashes } = handed.delivery
  if (handed.run) wrong.push('was given to two handlers as one delivery')
  if (!hasPolicy) return wrong
  // The owner's own clock ends a lease no later than the store: after a pause it must ask it first.
  const isOver = handed.fate === 'expired' || handed.ownedUntilMs <= nowMs()
  if (isOver) wrong.push('begins after its lease is over')
  if (Number(crashes) >= deliveriesMax)
    wrong.push(`runs after ${crashes} of ${deliveriesMax} crashes`)
  return wrong
}

/** What is wrong with a handler that ends now; null: nothing. */
export function judgeEnd(handed: Handed, { nowMs }: Rules): string | null {
  const { fate, isToldLost, ownedUntilMs, process } = handed
  const isOver = (fate === 'held' || fate === 'expired') && nowMs() > ownedUntilMs
  // After a pause its end and the word of its loss come together.
  if (!isOver || isToldLost || process.wasFrozen) return null
  return 'ran on after its lease was over, and was not told'
}

/** What is wrong with a settlement that the store has carried out; null: nothing. */
export function judge(
  handed: Handed,
  settlement: Settlement,
  rules: Rules,
  isDone: (id: string) => boolean,
): string | null {
  const said = handed.run?.said ?? null
  switch (settlement.kind) {
    case 'ack': {
      if (said === 'ack') return null
      // A twin of what was worked off is acknowledged without a run.
      if (rules.dedupeOnConsume && !handed.run && isDone(handed.track.id)) return null
      return `was acknowledged, its handler ${saidOf(handed)}`
    }
    case 'release':
      return said && said !== 'drained' ? `was released after its handler said ${said}` : null
    case 'dead':
      return judgeDeath(handed, settlement.letter, rules)
    case 'retry':
      return judgeRetry(handed, settlement, rules)
  }
}

function judgeDeath(
  handed: Handed,
  { cause, failures }: Extract<Settlement, { kind: 'dead' }>['letter'],
  { attempts, deliveriesMax }: Rules,
): string | null {
  const { track } = handed
  const said = handed.run?.said ?? null
  const isRight = {
    failures: said === 'fail' && failures === attempts && track.failures === attempts - 1,
    crashes: handed.run === null && track.crashes >= deliveriesMax,
    verdict: said === 'dead',
    invalid: handed.run === null,
  }[cause]
  if (isRight) return null
  const counts = `${failures} of ${attempts} failures, ${track.crashes} crashes`
  return `died of ${cause} with ${counts}, its handler ${saidOf(handed)}`
}

function judgeRetry(
  handed: Handed,
  { failures, delayMs }: Extract<Settlement, { kind: 'retry' }>,
  { attempts, backoffMsMax, hasPolicy }: Rules,
): string | null {
  const { track } = handed
  if (handed.run?.said !== 'fail') return `was retried, its handler ${saidOf(handed)}`
  if (failures !== track.failures + 1) {
    return `had ${track.failures} failures, the retry says ${failures}`
  }
  if (hasPolicy && failures >= attempts) return `failed ${failures} times of ${attempts}, and lives`
  if (delayMs >= 0 && delayMs <= backoffMsMax) return null
  return `is retried in ${delayMs} ms, at most ${backoffMsMax} are allowed`
}

function saidOf({ run }: Handed): string {
  if (run === null) return 'never ran'
  return run.said === null ? 'had not ended' : `said ${run.said}`
}
