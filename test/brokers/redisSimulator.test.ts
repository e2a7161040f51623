import { randomUUID } from 'node:crypto'
import { createClient } from '@redis/client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'
import { randomFrom } from '../../src/simulator/random.ts'
import { type Hero, loadHeroes } from '../../src/simulator/roster.ts'
import { attackOf, healthOf } from '../../src/simulator/rules.ts'
import { answers } from '../../src/simulator/server/answers.ts'
import { MemoryState } from '../../src/simulator/state/memory.ts'
import { RedisState } from '../../src/simulator/state/redis/redisState.ts'
import type { Blow, Happening, Seat, State } from '../../src/simulator/state/state.ts'
import { StatesInStep } from './statesInStep.ts'

const patient = { timeout: 20_000 }

const { redis, missing } = await obtainRedis()
/** Few and frail, so that games end soon. */
const heroes = loadHeroes()
  .slice(0, 5)
  .map((hero) => ({ ...hero, strength: 100, durability: 4 }))
const common = { heroes, seed: 5, usersMax: 100, gamesMax: 4 }

const everything = [
  ...['UNKNOWN GAME TOKEN', 'USER NOT IN GAME', 'complete', 'running', 'timedOut', 'waiting'].map(
    (answer) => `enter ${answer}`,
  ),
  ...['expire false', 'expire true'],
  ...['fighter', 'fighter UNKNOWN GAME TOKEN', 'fighter USER NOT IN GAME'],
  ...['hit', 'hit ENEMY IS DEAD', 'hit ENEMY IS YOURSELF', 'hit GAME IS OVER'],
  ...['hit GAME NOT STARTED', 'hit NOT YOUR TURN', 'hit UNKNOWN ENEMY TOKEN'],
  ...['hit UNKNOWN GAME TOKEN', 'hit USER NOT IN GAME', 'hit over'],
  ...['join', 'join none', 'leave gone', 'leave open', 'leave running', 'leave running over'],
  ...[
    'look elsewhere',
    'look UNKNOWN GAME TOKEN',
    'look complete',
    'look running',
    'look timedOut',
    'look waiting',
  ],
  ...['timeOutTurn gone', 'timeOutTurn running', 'timeOutTurn running over'],
].toSorted()

