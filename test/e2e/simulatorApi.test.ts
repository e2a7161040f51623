import { expect, test } from 'vitest'
import type { GameRecord } from '../../src/simulator/records.ts'
import { loadHeroes } from '../../src/simulator/roster.ts'
import { attackOf, healthOf } from '../../src/simulator/rules.ts'
import { startServer } from '../../src/simulator/server.ts'
import { Client, startedDuel, TestPlayer } from './simulatorClient.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const heroes = loadHeroes()

test('login creates a user once, and gives the same name the same token', async () => {
  await using server = await startServer({ port: 0 })
  await using login = await Client.open(server.url, '/login')
  expect(await login.ask({ USER: 'ada' })).toEqual({ PAYLOAD: {}, STATUS: 'USER CREATED' })
  const first = await login.next()
  expect(first).toEqual({ PAYLOAD: { USER_TOKEN: expect.stringMatching(uuid) } })
  expect(await login.ask({ USER: 'ada' })).toEqual(first)
})

test('a duel, frame by frame, and its records', async () => {
  const records: GameRecord[] = []
  await using server = await startServer({ port: 0, log: (record) => records.push(record) })
  await using ada = await TestPlayer.login(server.url, 'ada')
  await using ben = await TestPlayer.login(server.url, 'ben')

  const joined = await ada.find.ask({ USER_TOKEN: ada.token, PARTICIPANTS: 2 })
  expect(joined).toEqual({
    PAYLOAD: { GAME_TOKEN: expect.stringMatching(uuid), HERO_ID: expect.any(Number) },
    STATUS: { JOINED: 'SUCCESS' },
  })
  // Asking again while waiting is the same seat, not a second one.
  expect(await ada.find.ask({ USER_TOKEN: ada.token, PARTICIPANTS: 2 })).toEqual(joined)
  const game = String(joined.PAYLOAD.GAME_TOKEN)
  const other = await ben.find.ask({ USER_TOKEN: ben.token, PARTICIPANTS: 2 })
  expect(other.PAYLOAD.GAME_TOKEN).toBe(game)
  expect(other.PAYLOAD.HERO_ID).not.toBe(joined.PAYLOAD.HERO_ID)

  ada.enter(game)
  ben.enter(game)
  const heroOf = (token: string, id: unknown) => {
    const hero = heroes.find((one) => one.id === id)
    if (!hero) throw new Error(`no hero ${id}`)
    return { token, id, attack: attackOf(hero), health: healthOf(hero) }
  }
  const spec = {
    [ada.token]: heroOf(ada.token, joined.PAYLOAD.HERO_ID),
    [ben.token]: heroOf(ben.token, other.PAYLOAD.HERO_ID),
  }
  const start = {
    PAYLOAD: { GAME_TOKEN: game, PARTICIPANTS: [ada.token, ben.token], PARTICIPANTS_HEROS: spec },
    STATUS: { GAME: 'START' },
  }
  expect(await ada.lobby.next()).toEqual(start)
  expect(await ben.lobby.next()).toEqual(start)
  expect(await ada.hero.ask({ GAME_TOKEN: game, USER_TOKEN: ben.token })).toEqual({
    PAYLOAD: { GAME_TOKEN: game, USER_TOKEN: ben.token, HERO: spec[ben.token] },
    STATUS: { GAME: 'HERO SPEC' },
  })

  let [attacker, enemy] = ada.token < ben.token ? [ada, ben] : [ben, ada]
  const health = new Map(Object.values(spec).map((hero) => [hero.token, hero.health]))
  const turn = { PAYLOAD: { GAME_TOKEN: game }, STATUS: { GAME: "USER'S TURN" } }
  const hits: unknown[] = []
  for (;;) {
    expect(await attacker.lobby.next()).toEqual(turn)
    const prior = health.get(enemy.token) ?? 0
    const post = Math.max(0, prior - (spec[attacker.token]?.attack ?? 0))
    health.set(enemy.token, post)
    hits.push({ user_token: attacker.token, enemy_token: enemy.token, enemy_damage: prior - post })
    expect(await attacker.attack(game, enemy.token)).toEqual({
      TIMESTAMP: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      PAYLOAD: { GAME_TOKEN: game, USER_TOKEN: attacker.token },
      STATUS: {
        ACTION: 'ATTACK',
        DETAILS: {
          ENEMY_TOKEN: enemy.token,
          ENEMY_DAMAGE: prior - post,
          ENEMY_HEALTH_PRIOR: prior,
          ENEMY_HEALTH_POST: post,
        },
      },
    })
    if (post === 0) break
    ;[attacker, enemy] = [enemy, attacker]
  }
  const complete = { PAYLOAD: { GAME_TOKEN: game }, STATUS: { GAME: 'COMPLETE' } }
  expect(await ada.lobby.next()).toEqual(complete)
  expect(await ben.lobby.next()).toEqual(complete)
  expect(await attacker.attack(game, null)).toEqual({
    TIMESTAMP: expect.any(String),
    PAYLOAD: { GAME_TOKEN: game, USER_TOKEN: attacker.token },
    STATUS: { ACTION: 'NA', DETAILS: { ENEMY_TOKEN: null, ENEMY_STATUS: 'DEAD' } },
  })

  expect(records.map(({ channel, log_message }) => `${channel} ${log_message}`)).toEqual([
    'lib.server.lobby Joined Game',
    'lib.server.lobby Joined Game',
    'lib.server.lobby Started Game',
    ...hits.map(() => 'lib.server.game Hit'),
    'lib.server.lobby Ended Game',
    'lib.server.lobby Cleaning Game Records',
  ])
  const { task, ...finished } = records.at(-1) as GameRecord
  expect(finished).toEqual({
    level: 'info',
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    name: 'simulator',
    channel: 'lib.server.lobby',
    mid: `${game}+${ada.token}`,
    log_message: 'Cleaning Game Records',
  })
  expect(task).toEqual({
    game_token: game,
    user_token: ada.token,
    host: true,
    game: {
      participants: [
        { user_token: ada.token, superhero_id: joined.PAYLOAD.HERO_ID },
        { user_token: ben.token, superhero_id: other.PAYLOAD.HERO_ID },
      ],
      hits,
      deaths: [enemy.token],
      started_at: expect.any(String),
      ended_at: expect.any(String),
    },
  })
  expect(new Set(records.map(({ mid }) => mid)).size).toBe(records.length)
})

