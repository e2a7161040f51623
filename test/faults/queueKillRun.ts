import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { connect } from '../../src/connect.ts'
import { asNarrowcastError } from '../../src/core/errors.ts'
import { seededRandom } from '../../src/runtime/random.ts'

/** A server of our own that loses nothing when it is killed. */
export interface KilledServer extends AsyncDisposable {
  readonly url: string
  kill(): Promise<void>
  restart(): Promise<void>
}

export interface QueueKillPlan {
  readonly start: () => Promise<KilledServer>
  readonly messages: number
  /** Of workers and of the server; every fourth is the server. */
  readonly kills: number
  readonly workers: number
  readonly seed: number
  /** Nothing is worked off for so long: it hangs. */
  readonly stuckMs: number
  readonly say: (line: string) => void
}

export interface QueueKillLedger {
  readonly published: number
  readonly worked: number
  /** Stored, and given to nobody. */
  readonly lost: number
  /** Given more than once. */
  readonly repeats: number
  /** Of these, with no kill between one time and the next. */
  readonly unexplained: number
  readonly dead: number
  /** Still there when all was done. */
  readonly left: number
  readonly workerKills: number
  readonly serverKills: number
}

/** One time that a message was worked on, or one kill. */
interface Happened {
  readonly atMs: number
  readonly worker: number
}

interface Worker {
  readonly number: number
  readonly child: ChildProcess
}

/** Of the server: it ends the ownership of nobody, but answers are lost. */
const server = 0
/** Only who is killed is to hold up its messages for so long. */
const leaseMs = 5_000
/** What was told just before a kill may be read after it. */
const slackMs = 1_000

class Run implements AsyncDisposable {
  readonly #plan: QueueKillPlan
  readonly #server: KilledServer
  readonly #times = new Map<number, Happened[]>()
  readonly #kills: Happened[] = []
  readonly #workers = new Set<Worker>()
  readonly #unsure = new Set<number>()
  #told = Promise.withResolvers<Worker>()
  #numbers = server
  #repeats = 0

  private constructor(plan: QueueKillPlan, killed: KilledServer) {
    this.#plan = plan
    this.#server = killed
  }

  static async begin(plan: QueueKillPlan): Promise<Run> {
    const run = new Run(plan, await plan.start())
    for (let n = 0; n < plan.workers; n++) run.#start()
    return run
  }

  async play(): Promise<QueueKillLedger> {
    const { messages, kills, seed, say } = this.#plan
    await using bus = await connect(this.#url)
    const channel = bus.queue<number>('jobs', { leaseMs })
    await channel.opened()
    const random = seededRandom(seed)
    let next = 0
    for (let kill = 1; kill <= kills; kill++) {
      // A part for each kill, so that there is always one at work to be killed.
      const upTo = Math.floor((messages * kill) / kills)
      const publishing = this.#publish(channel, next, upTo)
      await this.#kill(kill % 4 === 0, random() * 50)
      await publishing
      next = upTo
      if (kill % 10 === 0) say(`${kill} kills, ${this.#times.size} of ${next} worked off`)
    }
    await this.#drained()
    const left = await this.#left()
    return { ...this.#judge(), ...left }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#workers) child.kill('SIGKILL')
    await this.#server[Symbol.asyncDispose]()
  }

  get #url(): string {
    return this.#server.url
  }

  #start(): void {
    const number = ++this.#numbers
    const child = fork(new URL('queueKillWorker.ts', import.meta.url), [
      ...[this.#url, String(leaseMs)],
    ])
    const worker = { number, child }
    child.on('message', (ids: number[]) => {
      this.#told.resolve(worker)
      const atMs = performance.now()
      for (const id of ids) {
        const before = this.#times.get(id)
        if (before) {
          this.#repeats++
          before.push({ atMs, worker: number })
        } else this.#times.set(id, [{ atMs, worker: number }])
      }
    })
    this.#workers.add(worker)
  }

  /** The server, or the worker that tells next: it has something in hand. */
  async #kill(isServer: boolean, delayMs: number): Promise<void> {
    this.#told = Promise.withResolvers()
    const worker = await this.#told.promise
    await wait(delayMs)
    if (isServer) {
      await this.#server.kill()
      this.#kills.push({ atMs: performance.now(), worker: server })
      await this.#server.restart()
      return
    }
    const { number, child } = worker
    this.#workers.delete(worker)
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
    this.#kills.push({ atMs: performance.now(), worker: number })
    this.#start()
  }

  /** Until each is stored. What may be stored is published again: that is told as unsure. */
  async #publish(
    channel: { publishMany(batch: { data: number }[]): Promise<unknown[]> },
    from: number,
    to: number,
  ): Promise<void> {
    let rest = Array.from({ length: to - from }, (_, n) => from + n)
    while (rest.length > 0) {
      const some = rest.splice(0, 100)
      const answers = await channel.publishMany(some.map((data) => ({ data })))
      const failed = some.filter((data, at) => {
        if (!(answers[at] instanceof Error)) return false
        if (!asNarrowcastError(answers[at]).definite) this.#unsure.add(data)
        return true
      })
      if (failed.length > 0) await wait(20)
      rest = [...failed, ...rest]
    }
  }

  async #drained(): Promise<void> {
    const { messages, stuckMs } = this.#plan
    let seen = -1
    for (let sinceMs = performance.now(); this.#times.size < messages; await wait(50)) {
      if (this.#times.size + this.#repeats !== seen) {
        seen = this.#times.size + this.#repeats
        sinceMs = performance.now()
      }
      if (performance.now() - sinceMs > stuckMs) return
    }
  }

  /** What was told is acknowledged soon after, or comes again when the lease of the killed is over. */
  async #left(): Promise<{ dead: number; left: number }> {
    await using bus = await connect(this.#url)
    const ask = async () => {
      const [depth] = await bus.admin.depths([{ name: 'jobs', pattern: 'queue' }])
      const { dead = 0, stored = 0, waiting = 0 } = depth ?? {}
      // Not every broker counts what is in hand; what is settled there by nobody comes again.
      return { dead: Number(dead), left: Number(stored === 'unknown' ? waiting : stored) }
    }
    const sinceMs = performance.now()
    while (performance.now() - sinceMs < this.#plan.stuckMs) {
      const { left } = await ask()
      if (left === 0) break
      await wait(50)
    }
    return await ask()
  }

  #judge(): Omit<QueueKillLedger, 'dead' | 'left'> {
    let unexplained = 0
    for (const [id, times] of this.#times) {
      for (let at = 1; at < times.length; at++) {
        const [before, again] = times.slice(at - 1, at + 1) as [Happened, Happened]
        if (!this.#isExplained(before, again) && !this.#unsure.has(id)) unexplained++
      }
    }
    const serverKills = this.#kills.filter(({ worker }) => worker === server).length
    return {
      published: this.#plan.messages,
      worked: this.#times.size,
      lost: this.#plan.messages - this.#times.size,
      repeats: this.#repeats,
      unexplained,
      serverKills,
      workerKills: this.#kills.length - serverKills,
    }
  }

  #isExplained(before: Happened, again: Happened): boolean {
    return this.#kills.some(({ atMs, worker }) => {
      const isBetween = atMs >= before.atMs - slackMs && atMs <= again.atMs + slackMs
      return isBetween && (worker === server || worker === before.worker)
    })
  }
}

/** Kills workers and the server, which writes each change to its disk, while messages flow. */
export async function queueKillRun(plan: QueueKillPlan): Promise<QueueKillLedger> {
  await using run = await Run.begin(plan)
  return await run.play()
}