describe.skipIf(redis === null)(`the state in Redis ${missing ?? ''}`, () => {
  const url = `${redis?.url ?? 'redis://nowhere'}/9`
  const client = createClient({ url })
  const open = (more: object = {}) =>
    RedisState.open({
      ...{ ...common, url, expiryMs: 60_000, leaseMs: 5_000, clock: systemClock },
      ...more,
    })
  beforeAll(async () => {
    await client.connect()
  })
  beforeEach(async () => {
    await client.flushDb()
  })
  afterAll(async () => {
    client.destroy()
    await redis?.stop()
  })

  it('answers as the memory does, whatever is asked', async () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= 12; seed++) {
      await client.flushDb()
      await using memory = new MemoryState(common)
      await using one = await open()
      await using two = await open()
      const game = new StatesInStep(memory, [one, two], randomFrom(`states/${seed}`))
      await game.play(400)
      for (const kind of game.seen.keys()) seen.add(kind)
    }
    expect([...seen].toSorted()).toEqual(everything)
  })

  it('keeps the keys of the layout, each of its type, and lets them expire once reported', async () => {
    await using one = await open({ expiryMs: 60_000 })
    const [ada, ben] = await loggedIn(one, 'ada', 'ben')
    expect(await client.hGetAll('users')).toEqual({ ada, ben })
    const { game, isNew } = (await one.join(ada, 2)) as Seat
    expect(isNew).toBe(true)
    expect(await client.lRange('games:players:2', 0, -1)).toEqual([game])
    const seat = (await one.join(ben, 2)) as Seat
    expect(await client.lRange('games:players:2', 0, -1)).toEqual([])
    expect(await client.zScore('games:participants', game)).toBe(2)
    await one.enter(game, ada, 1_000)
    expect(await client.get(`games:${game}:status`)).toBe('OPEN')
    expect(await client.hGetAll('games:waiting')).toEqual({
      [`${ada} 2`]: game,
      [`${ben} 2`]: game,
    })
    await one.enter(game, ben, 1_000)
    const order = [ada, ben].toSorted()
    const [server] = await client.zRange('games:servers', 0, -1)
    const kinds = {
      seats: 'hash',
      servers: 'hash',
      order: 'list',
      superheros: 'set',
      host: 'string',
    }
    const others = {
      'users:tokens': 'set',
      'games:opened': 'string',
      [`games:server:${server}`]: 'set',
    }
    for (const [name, type] of Object.entries({ ...mapped(game, kinds), ...others })) {
      expect([name, await client.type(name)]).toEqual([name, type])
    }
    expect(await client.sMembers(`games:${game}`)).toEqual(expect.arrayContaining([ada, ben]))
    expect(await client.get(`games:${game}:participants`)).toBe('2')
    expect(await client.get(`games:${game}:status`)).toBe('START')
    expect(await client.get(`games:${game}:host`)).toBe(ada)
    expect(await client.lRange(`games:${game}:order`, 0, -1)).toEqual(order)
    const hero = heroes.find(({ id }) => id === seat.superhero_id) as Hero
    expect(JSON.parse((await client.hGet('superheros', String(hero.id))) as string)).toEqual(hero)
    expect(await client.sIsMember(`games:${game}:superheros`, String(hero.id))).toBe(1)
    expect(await client.hGetAll(`games:${game}:superheros:${ben}`)).toEqual({
      id: String(hero.id),
      attack: String(attackOf(hero)),
      health: String(healthOf(hero)),
    })
    const said: string[] = []
    const finished = await fightOut(one, game, order, said)
    expect(await client.lRange(`games:${game}:logs`, 0, -1)).toEqual(said)
    expect(await client.get(`games:${game}:status`)).toBe('COMPLETE')
    expect(await client.zCard('games:participants')).toBe(0)
    const mine = await client.keys(`games:${game}*`)
    expect(await ttls(mine)).toEqual(mine.map(() => -1))
    await one.reported(finished.game_token, true)
    for (const ttl of await ttls(mine)) expect(ttl).toBeGreaterThan(55_000)
  })

  const ttls = (keys: readonly string[]) => Promise.all(keys.map((key) => client.pTTL(key)))

  it('seats nobody twice and never three in a duel, however many ask at once', async () => {
    const users = Array.from({ length: 90 }, () => randomUUID())
    const most = { gamesMax: 1_000 }
    const servers = await Promise.all([open(most), open(most), open(most)])
    const seats = await Promise.all(
      users.flatMap((user, at) => [
        servers[at % 3]?.join(user, 2),
        servers[(at + 1) % 3]?.join(user, 3),
      ]),
    )
    const games = Map.groupBy(seats as Seat[], ({ game }) => game)
    expect([...games.values()].map((all) => all.length).toSorted()).toEqual([
      ...Array<number>(45).fill(2),
      ...Array<number>(30).fill(3),
    ])
    for (const all of games.values()) {
      expect(all.filter(({ isNew }) => isNew)).toHaveLength(1)
      expect(new Set(all.map(({ superhero_id }) => superhero_id)).size).toBe(all.length)
    }
    for (const one of servers) await one[Symbol.asyncDispose]()
  })

  it('refuses one user more than there is room for, on whatever server', async () => {
    await using one = await open({ usersMax: 2 })
    await using two = await open({ usersMax: 2 })
    const [ada] = await loggedIn(one, 'ada', 'ben')
    expect(await two.login('cleo')).toBe(null)
    expect(await two.login('ada')).toEqual({ token: ada, isNew: false })
    expect(await two.isUser(randomUUID())).toBe(false)
  })

  it('lets the players of a dead server leave, and takes over its open games', async () => {
    const dead = await open({ ...brief, clock: still })
    const [ada, ben, cleo] = await loggedIn(dead, 'ada', 'ben', 'cleo')
    const duel = ((await dead.join(ada, 2)) as Seat).game
    await dead.join(ben, 2)
    await dead.enter(duel, ada, 1_000)
    await using other = await open({ leaseMs: 60_000, gamesMax: 100 })
    await other.enter(duel, ben, 1_000)
    const three = ((await dead.join(cleo, 3)) as Seat).game
    const lone = ((await dead.join(cleo, 2)) as Seat).game
    await dead.enter(lone, cleo, 1_000)
    const told = hearing(other, 1)
    await using sweeper = await open(living)
    const happenings = await hearing(sweeper, 3)
    expect(await told).toEqual([{ type: 'over', game: duel }])
    const orphans = new Map(
      happenings.flatMap((one) => (one.type === 'orphans' ? [[one.game, one] as const] : [])),
    )
    expect(orphans.get(duel)).toMatchObject({
      users: [ada],
      isKept: false,
      left: { status: 'running', fallen: [ada], after: { winner: ben } },
    })
    expect(orphans.get(three)).toMatchObject({ users: [], isKept: true, left: { isEmpty: false } })
    expect(orphans.get(lone)).toMatchObject({ users: [cleo], left: { isEmpty: true } })
    await expect.poll(() => client.zCard('games:servers'), patient).toBe(2)
    await dead[Symbol.asyncDispose]()
  })

  it('goes on saying that it lives while it cleans up after a server with many games', async () => {
    const games = Array.from({ length: 20_000 }, () => randomUUID())
    await client.sAdd('games:server:dead', games)
    await client.zAdd('games:servers', { score: 1, value: 'dead' })
    await using _sweeper = await open(brief)
    const [, name] = await client.zRange('games:servers', 0, -1)
    const said = new Set<number | null>()
    for (let left = games.length; left > 0; left = await client.sCard('games:server:dead')) {
      if (left < games.length) said.add(await client.zScore('games:servers', name as string))
    }
    expect(said.size).toBeGreaterThan(2)
    await expect.poll(() => client.zCard('games:servers'), patient).toBe(1)
  })

  it('a finished game that nobody reported comes to another server, once', async () => {
    const dead = await open({ ...brief, clock: still })
    const [ada, ben] = await loggedIn(dead, 'ada', 'ben')
    const { game } = (await dead.join(ada, 2)) as Seat
    await dead.join(ben, 2)
    await dead.enter(game, ada, 1_000)
    await dead.enter(game, ben, 1_000)
    const finished = await fightOut(dead, game, [ada, ben].toSorted(), [])
    await using one = await open(living)
    await using two = await open(living)
    const heard: Happening[] = []
    one.watch((happening) => heard.push(happening))
    two.watch((happening) => heard.push(happening))
    await expect.poll(() => heard, patient).toEqual([{ type: 'unreported', finished }])
    // It stays theirs as long as they work on it.
    const score = await client.zScore('games:unreported', game)
    await expect.poll(() => client.zScore('games:unreported', game), patient).not.toBe(score)
    await Promise.all([one, two].map((each) => each.reported(game, true)))
    expect(await client.zCard('games:unreported')).toBe(0)
    expect(heard).toHaveLength(1)
    await dead[Symbol.asyncDispose]()
  })
})

