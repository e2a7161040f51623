import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { type Clock, systemClock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { type Guard, startGuard } from '../working/guard.ts'
import { errorOf, type FromChild, type ToChild } from './protocol.ts'

export interface ChildInfo {
  /** `w1` */
  readonly name: string
  readonly pid: number
  /** How often it was started anew. */
  readonly restarts: number
}

export interface ChildrenOptions<Job, Event> {
  /** Of the module that calls `serveParent`, without its ending: `./working/child`. */
  readonly entry: URL
  readonly count: number
  readonly job: Job
  /** What each child gives its work to end in when it drains; it is killed 2 s after that. */
  readonly drainMs: number
  readonly onEvent: (child: ChildInfo, event: Event) => void
  readonly onStart: (child: ChildInfo) => void
  /** It died, and is started anew unless all are to end. `why`: `SIGKILL`, `exit 1`. */
  readonly onDeath: (child: ChildInfo, why: string) => void
  /** It has ended by itself, in order, and is not started anew. */
  readonly onEnd?: (child: ChildInfo) => void
  /** Names of those that are not started. @default none */
  readonly without?: ReadonlySet<string>
  readonly clock?: Clock
}

/** A child that dies so soon is not started anew at once. */
const earlyMs = 2_000
/** In a row, of one child that never told anything: it cannot begin. */
const silentDeathsMax = 3
const restartMs = 500
/** Beyond its own deadline, for a child to give back what it holds and to close. */
const drainGraceMs = 2_000
/** What a child gets to end the programs that it runs. */
const killAfterMs = 2_000

/**
 * Child processes that do the same work. One that dies is started anew; none outlives this
 * process: a child ends when its channel to the parent closes, and is killed where it does not see
 * that (not on Windows).
 */
export class Children<Job, Event> {
  /** Rejects when a child says that it cannot work, or dies again and again at its start. */
  readonly failed: Promise<never>
  /** Resolves when every child has ended by itself. */
  readonly ended: Promise<void>
  readonly #options: ChildrenOptions<Job, Event>
  readonly #clock: Clock
  readonly #running = new Map<string, ChildProcess>()
  readonly #stopping = new AbortController()
  /** Ends the children with this process, also one that is too busy to see its channel close. */
  #guard: Guard | null = null
  readonly #silentDeaths = new Map<string, number>()
  #isKilling = false
  #reject: (error: NarrowcastError) => void
  #allEnded: () => void

  constructor(options: ChildrenOptions<Job, Event>) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    const failed = Promise.withResolvers<never>()
    const ended = Promise.withResolvers<void>()
    this.failed = failed.promise
    this.ended = ended.promise
    this.#reject = failed.reject
    this.#allEnded = ended.resolve
    // Whoever waits for it gets it; nobody may be waiting while the children drain.
    this.failed.catch(() => {})
    if (process.platform !== 'win32') this.#startGuard()
    for (let n = 1; n <= options.count; n++) {
      if (!options.without?.has(`w${n}`)) this.#start(`w${n}`, 0)
    }
  }

  /** Processes that live now. */
  get count(): number {
    return this.#running.size
  }

  /**
   * Every child settles what it has in hand, gives the rest back, and ends. One that does not
   * within `drainMs` and 2 s is killed. Resolves with how many were.
   */
  async drain(): Promise<number> {
    this.#stopping.abort()
    for (const child of this.#running.values()) this.#say(child, { kind: 'drain' })
    if (this.#running.size === 0) return 0
    const waiting = new AbortController()
    const limitMs = this.#options.drainMs + drainGraceMs
    await Promise.race([this.ended, this.#clock.sleep(limitMs, waiting.signal)])
    waiting.abort()
    const left = this.#running.size
    if (left > 0) await this.kill()
    return left
  }

  /** Ends all at once, with the programs they run; what they hold comes again after the lease. */
  async kill(): Promise<void> {
    this.#stopping.abort()
    this.#isKilling = true
    const all = [...this.#running.values()]
    const gone = Promise.all(
      all.map((child) => new Promise<void>((done) => child.once('exit', () => done()))),
    )
    // A child whose parent is gone cleans up and exits. One that hangs is not waited for.
    for (const child of all) if (child.connected) child.disconnect()
    await Promise.race([gone, this.#clock.sleep(killAfterMs, new AbortController().signal)])
    for (const child of all) child.kill('SIGKILL')
  }

  #startGuard(): void {
    const guard = startGuard(() => {
      if (this.#guard !== guard) return
      this.#guard = null
      void this.#guardAgain()
    })
    this.#guard = guard
    for (const { pid } of this.#running.values()) if (pid !== undefined) void guard.add(pid)
  }

  async #guardAgain(): Promise<void> {
    await this.#clock.sleep(restartMs, this.#stopping.signal)
    if (this.#running.size > 0) this.#startGuard()
  }

  #endIfEmpty(): void {
    if (this.#running.size > 0) return
    this.#guard?.end()
    this.#guard = null
    this.#allEnded()
  }

  #start(name: string, restarts: number): void {
    const { entry, job, onEvent, onStart, onDeath } = this.#options
    const path = new URL(`${entry.href}${extname(import.meta.url)}`)
    const beganMs = this.#clock.monotonicMs()
    const child = fork(path, {
      env: childEnv(),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // A group of its own: Ctrl-C would else end it while it starts and cannot refuse yet.
      detached: true,
    })
    const info: ChildInfo = { name, pid: child.pid ?? 0, restarts }
    this.#running.set(name, child)
    let isDone = false
    let isSilent = true
    child.on('message', (message: FromChild<Event>) => {
      isSilent = false
      if (message.kind === 'event') onEvent(info, message.event)
      else if (message.kind === 'failed') this.#reject(errorOf(message.error))
      if (message.kind !== 'event') isDone = true
    })
    child.on('error', (cause) =>
      this.#reject(
        new NarrowcastError('INTERNAL', `${name} cannot be started: ${cause.message}`, { cause }),
      ),
    )
    child.on('exit', (code, signal) => {
      this.#running.delete(name)
      if (child.pid !== undefined) this.#guard?.remove(child.pid)
      const isDeath = !isDone && !this.#isKilling
      if (isDone && code === 0 && !this.#stopping.signal.aborted) this.#options.onEnd?.(info)
      if (isDeath) {
        this.#silentDeaths.set(name, isSilent ? (this.#silentDeaths.get(name) ?? 0) + 1 : 0)
        onDeath(info, signal ?? `exit ${code}`)
      }
      if (isDeath && !this.#stopping.signal.aborted) {
        const isEarly = this.#clock.monotonicMs() - beganMs < earlyMs
        void this.#restart(info, signal ?? `exit ${code}`, isEarly)
      } else this.#endIfEmpty()
    })
    if (child.pid !== undefined) void this.#guard?.add(child.pid)
    this.#say(child, { kind: 'job', name, job })
    onStart(info)
  }

  /** One that has died, which is not known here yet, is told of by its exit alone. */
  #say(child: ChildProcess, message: ToChild<Job>): void {
    if (child.connected) child.send(message, () => {})
  }

  async #restart(info: ChildInfo, why: string, isEarly: boolean): Promise<void> {
    const silentDeaths = this.#silentDeaths.get(info.name) ?? 0
    if (silentDeaths >= silentDeathsMax) {
      const text = `${info.name} died ${silentDeaths} times before it could begin (${why})`
      const hint =
        'What ends it? SIGKILL often means that memory ran out; a module may exit by itself'
      this.#reject(new NarrowcastError('INTERNAL', text, { hint }))
      return
    }
    if (isEarly) await this.#clock.sleep(restartMs, this.#stopping.signal)
    if (!this.#stopping.signal.aborted) this.#start(info.name, info.restarts + 1)
    else this.#endIfEmpty()
  }
}

/** Node warns when both are set, and a child's output is no terminal of ours. */
export function childEnv(): NodeJS.ProcessEnv {
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env
  return env
}