test('the seed fixes the heroes of the n-th game, seat by seat', async () => {
  async function heroesDealt(seed: number): Promise<unknown[]> {
    await using server = await startServer({ port: 0, seed })
    const dealt: unknown[] = []
    for (const user of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await using player = await TestPlayer.login(server.url, user)
      const answer = await player.find.ask({ USER_TOKEN: player.token, PARTICIPANTS: 3 })
      dealt.push(answer.PAYLOAD.HERO_ID)
    }
    return dealt
  }
  const dealt = await heroesDealt(7)
  expect(await heroesDealt(7)).toEqual(dealt)
  expect(await heroesDealt(8)).not.toEqual(dealt)
})

test('a lobby that does not fill times out, and says so to late comers', async () => {
  await using server = await startServer({ port: 0, lobbyTimeoutMs: 30 })
  await using ada = await TestPlayer.login(server.url, 'ada')
  const game = await ada.join(2)
  ada.enter(game)
  const timedOut = { PAYLOAD: { GAME_TOKEN: game }, STATUS: { GAME: 'TIMED OUT' } }
  expect(await ada.lobby.next()).toEqual(timedOut)
  ada.enter(game)
  expect(await ada.lobby.next()).toEqual(timedOut)
  expect(server.stats()).toMatchObject({ timedOut: 1, started: 0, games: 0 })
  expect(await ada.join(2)).not.toBe(game)
})

test('a seat taken without coming to the lobby does not start the game', async () => {
  // Not over before both have joined.
  await using server = await startServer({ port: 0, lobbyTimeoutMs: 3_000 })
  await using ada = await TestPlayer.login(server.url, 'ada')
  await using ben = await TestPlayer.login(server.url, 'ben')
  const game = await ada.join(2)
  expect(await ben.join(2)).toBe(game)
  ada.enter(game)
  expect(await ada.lobby.next()).toMatchObject({ STATUS: { GAME: 'TIMED OUT' } })
})

test('who leaves a lobby frees the seat, and the host moves on', async () => {
  const records: GameRecord[] = []
  await using server = await startServer({ port: 0, log: (record) => records.push(record) })
  await using ada = await TestPlayer.login(server.url, 'ada')
  await using ben = await TestPlayer.login(server.url, 'ben')
  await using cleo = await TestPlayer.login(server.url, 'cleo')
  const game = await ada.join(2)
  await ben.join(2)
  ben.enter(game)
  ada.enter(game)
  // The answer on the same connection says that the lobby frame has been dealt with.
  await ada.lobby.next()
  const second = await ben.join(2)
  expect(second).not.toBe(game)
  ben.enter(second)
  await ben.lobby[Symbol.asyncDispose]()
  await expect.poll(() => records.some((one) => one.log_message === 'Left Lobby')).toBe(true)
  expect(await cleo.join(2)).not.toBe(second)
})