/** A server on it says and sweeps nothing. */
const still: Clock = {
  ...systemClock,
  sleep: (_, signal) =>
    new Promise((done) => {
      if (signal.aborted) done()
      signal.addEventListener('abort', () => done())
    }),
}
const brief = { leaseMs: 200, gamesMax: 100 }
/** A busy machine that stands still is no outage to it. */
const living = { leaseMs: 6_000, gamesMax: 100 }

const mapped = (game: string, kinds: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(kinds).map(([name, type]) => [`games:${game}:${name}`, type]))

/** The tokens of up to three users. */
async function loggedIn(state: State, ...names: string[]): Promise<[string, string, string]> {
  const users = await Promise.all(names.map((name) => state.login(name)))
  return users.map((user) => user?.token) as [string, string, string]
}

/** Resolves with so many happenings. */
function hearing(state: State, count: number): Promise<Happening[]> {
  const heard: Happening[] = []
  return new Promise((done) => {
    state.watch((happening) => {
      if (heard.push(happening) === count) done(heard)
    })
  })
}

/** Plays a duel to its end; what the server would have answered goes to `said`. */
async function fightOut(state: State, game: string, order: string[], said: string[]) {
  for (let at = 0; ; at = 1 - at) {
    const [user, enemy] = [order[at] as string, order[1 - at] as string]
    const { made } = (await state.hit(game, user, enemy, 1_000_000)) as Blow
    if (!made) throw new Error('no hit')
    said.push(answers.attacked(game, user, made, 1_000_000))
    if (made.after.finished) return made.after.finished
  }
}
