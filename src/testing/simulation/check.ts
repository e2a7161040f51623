import type { Admin, Driver } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Receipt } from '../../runtime/api.ts'
import type { Handed, Track } from './judge.ts'
import type { Ledger } from './ledger.ts'
import type { Member } from './member.ts'
import { lineOf, type Plan } from './plan.ts'
import type { Process } from './process.ts'

/** One call of publish, and what it said; null: nothing yet. */
export interface Published {
  readonly id: string
  readonly by: Member
  answer: Receipt | NarrowcastError | null
}

const never = new AbortController().signal

export interface Checked {
  readonly plan: Plan
  readonly ledger: Ledger
  readonly published: readonly Published[]
  readonly members: readonly Member[]
}

/** What must hold when everything has ended. @returns what does not. */
export async function check(what: Checked, store: Driver): Promise<string[]> {
  return [
    ...checkPublished(what),
    ...checkOrder(what),
    ...[...what.ledger.tracks.values()].flatMap((track) => checkTrack(track, what)),
    ...checkDedupe(what),
    ...what.members.flatMap(checkMember),
    ...(await checkStore(what, store)),
  ]
}

/** What publish said against what the store has. */
function checkPublished({ plan, ledger, published }: Checked): string[] {
  return [...Map.groupBy(published, ({ id }) => id)].flatMap(([id, calls]) => {
    const stored = ledger.stored.get(id)?.length ?? 0
    const answers = calls.map(({ answer }) => answer)
    const receipts = answers.filter((one) => one && !(one instanceof NarrowcastError))
    const isOpen = (one: Published['answer']) =>
      one === null || (one instanceof NarrowcastError && !one.definite)
    const open = answers.filter(isOpen).length
    const isDeduped = plan.dedupe === 'publish'
    const least = isDeduped ? Math.min(1, receipts.length) : receipts.length
    const mayRepeat = plan.retry === 'always' && !isDeduped
    const most = mayRepeat ? Number.POSITIVE_INFINITY : least + open
    const isRight = stored >= least && stored <= (isDeduped ? 1 : most)
    if (isRight) return []
    return `message ${id}: ${receipts.length} receipts, ${open} uncertain answers, stored ${stored} times`
  })
}

/** What one process publishes to one channel is stored in the order of its calls. */
function checkOrder({ ledger, published }: Checked): string[] {
  const problems: string[] = []
  const last = new Map<string, { readonly id: string; readonly at: number }>()
  const calls = Map.groupBy(published, ({ id }) => id)
  for (const { id, by } of published) {
    const first = ledger.stored.get(id)?.[0]
    if (!first || calls.get(id)?.length !== 1) continue
    const place = `${first.channel} by ${by.process.name}`
    const before = last.get(place)
    const at = Number(first.position)
    if (before && before.at > at) problems.push(`${id} of ${place} is stored before ${before.id}`)
    last.set(place, { id, at })
  }
  return problems
}

/** One message in one group: one end, and every further run explained. */
function checkTrack(track: Track, { plan, members }: Checked): string[] {
  const hurried = new Set(members.flatMap((one) => (one.isHurried ? one.process : [])))
  const where = `message ${track.id} at ${track.position} of ${track.line}`
  const problems: string[] = []
  const ends = track.handed.filter(({ fate }) => fate === 'ack' || fate === 'dead')
  if (ends.length !== 1) problems.push(`${where} came to its end ${ends.length} times`)
  for (const handed of track.handed) {
    const text = unexplained(handed, plan, hurried)
    if (text) problems.push(`${where}: ${text}`)
    const isOwedWord = !hurried.has(handed.process) && wasLate(handed, plan)
    if (isOwedWord && !isTold(handed, members)) {
      problems.push(`${where}: ${handed.process.name} was late, and nobody told it`)
    }
    if (plan.isCalm && handed.fate !== 'release' && !wasSettled(handed)) {
      problems.push(`${where}: was ${handed.fate}, though no harm was done to anybody`)
    }
  }
  return problems
}

const wasSettled = ({ fate }: Handed) => fate === 'ack' || fate === 'dead' || fate === 'retry'

