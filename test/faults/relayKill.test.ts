import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { RelayCounts } from '../../src/runtime/live/relayApi.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { type Actor, grounds, liveScene, nowMs, type Scene } from './liveScene.ts'

const leaseMs = 400
const kills = 50
/** A second for the standby to look, and what a busy machine takes to let it run. */
const takeoverMsMax = leaseMs + 1_000 + 5_000
/** What a relay takes in one step: so much may be in its hands when it is killed. */
const inHandMax = 500
/** What may wait unread for the one that leads. */
const unreadMax = 10_000

/** Whoever leads; who stood by takes its place when it has ended. */
class Relays {
  readonly takeoversMs: number[] = []
  readonly #scene: Scene
  /** Started and not begun: to start a process takes longer than to take over. */
  readonly #spare: Actor[]
  #leader: Actor
  #standby: Actor

  private constructor(scene: Scene, spare: Actor[]) {
    this.#scene = scene
    this.#spare = spare
    this.#leader = this.#next()
    this.#standby = this.#next()
  }

  static async begin(scene: Scene): Promise<Relays> {
    const spare = Array.from({ length: 3 }, () => startRelay(scene))
    await Promise.all(spare.map((one) => one.tells('waits')))
    const relays = new Relays(scene, spare)
    await relays.#led()
    return relays
  }

  /** Where `isAwaited`, the standby is there, and how long nobody leads is noted. */
  async replace(end: (leader: Actor) => Promise<unknown>, isAwaited: boolean): Promise<void> {
    if (isAwaited) await this.#standby.tells('opened')
    const leader = this.#leader
    const endMs = nowMs()
    const ended = end(leader)
    this.#leader = this.#standby
    this.#standby = this.#next()
    await ended
    await this.#led()
    const led = this.#leader.book.find(({ event }) => event === 'leads')
    if (isAwaited && led) this.takeoversMs.push(led.atMs - endMs)
  }

  async end(): Promise<void> {
    await this.#leader.end()
    await this.#standby.end()
    for (const one of this.#spare) await one.kill()
  }

  #next(): Actor {
    const next = this.#spare.shift() as Actor
    this.#spare.push(startRelay(this.#scene))
    next.say('begin')
    return next
  }

  /** One of the two leads. */
  async #led(): Promise<void> {
    const both = [this.#leader, this.#standby]
    const first = await Promise.race(both.map((one) => one.tells('leads').then(() => one)))
    if (first === this.#leader) return
    this.#standby = this.#leader
    this.#leader = first
  }
}

function startRelay(scene: Scene): Actor {
  const all = scene.actors.filter(({ role }) => role === 'relay').length
  return scene.start('relay', `relay-${all}`, { options: { leaseMs, strategy: 'roundRobin' } })
}

/** All books of a run, as one looks things up in them. */
class Ledger {
  /** By message: the relay that took it, whom it was decided for last, who got it. */
  readonly taken = new Map<string, Actor>()
  readonly decided = new Map<string, string>()
  readonly noWorker = new Set<string>()
  readonly got = new Map<string, string>()
  readonly told = new Map<string, { said: unknown; sentMs: number; toldMs: number }>()
  /** What must not be. */
  readonly twice: string[] = []
  readonly gaps: { readonly by: Actor; readonly missed: unknown; readonly why: unknown }[] = []

  constructor(actors: readonly Actor[]) {
    for (const actor of actors) this.#read(actor)
  }

  #read(actor: Actor): void {
    const opened = actor.told.find(({ event }) => event === 'opened')
    for (const line of actor.book) {
      if (line.event === 'decided') this.#decided(actor, line.made as [string, string, string?][])
      if (line.event === 'gap') this.gaps.push({ by: actor, missed: line.missed, why: line.why })
      if (line.event === 'got') this.#once(this.got, String(line.id), String(opened?.worker))
      if (line.event !== 'told') continue
      for (const [id, said] of line.said as [string, unknown][]) {
        this.told.set(id, { said, sentMs: Number(line.sentMs), toldMs: line.atMs })
      }
    }
  }

  #decided(relay: Actor, made: readonly [string, string, string?][]): void {
    for (const [id, kind, to] of made) {
      if (kind === 'taken') this.#once(this.taken, id, relay)
      else if (kind === 'no-worker') this.noWorker.add(id)
      else this.decided.set(id, String(to))
    }
  }

  #once<T>(map: Map<string, T>, id: string, value: T): void {
    if (map.has(id)) this.twice.push(id)
    map.set(id, value)
  }
}

