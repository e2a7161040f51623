import { systemClock } from '../../src/core/clock.ts'
import { verify } from '../../src/pipelines/lake/verify.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { countLake, type LakeWorker, landedOnce, scene } from './lakeHarness.ts'

export interface KillPlan {
  readonly messages: number
  readonly kills: number
  readonly workers: number
  readonly seed: number
  /** Workers remember nothing of each other: the ledger must then show doubled messages. */
  readonly isForgetful: boolean
  /** Longest wait for progress before the run is called stuck. */
  readonly stuckMs: number
  readonly say: (line: string) => void
}

export interface Ledger {
  readonly seed: number
  readonly published: number
  readonly kills: number
  /** Of the kills, those within the first 300 ms of a start, where a recovery runs. */
  readonly killsAtStart: number
  /** At least: what a worker counted in its last moments is not known. */
  readonly redelivered: number
  readonly recognised: number
  readonly games: number
  readonly podium: number
  readonly lost: number
  readonly twice: number
  readonly wrong: number
  /** Dead letters of the lake, and of the broker. */
  readonly dead: number
  /** Temporary files that nobody needs. */
  readonly left: number
  readonly isClean: boolean
  readonly isKept: boolean
  readonly seconds: number
}

/**
 * Lets workers land messages in Parquet while they are killed at random instants, then counts
 * with another reader. The store is a `file:` one, so the queue must lose nothing either.
 */
export async function killRun(plan: KillPlan): Promise<Ledger> {
  const startedMs = performance.now()
  await using stage = await scene({
    isForgetful: plan.isForgetful,
    rowsMax: 300,
    ageMsMax: 10,
  })
  const random = seededRandom(plan.seed)
  const crew = new Crew(() => stage.start(), plan.workers)
  const perKill = Math.ceil(plan.messages / plan.kills)
  let published = 0
  let killsAtStart = 0
  for (let kill = 0; kill < plan.kills; kill++) {
    const isAtStart = random() < 0.25
    const at = Math.floor(random() * plan.workers)
    if (isAtStart) {
      killsAtStart++
      await crew.replace(at)
    } else await crew.ready(at)
    const more = Math.min(perKill, plan.messages - published)
    await stage.publish(published, more)
    published += more
    // Its share takes about that long: anything may be under way.
    await pause(random() * (isAtStart ? 300 : 200))
    await crew.replace(at)
    if ((kill + 1) % 50 === 0) plan.say(`${kill + 1} kills, ${published} messages published`)
  }
  const kills = plan.kills + killsAtStart
  const isStuck = await untilDone(stage.settled(), crew, plan.stuckMs)
  await crew.end()
  const last = stage.start() // finishes what the killed ones left
  await last.word('ready')
  last.process.kill('SIGTERM')
  await last.ended
  const found = await countLake(stage.dir)
  const { isClean } = await verify(stage.dir)
  const wished = landedOnce(published)
  const [depth] = await stage.bus.admin.depths([{ name: 'games', pattern: 'queue' }])
  const lost = published - found.differentGames
  const twice = found.games - found.differentGames + found.podium - found.differentPodium
  const dead = found.dead + Number(depth?.dead)
  const isWhole = found.podium === wished.podium && found.sum === wished.sum && found.wrong === 0
  return {
    seed: plan.seed,
    published,
    kills,
    killsAtStart,
    redelivered: Math.max(0, crew.delivered + last.delivered - published),
    recognised: crew.recognised + last.recognised,
    games: found.games,
    podium: found.podium,
    lost,
    twice,
    wrong: found.wrong,
    dead,
    left: found.inTemp,
    isClean,
    isKept: isWhole && isClean && !isStuck && lost + twice + dead + found.inTemp === 0,
    seconds: (performance.now() - startedMs) / 1_000,
  }
}

/** The workers that run now, and the counts of those that do not any more. */
class Crew {
  readonly #start: () => LakeWorker
  readonly #now: LakeWorker[]
  readonly #past: LakeWorker[] = []

  constructor(start: () => LakeWorker, size: number) {
    this.#start = start
    this.#now = Array.from({ length: size }, start)
  }

  get delivered(): number {
    return this.#sum(({ delivered }) => delivered)
  }
  get recognised(): number {
    return this.#sum(({ recognised }) => recognised)
  }

  /** Kills one, whatever it is doing, and starts another in its place. */
  async replace(at: number): Promise<void> {
    const worker = this.#now[at] as LakeWorker
    worker.process.kill('SIGKILL')
    await worker.ended
    this.#past.push(worker)
    this.#now[at] = this.#start()
  }

  async ready(at: number): Promise<void> {
    await (this.#now[at] as LakeWorker).word('ready')
  }

  async end(): Promise<void> {
    for (const { process } of this.#now) process.kill('SIGTERM')
    await Promise.all(this.#now.map(({ ended }) => ended))
  }

  #sum(of: (worker: LakeWorker) => number): number {
    return [...this.#past, ...this.#now].reduce((sum, worker) => sum + of(worker), 0)
  }
}

/** @returns true when nothing moved for so long. */
async function untilDone(done: Promise<void>, crew: Crew, stuckMs: number): Promise<boolean> {
  const ended = new AbortController()
  void done.then(() => ended.abort())
  for (let before = -1; before !== crew.delivered; ) {
    before = crew.delivered
    await pause(stuckMs, ended.signal)
    if (ended.signal.aborted) return false
  }
  return true
}

function pause(ms: number, signal: AbortSignal = new AbortController().signal): Promise<void> {
  return systemClock.sleep(ms, signal)
}

/** The ledger as people read it. */
export function printed(ledger: Ledger): string {
  const line = (name: string, value: number | string, note = '') =>
    `${name.padEnd(12)}${String(typeof value === 'number' ? value.toLocaleString('en') : value).padStart(12)}   ${note}`
  const { isKept, isClean, killsAtStart } = ledger
  return [
    line('seed', String(ledger.seed)),
    line('published', ledger.published, 'messages to a file: queue'),
    line('kills', ledger.kills, `SIGKILL; ${killsAtStart} within 300 ms of a start`),
    line('redelivered', ledger.redelivered, 'at least'),
    line('recognised', ledger.recognised, 'came again, were known, and were skipped'),
    line('rows', ledger.games + ledger.podium, `${ledger.games} + ${ledger.podium}, by DuckDB`),
    line('lost', ledger.lost),
    line('twice', ledger.twice),
    line('dead', ledger.dead),
    line('left over', ledger.left, `temporary files; manifest ${isClean ? 'clean' : 'NOT clean'}`),
    line(isKept ? 'KEPT' : 'BROKEN', `${ledger.seconds.toFixed(1)} s`),
  ].join('\n')
}