/** A handler that ended, and whose word did not count: its owner must have lost the message. */
function unexplained(handed: Handed, plan: Plan, hurried: ReadonlySet<Process>): string | null {
  const { fate, run, process, track, token } = handed
  if (fate === 'held') return `${token.reader} still holds it`
  const said = run?.said
  if (!said || said === 'drained' || wasSettled({ fate } as Handed)) return null
  if (fate === 'expired' || fate === 'revoked' || process.isDead) return null
  // By its own clock the owner had lost it before the store took it away.
  if (handed.isToldLost) return null
  // Closing open deliveries gives back what their holder has not settled, whatever it is doing.
  if (fate === 'release' && (plan.worker === 'deliveries' || hurried.has(process))) return null
  return `said ${said} by ${process.name}, and was ${fate} (${track.handed.length} deliveries)`
}

/** Its handler ended by itself, and the message was somebody else's by then. */
function wasLate({ fate, run, process }: Handed, plan: Plan): boolean {
  const isGone = fate === 'expired' || fate === 'revoked'
  const hasSaid = run !== null && run.said !== null && run.said !== 'drained'
  // Who closes open deliveries wants to hear nothing more of them.
  return isGone && hasSaid && !process.isDead && plan.worker !== 'deliveries'
}

function isTold({ process, track }: Handed, members: readonly Member[]): boolean {
  const member = members.find((one) => one.process === process)
  return member?.toldLate.includes(`${track.line}/${track.position}`) ?? false
}

/** An id that is remembered is worked off once, but where its owner could not renew its claim. */
function checkDedupe({ plan, ledger }: Checked): string[] {
  if (plan.dedupe !== 'consume') return []
  const done = [...ledger.tracks.values()].filter(({ handed }) =>
    handed.some(({ fate, run }) => fate === 'ack' && run),
  )
  return [...Map.groupBy(done, ({ id, line }) => `${id} of ${line}`)].flatMap(([id, tracks]) =>
    tracks.length > 1 &&
    !ledger.claims.takenFrom.get(id)?.some((one) => ledger.readers.wasCutOff(one))
      ? `message ${id} was worked off ${tracks.length} times`
      : [],
  )
}

/** Who finished late was told, and who was closed has left nothing running. */
function checkMember({ process, toldLate, role }: Member): string[] {
  if (process.isDead) return []
  const problems: string[] = []
  if (process.sleepers > 0) problems.push(`${process.name}: ${process.sleepers} sleeps never ended`)
  if (role === 'publisher' && toldLate.length > 0) problems.push(`${process.name} was told of late`)
  return problems
}

async function checkStore({ plan, ledger }: Checked, store: Driver): Promise<string[]> {
  await using session = await store.open({ closed: () => {} }, never)
  const found = plan.channels.map((name) => checkChannel(name, plan, ledger, session.admin))
  return (await Promise.all(found)).flat()
}

async function checkChannel(
  name: string,
  { pattern, groups }: Plan,
  ledger: Ledger,
  admin: Admin,
): Promise<string[]> {
  const channel = { name, pattern }
  const [depth] = (await admin.depths?.([channel], never)) ?? []
  const stored = [...ledger.stored.values()].flat().filter((one) => one.channel === name).length
  if (!depth) return stored > 0 ? [`channel ${name} is not there`] : []
  const lines = new Set(groups.map((group) => lineOf(name, group)))
  const ends = [...ledger.tracks.values()].filter(({ line }) => lines.has(line))
  const wanted = {
    waiting: 0,
    inFlight: 0,
    scheduled: 0,
    dead: ends.filter(({ end }) => end === 'dead').length,
    in: stored,
    out: ends.filter(({ end }) => end === 'ack').length,
  }
  const problems = Object.entries(wanted).flatMap(([what, count]) => {
    const found = depth[what as keyof typeof wanted]
    return found === count ? [] : `the store counts ${what} ${found} in ${name}, expected ${count}`
  })
  if (pattern === 'queue') return problems
  const left = ((await admin.groups?.(channel, never)) ?? []).filter(({ readers }) => readers !== 0)
  return [...problems, ...left.map(({ group }) => `group ${group} of ${name} still has readers`)]
}
