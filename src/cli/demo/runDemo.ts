import { join } from 'node:path'
import { connect } from '../../connect.ts'
import type { Clock } from '../../core/clock.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Bus } from '../../runtime/api.ts'
import { demoPlan, gamesOf } from '../../simulator/plan.ts'
import { type BotsRun, runBots } from '../../simulator/runBots.ts'
import { type Arena, openArena, routes } from './arena.ts'
import { Crew } from './crew.ts'
import type { Ledger } from './ledger.ts'
import { reread, tables } from './reread.ts'
import { checkBackend, type Setting } from './setting.ts'
import type { Story } from './story.ts'
import { type DemoResult, judge } from './verdict.ts'

export interface DemoSettings {
  readonly seed: number
  /** Folder of this run; `data` below it gets the files. */
  readonly dir: string
  /** The folder of the files, as shown. */
  readonly shownDir: string
  readonly setting: Setting
  /** Port of the game server, 0: a free one. */
  readonly port: number
  /** How long the games are stretched. */
  readonly playMs: number
  readonly bug: 'ack-before-write' | null
  readonly clock: Clock
  readonly elapsedMs: () => number
  /** Fires when the run is to end: everything is stopped, and ABORTED is thrown. */
  readonly signal: AbortSignal
}

/** What the demo shows while it runs. */
export interface Stage {
  readonly ledger: Ledger
  readonly story: Story
  /** Something changed that a frame may show. */
  changed(): void
  /** Wall time of the kill. */
  killed(wallMs: number): void
  trouble(text: string): void
}

export const workerNames = ['w1', 'w2', 'w3', 'w4']
export const playersCount = 10
export const channelName = routes[0]?.channel ?? ''
const victim = 'w3'

/** Turns of the longest game of a round, times rounds: what a pause per turn adds up to. */
const turnsInAll = 216
/** At these shares of the play the victim is held and killed: 0:10 and 0:12 of 22 s. */
const holdShare = 0.36
const killShare = 0.455
const startMsMax = 60_000
/** Longest wait for the last messages, beyond two leases. */
const drainMsMax = 15_000

/** Plays, kills, drains, reads the files again and judges. Leaves no process behind. */
export async function runDemo(settings: DemoSettings, stage: Stage): Promise<DemoResult> {
  const run = new DemoRun(settings, stage)
  await using cleanup = new AsyncDisposableStack()
  return await run.all(cleanup)
}

class DemoRun {
  readonly #settings: DemoSettings
  readonly #stage: Stage
  readonly #missing: string[] = []
  readonly #plan
  #killed: DemoResult['killed'] = null
  #isPlaying = false

  constructor(settings: DemoSettings, stage: Stage) {
    this.#settings = settings
    this.#stage = stage
    this.#plan = demoPlan(settings.seed)
  }