test('a player who disconnects in a running game dies at once', async () => {
  const records: GameRecord[] = []
  await using server = await startServer({ port: 0, log: (record) => records.push(record) })
  const { game, first, second } = await startedDuel(server.url)
  await first.lobby[Symbol.asyncDispose]()
  expect(await second.lobby.next()).toMatchObject({ STATUS: { GAME: 'COMPLETE' } })
  const finished = records.filter(({ log_message }) => log_message === 'Cleaning Game Records')
  expect(finished.length).toBe(1)
  expect(finished[0]?.task).toMatchObject({
    game_token: game,
    game: { hits: [], deaths: [first.token] },
  })
  expect(server.stats()).toMatchObject({ started: 1, complete: 1, forfeits: 1, games: 0 })
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

test('when all leave at once the game is abandoned, and still leaves one record', async () => {
  const records: GameRecord[] = []
  await using server = await startServer({ port: 0, log: (record) => records.push(record) })
  await using ada = await TestPlayer.login(server.url, 'ada')
  await using ben = await TestPlayer.login(server.url, 'ben')
  const game = await ada.join(2)
  await ben.join(2)
  // Both players on one connection, so that they leave in the same instant.
  for (const { token } of [ada, ben]) {
    ada.lobby.send({ PAYLOAD: { GAME_TOKEN: game, USER_TOKEN: token } })
  }
  expect(await ada.lobby.next()).toMatchObject({ STATUS: { GAME: 'START' } })
  const finished = new Promise((done) => server.on('finished', done))
  await ada.lobby[Symbol.asyncDispose]()
  expect(await finished).toMatchObject({ outcome: 'abandoned', winner: null })
  const made = records.filter(({ log_message }) => log_message === 'Cleaning Game Records')
  expect(made.length).toBe(1)
  const deaths = [ada.token, ben.token].toSorted()
  expect(made[0]?.task).toMatchObject({ game: { deaths } })
  expect(server.stats()).toMatchObject({ abandoned: 1, complete: 0 })
})

test('a player who never acts dies as if it had left', async () => {
  await using server = await startServer({ port: 0, turnTimeoutMs: 50 })
  const { first, second } = await startedDuel(server.url)
  await using _first = first
  await using _second = second
  expect(await first.lobby.next()).toMatchObject({ STATUS: { GAME: 'COMPLETE' } })
  expect(server.stats()).toMatchObject({ complete: 1, forfeits: 1, hits: 0 })
})

test('a second lobby connection takes over from the first', async () => {
  await using server = await startServer({ port: 0 })
  const { game, first, second } = await startedDuel(server.url)
  await using _first = first
  await using _second = second
  await using again = await Client.open(server.url, '/game/lobby')
  const payload = { GAME_TOKEN: game, USER_TOKEN: first.token }
  expect(await again.ask(payload)).toMatchObject({ STATUS: { GAME: 'START' } })
  expect(await again.next()).toMatchObject({ STATUS: { GAME: "USER'S TURN" } })
  await first.lobby[Symbol.asyncDispose]()
  expect(await first.attack(game, second.token)).toMatchObject({ STATUS: { ACTION: 'ATTACK' } })
})

test('with a turn pause nobody acts before the turn is announced', async () => {
  await using server = await startServer({ port: 0, turnMs: 60_000 })
  await using ada = await TestPlayer.login(server.url, 'ada')
  await using ben = await TestPlayer.login(server.url, 'ben')
  const game = await ada.join(2)
  await ben.join(2)
  ada.enter(game)
  ben.enter(game)
  await ada.lobby.next()
  const [first, second] = ada.token < ben.token ? [ada, ben] : [ben, ada]
  expect(await first.attack(game, second.token)).toEqual({ PAYLOAD: {}, STATUS: 'NOT YOUR TURN' })
})

test('closing the server ends running games as abandoned, with their record', async () => {
  const records: GameRecord[] = []
  const server = await startServer({ port: 0, log: (record) => records.push(record) })
  const { game, first, second } = await startedDuel(server.url)
  await using waiting = await TestPlayer.login(server.url, 'cleo')
  waiting.enter(await waiting.join(3))
  const closed = first.lobby.closed()
  await server.close()
  await server.close()
  expect(await closed).toEqual({ code: 1001, reason: 'the server closes' })
  expect(await first.lobby.next()).toMatchObject({ STATUS: { GAME: 'COMPLETE' } })
  const made = records.filter(({ log_message }) => log_message === 'Cleaning Game Records')
  expect(made.map(({ task }) => task.game_token)).toEqual([game])
  expect(server.stats()).toMatchObject({ started: 1, abandoned: 1, games: 0, connections: 0 })
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

test('finished: all writes one record per participant; events carry every hit, keyed', async () => {
  const records: GameRecord[] = []
  await using server = await startServer({
    port: 0,
    finished: 'all',
    events: true,
    log: (record) => records.push(record),
  })
  const { game, first, second } = await startedDuel(server.url)
  await using _first = first
  await using _second = second
  await first.attack(game, second.token)
  await first.lobby[Symbol.asyncDispose]()
  await second.lobby.next()
  await second.lobby.next()
  const made = records.filter(({ log_message }) => log_message === 'Cleaning Game Records')
  expect(made.map(({ mid }) => mid).toSorted()).toEqual(
    [first, second].map(({ token }) => `${game}+${token}`).toSorted(),
  )
  expect(made.map(({ task }) => task.host).toSorted()).toEqual([false, true])
  expect(made.filter(({ task }) => 'game' in task).length).toBe(1)
  const events = records.filter(({ channel }) => channel === 'combat.events')
  expect(events.length).toBe(1)
  expect(events[0]).toMatchObject({ key: game, task: { enemy_token: second.token } })
})