function checkRelay(relay: Actor, ledger: Ledger): { inHand: number } {
  const mine = [...ledger.taken].filter(([, by]) => by === relay).map(([id]) => id)
  const routed = mine.filter((id) => ledger.got.has(id)).length
  const noWorker = mine.filter((id) => ledger.noWorker.has(id)).length
  const ended = relay.told.find(({ event }) => event === 'ended')
  if (!ended) {
    const inHand = mine.length - routed - noWorker
    expect(inHand, relay.name).toBeLessThanOrEqual(inHandMax)
    return { inHand }
  }
  const { unknown, held, dropped, ...counts } = ended.counts as RelayCounts
  const sum = counts.routed + unknown + counts.noWorker + held + dropped
  expect([relay.name, counts.taken]).toEqual([relay.name, sum])
  expect(counts, relay.name).toMatchObject({ taken: mine.length, routed, noWorker })
  return { inHand: 0 }
}

/** Its lease was over before it ended. */
function hasLost({ book }: Actor): boolean {
  return book.some(({ event, why }) => event === 'stands by' && why !== 'closed')
}

/**
 * Only a relay that stood still for longer than its lease has missed anything that it can tell of,
 * and no more than what no relay took.
 */
function checkGaps({ gaps }: Ledger, unread: number): void {
  const wrong = gaps.filter(({ by, why }) => !hasLost(by) || why !== 'reconnect')
  expect(wrong.map(({ by, why }) => ({ by: by.name, why, last: by.book.slice(-5) }))).toEqual([])
  expect(gaps.reduce((sum, { missed }) => sum + Number(missed), 0)).toBeLessThanOrEqual(unread)
}

/** What was given to one that ended in order, while it led, it took. */
function unreadOf(relay: Actor, ledger: Ledger): string[] {
  const { book } = relay
  const since = book.find(({ event }) => event === 'leads')
  const closing = book.find(({ event }) => event === 'closing')
  if (!since || !closing || hasLost(relay)) return []
  return [...ledger.told]
    .filter(([, { said, sentMs, toldMs }]) => {
      return said === 1 && sentMs > since.atMs && toldMs < closing.atMs
    })
    .flatMap(([id]) => (ledger.taken.has(id) ? [] : [id]))
}

test.for(grounds)(
  '%s: a relay is killed 50 times under load: each message goes to one worker at most, and the books add up',
  { timeout: 180_000 },
  async (ground) => {
    const seed = Math.floor(Math.random() * 1_000_000)
    const random = seededRandom(seed)
    const startedMs = nowMs()
    await using scene = await liveScene(ground)
    const workers = ['a', 'b', 'c'].map((name) => scene.start('worker', name, { via: 'relay' }))
    await Promise.all(workers.map((one) => one.tells('opened')))
    const relays = await Relays.begin(scene)
    const flow = { via: 'relay', atOnce: 10, pauseMs: 20 }
    const publishers = ['p', 'q'].map((name) => scene.start('publisher', name, flow))
    await Promise.all(publishers.map((one) => one.tells('opened')))

    for (let kill = 0; kill < kills; kill++) {
      await wait(random() * 500)
      await relays.replace((leader) => leader.kill(), random() < 0.8)
      if (kill % 10 === 9) {
        await wait(random() * 500)
        await relays.replace((leader) => leader.end(), true)
      }
    }
    for (const one of publishers) await one.end()
    await relays.end()
    for (const one of workers) await one.end()

    const ledger = new Ledger(scene.actors)
    const said = (what: unknown) => [...ledger.told].filter((one) => one[1].said === what)
    const given = said(1).map(([id]) => id)
    const unread = given.filter((id) => !ledger.taken.has(id))
    const all = scene.actors.filter(({ role }) => role === 'relay')
    let inHand = 0
    for (const relay of all) inHand += checkRelay(relay, ledger).inHand
    const slowestMs = Math.max(...relays.takeoversMs)
    process.stdout.write(
      `${ground}: seed ${seed}: ${kills} kills, ${all.length} relays, published ${ledger.told.size}: ${said(0).length} to no relay, ` +
        `${given.length} to one; taken ${ledger.taken.size}, delivered ${ledger.got.size}, no worker ${ledger.noWorker.size}; ` +
        `lost with the killed: ${inHand} in hand, ${unread.length} unread; ` +
        `${relays.takeoversMs.length} takeovers in at most ${Math.round(slowestMs)} ms (lease ${leaseMs}); ` +
        `${Math.round((nowMs() - startedMs) / 1_000)} s\n`,
    )
    expect(ledger.twice).toEqual([])
    checkGaps(ledger, unread.length)
    expect([...ledger.got].filter(([id, by]) => ledger.decided.get(id) !== by)).toEqual([])
    expect(ledger.told.size).toBe(given.length + said(0).length)
    expect(said(0).filter(([id]) => ledger.taken.has(id))).toEqual([])
    expect([...ledger.taken.keys()].filter((id) => !ledger.told.has(id))).toEqual([])
    expect(all.flatMap((relay) => unreadOf(relay, ledger))).toEqual([])
    expect(unread.length).toBeLessThanOrEqual(kills * unreadMax)
    expect(slowestMs).toBeLessThanOrEqual(takeoverMsMax)
    expect(ledger.got.size).toBeGreaterThan(1_000)
  },
)
