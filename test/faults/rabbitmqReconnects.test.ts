import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, onTestFinished } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { Bus } from '../../src/runtime/api.ts'
import { testRabbitmq } from '../brokers/rabbitmqHere.ts'

const cuts = 200
const publishedMin = 1_000
/** A session that lives for less is opened again later and later. */
const livesMsMin = 1_000
const workers = 3
const publishers = 2
/** What was told just before a cut may be heard after it. */
const slackMs = 250

const warnings: Error[] = []
const warned = (warning: Error) => void warnings.push(warning)
beforeEach(() => void process.on('warning', warned))
afterEach(() => void process.off('warning', warned))

/** Closes one connection after another, each chosen by chance. Resolves when so many are closed. */
const cutting = (count: number) => `
  IsOld = fun(One) ->
    try
      [{connected_at, At}] = rabbit_networking:connection_info(One, [connected_at]),
      os:system_time(millisecond) - At > ${livesMsMin}
    catch _:_ -> false
    end
  end,
  Cut = fun
    Again(0) -> cut;
    Again(Left) ->
      case lists:filter(IsOld, rabbit_networking:connections()) of
        [] -> timer:sleep(50), Again(Left);
        All ->
          One = lists:nth(rand:uniform(length(All)), All),
          spawn(fun() -> rabbit_networking:close_connection(One, "cut") end),
          timer:sleep(100),
          Again(Left - 1)
      end
  end,
  Cut(${count}).`

async function buses(url: string, count: number): Promise<Bus[]> {
  const all = await Promise.all(Array.from({ length: count }, () => connect(url)))
  onTestFinished(async () => {
    await Promise.all(all.map((bus) => bus.close({ timeoutMs: 5_000 })))
  })
  return all
}

interface Worked {
  readonly by: number
  readonly atMs: number
}

/** Who worked on what and when, and whose connection was cut when. */
class Ledger {
  readonly stored = new Set<number>()
  /** Nobody knows whether these are stored. */
  readonly unsure = new Set<number>()
  readonly times = new Map<number, Worked[]>()
  readonly cuts: Worked[] = []

  worked(n: number, by: number): void {
    const times = this.times.get(n) ?? []
    this.times.set(n, [...times, { by, atMs: performance.now() }])
  }

  get lost(): number[] {
    return [...this.stored].filter((n) => !this.times.has(n))
  }

  /** Worked on again though the connection of who had it was not cut in between. */
  get unexplained(): number {
    let count = 0
    for (const times of this.times.values()) {
      for (const [at, { by, atMs }] of times.entries()) {
        const next = times[at + 1]
        if (next === undefined) break
        const isExplained = this.cuts.some(
          (cut) => cut.by === by && cut.atMs >= atMs - slackMs && cut.atMs <= next.atMs + slackMs,
        )
        if (!isExplained) count++
      }
    }
    return count
  }
}

testRabbitmq(
  'connections are closed again and again under load: nothing is lost, nobody is deaf',
  async () => {
    await using server = await startRabbitmq()
    const ledger = new Ledger()
    const heard = Array.from({ length: workers }, () => 0)
    for (const [by, bus] of (await buses(server.url, workers)).entries()) {
      const worker = bus.queue<number>('jobs').subscribe(
        (n) => {
          ledger.worked(n, by)
          heard[by] = (heard[by] as number) + 1
        },
        { concurrency: 20 },
      )
      worker.on('error', () => {})
      worker.on('ready', ({ isReady }) => {
        if (!isReady) ledger.cuts.push({ by, atMs: performance.now() })
      })
      await worker.ready()
    }
    const sources = await buses(server.url, publishers)
    let published = 0
    let isOver = false
    const publish = async (bus: Bus) => {
      const from = published
      published += 50
      const batch = Array.from({ length: 50 }, (_, at) => ({ data: from + at }))
      const jobs = bus.queue<number>('jobs', { publish: { timeoutMs: 120_000 } })
      for (const [at, answer] of (await jobs.publishMany(batch)).entries()) {
        if (!(answer instanceof Error)) ledger.stored.add(from + at)
        else if (answer.definite) throw answer
        else ledger.unsure.add(from + at)
      }
    }
    const load = Promise.all(
      sources.map(async (bus) => {
        while (!isOver) await publish(bus)
      }),
    )
    load.catch(() => undefined) // told when the cuts are over
    for (let cut = 0; cut < cuts || ledger.stored.size < publishedMin; cut += 20) {
      await server.ctl('eval', cutting(20))
    }
    isOver = true
    await load
    // Each hears what is published from now on.
    const before = [...heard]
    const [source] = sources as [Bus]
    while (heard.some((count, by) => count === before[by])) await publish(source)
    await expect.poll(() => ledger.lost).toEqual([])
    const depths = () => source.admin.depths([{ name: 'jobs', pattern: 'queue' }])
    await expect.poll(async () => (await depths())[0]).toMatchObject({ waiting: 0, dead: 0 })
    expect(ledger.unexplained).toBe(0)
    // Two connections each, and on the server no channel that nobody uses.
    const lines = async (what: string) =>
      (await server.ctl(what, 'name')).split('\n').filter((line) => line !== '').length
    expect(await lines('list_connections')).toBe(2 * (workers + publishers))
    // Of each worker what it reads by and what it copies by; of each publisher what it publishes by.
    expect(await lines('list_channels')).toBeLessThanOrEqual(2 * workers + 2 * publishers)
    const sockets = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap')
    expect(sockets.length).toBe(2 * (workers + publishers))
    await wait(0) // warnings come a turn later
    expect(warnings).toEqual([])
  },
  600_000,
)