  async all(cleanup: AsyncDisposableStack): Promise<DemoResult> {
    const { setting, seed, dir, shownDir, elapsedMs, signal } = this.#settings
    const { ledger, story } = this.#stage
    const bus = cleanup.use(await connect(setting.url, { name: 'demo', signal }))
    await checkBackend(bus, channelName, signal)
    await bus.queue(channelName).opened()
    const crew = cleanup.use(this.#startCrew())
    const arena = cleanup.use(await this.#openArena())
    const bots = cleanup.use(this.#startBots(arena))
    await this.#until(() => crew.isStarted(), startMsMax, 'the workers to start')
    story.started(crew.workers)
    await this.#until(() => this.#isPlaying, startMsMax, 'the players to begin')
    story.tell('players are fighting; every finished game becomes one message', null)
    const killing = this.#killWhileItHolds(crew)
    // Awaited below; a failure meanwhile must not count as unheard.
    killing.catch(() => {})
    await this.#played(bots, arena)
    await killing
    await this.#drained(bus, crew)
    await crew.stop()
    story.tell('queue empty, workers drained and stopped', null)
    await arena[Symbol.asyncDispose]()
    const evidence = await reread(join(dir, 'data'), [...ledger.games.values()])
    const each = ledger.games.size === 0 ? 0 : evidence.files / ledger.games.size
    story.tell(
      `re-read ${evidence.files} Parquet files from disk${each === tables.length ? `, ${each} per game` : ''}`,
      null,
    )
    const killed = this.#killed
    const parts = { ledger, evidence, seed, dir: shownDir, killed, durationMs: elapsedMs() }
    return judge(parts, this.#missing)
  }

  #startCrew(): Crew {
    const { dir, setting, bug } = this.#settings
    const { ledger, story } = this.#stage
    return new Crew({
      names: workerNames,
      settings: { url: setting.url, dir: join(dir, 'data'), bug },
      ledger,
      onChange: () => {
        story.changed()
        this.#stage.changed()
      },
      onTrouble: (text) => this.#stage.trouble(text),
    })
  }

  #openArena(): Promise<Arena> {
    const { seed, port, dir, setting, playMs } = this.#settings
    const { ledger } = this.#stage
    return openArena({
      url: setting.url,
      spoolDir: join(dir, 'spool'),
      ...{ seed, port },
      turnMs: Math.round(playMs / turnsInAll),
      onFinished: (game) => {
        ledger.finished(game)
        this.#stage.changed()
      },
      onHit: () => {
        ledger.hits++
      },
    })
  }

  #startBots(arena: Arena): BotsRun {
    const { seed } = this.#settings
    return runBots({
      url: arena.server.url,
      plan: this.#plan,
      seed,
      onEvent: ({ type }) => {
        if (type === 'round') this.#isPlaying = true
      },
    })
  }

  async #played(bots: BotsRun, arena: Arena): Promise<void> {
    const { ledger, story } = this.#stage
    const { missing } = await this.#orAborted(bots.done)
    for (const { user, why } of missing) this.#missing.push(`${user} left: ${why}`)
    // A game ends for its players a moment before it ends for the server.
    await this.#until(() => arena.server.stats().games === 0, startMsMax, 'the last game to end')
    const planned = gamesOf(this.#plan)
    const { size } = ledger.games
    if (size !== planned) this.#missing.push(`${size} of ${planned} games were played`)
    await this.#orAborted(new Promise<void>((done) => arena.transport.flush(() => done())))
    story.tell(`players done: ${size} games, ${ledger.hits.toLocaleString('en-US')} hits`, null)
  }

  /** The hard case, made certain: one game written and not acked, one not yet written. */
  async #killWhileItHolds(crew: Crew): Promise<void> {
    const { playMs, elapsedMs, clock, setting } = this.#settings
    const { ledger, story } = this.#stage
    const startMs = elapsedMs()
    const mostMs = playMs + 2 * setting.leaseMs + drainMsMax
    const half = gamesOf(this.#plan) / 2
    const isTime = (share: number) =>
      elapsedMs() - startMs >= playMs * share || ledger.games.size >= half
    const entry = ledger.workers.get(victim)
    if (!entry) return
    await this.#until(() => isTime(holdShare), Number.POSITIVE_INFINITY, 'the time to hold')
    const worker = crew.worker(victim)
    worker.tell({ type: 'hold' })
    const others = crew.workers.filter(({ name }) => name !== victim)
    for (const other of others) other.tell({ type: 'aside' })
    const isHolding = () => crew.isHeld(victim) && ledger.unwritten(victim).length > 0
    const isOver = () => {
      const { waiting, leased } = ledger.totals
      return ledger.games.size >= 2 * half && waiting === 0 && leased <= entry.leased.size
    }
    await this.#until(
      () =>
        worker.isGone ||
        isOver() ||
        elapsedMs() - startMs > mostMs ||
        (isTime(killShare) && isHolding()),
      Number.POSITIVE_INFINITY,
      'a worker that holds two messages',
    )
    for (const other of others) other.tell({ type: 'back' })
    if (worker.isGone) {
      this.#missing.push(`${victim} ended before it could be killed`)
      return
    }
    if (!isHolding()) this.#missing.push(`${victim} did not come to hold two messages`)
    await crew.kill(victim)
    const wallMs = clock.wallMs()
    this.#killed = { name: victim, atMs: elapsedMs(), wallMs }
    this.#stage.killed(wallMs)
    const leased = [...entry.leased].flatMap((id) => ledger.games.get(id) ?? [])
    const held = [...new Set([...leased, ...ledger.unwritten(victim)])]
    story.killed(victim, worker.pid, held)
  }

  async #drained(bus: Bus, crew: Crew): Promise<void> {
    const { ledger, story } = this.#stage
    const { setting, elapsedMs } = this.#settings
    const endMs = elapsedMs() + 2 * setting.leaseMs + drainMsMax
    const isSettled = () => {
      const { finished, acked, dead } = ledger.totals
      return acked + dead >= finished
    }
    const isOver = () => elapsedMs() > endMs || crew.workers.every((worker) => worker.isGone)
    await this.#until(() => isSettled() || isOver(), Number.POSITIVE_INFINITY, 'the last messages')
    while (!isOver() && !(await this.#isEmpty(bus))) await this.#pause()
    if (!isSettled()) this.#missing.push('not every message was settled in time')
    story.tell(null, `done games ${ledger.games.size}`)
  }

  async #isEmpty(bus: Bus): Promise<boolean> {
    if ((bus.contracts.queue?.depth ?? 'no') === 'no') return true
    const { signal } = this.#settings
    const [depth] = await bus.admin.depths([{ name: channelName, pattern: 'queue' }], signal)
    if (!depth) return true
    const { waiting, inFlight, scheduled } = depth
    return [waiting, inFlight, scheduled].every((count) => count === 0 || count === 'unknown')
  }

  async #until(condition: () => boolean, mostMs: number, what: string): Promise<void> {
    const { elapsedMs } = this.#settings
    const endMs = elapsedMs() + mostMs
    while (!condition()) {
      if (elapsedMs() > endMs) {
        throw new NarrowcastError('TIMEOUT', `demo: waited ${mostMs} ms for ${what}`)
      }
      await this.#pause()
    }
  }

  async #pause(): Promise<void> {
    const { clock, signal } = this.#settings
    await clock.sleep(50, signal)
    if (signal.aborted) throw aborted()
  }

  #orAborted<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this.#settings
    return new Promise((resolve, reject) => {
      const abort = () => reject(aborted())
      if (signal.aborted) abort()
      signal.addEventListener('abort', abort, { once: true })
      promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    })
  }
}

const aborted = () => new NarrowcastError('ABORTED', 'demo: stopped')
