import type { LabEvent } from '../../lab/evidence/evidence.ts'
import { untilZeroMs } from '../../lab/run/play.ts'
import type { RunPhase, Watcher } from '../../lab/run/result.ts'
import { depthFile, eventsFile, evidenceLine } from '../../lab/runFolder/evidenceLines.ts'
import type { RunFolder } from '../../lab/runFolder/runFolder.ts'
import { Tails, type Tally } from '../../lab/runFolder/tails.ts'
import { shownPath } from '../demo/place.ts'
import type { Invocation } from '../invocation.ts'
import { type Feed, makeFeed } from '../output/feed.ts'
import { showCount, showElapsed } from '../output/quantities.ts'
import { incidentLine } from './incidentLine.ts'

export const liveFile = 'live.ndjson'

/** What the line above the progress says. */
export interface RunFacts {
  readonly title: string
  /** That the load has, by plan. */
  readonly messages: number
  /** Groups, or subscribers: each does all of them. */
  readonly readers: number
  /** What happens is not told line by line. */
  readonly isBrief: boolean
}

/** Tells a person, and the files of the run, how it goes on. */
export interface Narrator extends Watcher {
  /** Of what has been seen, nothing is told any more. */
  close(): Promise<void>
}

const everyMs = 1_000
/** After this the broker is one that does not answer. */
const silentMs = 3_000
const phaseWords: Readonly<Record<RunPhase, string>> = {
  starting: 'starting',
  probing: 'finding out who is there',
  load: 'under load',
  halting: 'sending no more; Ctrl-C again ends it at once',
  draining: 'draining',
  listening: 'listening for what comes twice or late',
  judging: 'judging',
}

export function narrate(invocation: Invocation, folder: RunFolder, facts: RunFacts): Narrator {
  const { clock } = invocation
  const tails = new Tails(folder.ledgers)
  const closing = new AbortController()
  let seen: Seen = { phase: 'starting', tally: null, waiting: null, isSilent: false, elapsedMs: 0 }
  /** When the broker has last said how much waits. */
  let answeredMs: number | null = null
  let zeroMs: number | null = null
  const elapsedMs = () => (zeroMs === null ? 0 : Math.max(0, clock.monotonicMs() - zeroMs))
  const feed = openFeed(invocation, facts, () => ({ ...seen, elapsedMs: elapsedMs() }))
  const look = async () => {
    const isSilent = answeredMs !== null && clock.monotonicMs() - answeredMs > silentMs
    seen = { ...seen, tally: await tails.read(), isSilent: isSilent && hasLoad(seen.phase) }
    folder.append(liveFile, JSON.stringify({ atMs: Math.round(elapsedMs()), ...lineOf(seen) }))
    feed.changed()
  }
  const looking = (async () => {
    while (!closing.signal.aborted) {
      await look()
      await clock.sleep(everyMs, closing.signal)
    }
  })()
  return {
    event(event) {
      folder.append(eventsFile, evidenceLine(event))
      const line = !facts.isBrief && isNews(event, seen.phase) ? incidentLine(event) : null
      if (line !== null) feed.say(`  ${clockOf(elapsedMs())}  ${line}`)
    },
    depth(sample) {
      folder.append(depthFile, evidenceLine(sample))
      const { waiting } = sample
      answeredMs = clock.monotonicMs()
      seen = { ...seen, waiting: waiting === 'unknown' ? null : waiting, isSilent: false }
    },
    phase(phase) {
      seen = { ...seen, phase }
      if (phase === 'load') zeroMs = clock.monotonicMs() + untilZeroMs
      if (!facts.isBrief) feed.plain(`  ${clockOf(elapsedMs())}  ${phaseWords[phase]}`)
      // Who ends it at once is told nothing afterwards.
      if (phase === 'halting') feed.say(`  What there is lies in ${shownPath(folder.path)}/`)
      feed.changed()
    },
    async close() {
      closing.abort()
      await looking
      feed.close()
    },
  }
}

interface Seen {
  readonly phase: RunPhase
  /** Null: nobody has looked yet. */
  readonly tally: Tally | null
  /** Null: the broker does not tell. */
  readonly waiting: number | null
  /** It has told before. */
  readonly isSilent: boolean
  readonly elapsedMs: number
}

function openFeed(
  { live, output, interrupts }: Invocation,
  { title, messages, readers }: RunFacts,
  seen: () => Seen,
): Feed {
  const look = output.lookOfStderr
  const counts = () => {
    const { tally, waiting, isSilent } = seen()
    const waits = waiting === null ? [] : [`waiting ${showCount(waiting)}`]
    return [
      // Where all share one process its ledgers are in memory.
      ...(tally === null
        ? [`${showCount(messages)} to send`]
        : [
            `sent ${showCount(tally.sent)}/${showCount(messages)}`,
            `done ${showCount(tally.done)}/${showCount(messages * readers)}`,
          ]),
      ...(isSilent ? ['the broker does not answer'] : waits),
    ].join('  ')
  }
  return makeFeed({
    live,
    quiet: output.quiet,
    screen: output.stderr as NodeJS.WriteStream,
    keyboard: process.stdin,
    frame: () => {
      const { phase, elapsedMs, tally } = seen()
      const bar = look.bar(messages === 0 ? 1 : (tally?.sent ?? 0) / messages, 20)
      return [
        look.paint('bold', title),
        `${bar}  ${counts()}`,
        look.paint('dim', `${showElapsed(elapsedMs)}  ${phaseWords[phase]}   q ends it in order`),
      ]
    },
    heartbeat: () => `  ${clockOf(seen().elapsedMs)}  ${counts()}`,
    onStop: () => interrupts.stop(),
    onInterrupt: () => interrupts.interrupt(),
    ellipsis: look.ellipsis,
  })
}

function hasLoad(phase: RunPhase): boolean {
  return phase === 'load' || phase === 'halting' || phase === 'draining'
}

/** At its end all leave, and fresh ones come: that is no fault. */
function isNews({ event }: LabEvent, phase: RunPhase): boolean {
  return phase === 'load' || phase === 'halting' || event === 'EXIT'
}

function lineOf({ phase, tally, waiting }: Seen) {
  return { phase, ...tally, waiting }
}

/** `00:08.7` */
function clockOf(ms: number): string {
  return `${showElapsed(ms)}.${Math.floor(ms / 100) % 10}`
}
