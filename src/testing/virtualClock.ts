import type { Clock } from '../core/clock.ts'

/** A clock that stands still until it is told to move. */
export interface VirtualClock extends Clock {
  /** Calls of `sleep` that have not ended. */
  readonly sleepers: number
  /**
   * Lets `ms` pass. Whoever sleeps is woken in the order of its time, and what it does next
   * settles before the one after it is woken. Resolves when the whole time has passed.
   */
  advance(ms: number): Promise<void>
  /** Moves to the next sleeper's time and wakes all that are due then; false if nobody sleeps. */
  advanceToNext(): Promise<boolean>
  /**
   * Moves from sleeper to sleeper until the promise has settled, and returns its value.
   * @throws an Error when nobody sleeps any more, or after `limitMs` of this clock.
   */
  runUntil<T>(promise: Promise<T>, limitMs?: number): Promise<T>
  /** Lets what needs no time go on: promises, and `turns` turns of the event loop. @default 3 */
  settle(turns?: number): Promise<void>
  /** Moves the wall clock alone, as an operator or a time server does; negative: back. */
  jumpWall(ms: number): void
}

interface Sleeper {
  readonly dueMs: number
  readonly wake: () => void
}

const turnsToSettle = 3
const turn = () => new Promise<void>((done) => setImmediate(done))

/** A promise may need turns of real input and output before it sleeps or settles. */
const turnsBeforeStuck = 50

async function eventLoop(turns: number): Promise<void> {
  for (let n = 0; n < turns; n++) await turn()
}

/**
 * An hour in milliseconds. `startMs` is the first wall time (@default 2026-01-01T00:00Z);
 * monotonic time begins at 0. `sleep(0)` ends after a turn of the event loop, without advancing.
 * `settle` waits until what needs no time has gone on (@default so many turns of the event loop).
 */
export function virtualClock(
  startMs = 1_767_225_600_000,
  settle: (turns: number) => Promise<void> = eventLoop,
): VirtualClock {
  /** By due time; equal ones in the order of their calls. */
  const sleepers: Sleeper[] = []
  let nowMs = 0
  let wallOffsetMs = startMs

  function add(sleeper: Sleeper): void {
    let at = sleepers.length
    while (at > 0 && (sleepers[at - 1] as Sleeper).dueMs > sleeper.dueMs) at--
    sleepers.splice(at, 0, sleeper)
  }

  /** Wakes one by one all that are due by then. */
  async function wakeUntil(untilMs: number): Promise<void> {
    for (let next = sleepers[0]; next && next.dueMs <= untilMs; next = sleepers[0]) {
      nowMs = Math.max(nowMs, next.dueMs)
      next.wake()
      await settle(turnsToSettle)
    }
    nowMs = Math.max(nowMs, untilMs)
  }

  async function wakeNext(): Promise<boolean> {
    const next = sleepers[0]
    if (!next) return false
    await wakeUntil(next.dueMs)
    return true
  }

  return {
    get sleepers() {
      return sleepers.length
    },
    wallMs: () => nowMs + wallOffsetMs,
    monotonicMs: () => nowMs,
    sleep(ms, signal) {
      if (signal.aborted) return Promise.resolve()
      if (ms <= 0) return turn()
      return new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake)
          sleepers.splice(sleepers.indexOf(sleeper), 1)
          resolve()
        }
        const sleeper: Sleeper = { dueMs: nowMs + ms, wake }
        signal.addEventListener('abort', wake, { once: true })
        add(sleeper)
      })
    },
    settle: (turns = turnsToSettle) => settle(turns),
    async advance(ms) {
      const untilMs = nowMs + ms
      await settle(turnsToSettle)
      await wakeUntil(untilMs)
    },
    async advanceToNext() {
      await settle(turnsToSettle)
      return wakeNext()
    },
    async runUntil(promise, limitMs = Number.POSITIVE_INFINITY) {
      const untilMs = nowMs + limitMs
      let isOver = false
      const end = () => {
        isOver = true
      }
      promise.then(end, end)
      await settle(turnsToSettle)
      while (!isOver) {
        if (nowMs > untilMs) throw new Error(`virtualClock: not settled after ${limitMs} ms`)
        if (await wakeNext()) continue
        await settle(turnsBeforeStuck)
        if (isOver || sleepers.length > 0) continue
        throw new Error('virtualClock: nobody sleeps, and the promise has not settled')
      }
      return promise
    },
    jumpWall(ms) {
      wallOffsetMs += ms
    },
  }
}
