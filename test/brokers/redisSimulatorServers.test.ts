import { createClient } from '@redis/client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { type GameRecord, type ServerOptions, startServer } from '../../src/simulator/index.ts'
import { Client, startedDuel, TestPlayer } from '../e2e/simulatorClient.ts'

const patient = { timeout: 20_000 }

const { redis, missing } = await obtainRedis()

const starts = { STATUS: { GAME: 'START' } }
const turn = { STATUS: { GAME: "USER'S TURN" } }
const completes = { STATUS: { GAME: 'COMPLETE' } }

describe.skipIf(redis === null)(`servers on one state in Redis ${missing ?? ''}`, () => {
  const state = `${redis?.url ?? 'redis://nowhere'}/8`
  const client = createClient({ url: state })
  const records: GameRecord[] = []
  const start = (more: ServerOptions = {}) =>
    startServer({ port: 0, state, log: (record) => records.push(record), ...more })
  const finished = () =>
    records.filter(({ log_message }) => log_message === 'Cleaning Game Records')

  beforeAll(async () => {
    await client.connect()
  })
  beforeEach(async () => {
    await client.flushDb()
    records.length = 0
  })
  afterAll(async () => {
    client.destroy()
    await redis?.stop()
  })

  it('two players on two servers play each other, and a third server hits for them', async () => {
    await using one = await start()
    await using two = await start()
    await using three = await start()
    await using ada = await TestPlayer.login(one.url, 'ada')
    await using ben = await TestPlayer.login(two.url, 'ben')
    await using adaAtThree = await TestPlayer.login(three.url, 'ada')
    expect(adaAtThree.token).toBe(ada.token)
    const game = await ada.join(2)
    expect(await ben.join(2)).toBe(game)
    ada.enter(game)
    ben.enter(game)
    expect(await ada.lobby.next()).toMatchObject(starts)
    expect(await ben.lobby.next()).toMatchObject(starts)
    let [next, other] = ada.token < ben.token ? [ada, ben] : [ben, ada]
    for (;;) {
      expect(await next.lobby.next()).toMatchObject(turn)
      const by = next === ada ? adaAtThree : ben
      const { STATUS } = await by.attack(game, other.token)
      const { DETAILS } = STATUS as { DETAILS: { ENEMY_HEALTH_POST: number } }
      if (DETAILS.ENEMY_HEALTH_POST === 0) break
      ;[next, other] = [other, next]
    }
    expect(await ada.lobby.next()).toMatchObject(completes)
    expect(await ben.lobby.next()).toMatchObject(completes)
    expect(finished().map(({ mid }) => mid)).toEqual([`${game}+${ada.token}`])
    const counts = [one, two, three].map((server) => server.stats())
    expect(counts.map(({ games }) => games)).toEqual([0, 0, 0])
    expect(counts.reduce((sum, { complete }) => sum + complete, 0)).toBe(1)
  })

  it('a player who comes to the lobby by another server is spoken for there', async () => {
    await using one = await start()
    await using two = await start()
    const { game, first, second } = await startedDuel(one.url)
    await using _first = first
    await using _second = second
    await using again = await Client.open(two.url, '/game/lobby')
    const payload = { GAME_TOKEN: game, USER_TOKEN: first.token }
    expect(await again.ask(payload)).toMatchObject(starts)
    expect(await again.next()).toMatchObject(turn)
    await first.lobby[Symbol.asyncDispose]()
    expect(await first.attack(game, second.token)).toMatchObject({ STATUS: { ACTION: 'ATTACK' } })
    expect(await second.lobby.next()).toMatchObject(turn)
    await again[Symbol.asyncDispose]()
    expect(await second.lobby.next()).toMatchObject(completes)
    await expect.poll(() => [one.stats().games, two.stats().games], patient).toEqual([0, 0])
    expect(finished()).toHaveLength(1)
  })

  it('a server whose last player has gone to another one lets go of the game', async () => {
    await using one = await start()
    await using two = await start()
    await using ada = await TestPlayer.login(one.url, 'ada')
    await using ben = await TestPlayer.login(two.url, 'ben')
    const game = await ada.join(2)
    await ben.join(2)
    for (const player of [ada, ben]) player.enter(game)
    for (const player of [ada, ben]) expect(await player.lobby.next()).toMatchObject(starts)
    await using moved = await Client.open(two.url, '/game/lobby')
    const payload = { GAME_TOKEN: game, USER_TOKEN: ada.token }
    expect(await moved.ask(payload)).toMatchObject(starts)
    await expect.poll(() => one.stats().games, patient).toBe(0)
    await ada.lobby[Symbol.asyncDispose]()
    expect(two.stats()).toMatchObject({ games: 1, forfeits: 0 })
    expect(one.stats()).toMatchObject({ games: 0, forfeits: 0 })
  })

  it('a lobby that does not fill times out for those who wait by other servers', async () => {
    await using one = await start({ lobbyTimeoutMs: 100 })
    await using two = await start({ lobbyTimeoutMs: 60_000 })
    await using ada = await TestPlayer.login(one.url, 'ada')
    await using ben = await TestPlayer.login(two.url, 'ben')
    const game = await ada.join(3)
    await ben.join(3)
    ben.enter(game)
    expect(await ben.lobby.next()).toMatchObject({ STATUS: { GAME: 'TIMED OUT' } })
    expect(one.stats().timedOut + two.stats().timedOut).toBe(1)
    expect([one.stats().games, two.stats().games]).toEqual([0, 0])
  })

  it('who does not take a turn dies once, whichever server sees it', async () => {
    await using one = await start({ turnTimeoutMs: 150 })
    await using two = await start({ turnTimeoutMs: 150 })
    await using ada = await TestPlayer.login(one.url, 'ada')
    await using ben = await TestPlayer.login(two.url, 'ben')
    const game = await ada.join(2)
    await ben.join(2)
    for (const player of [ada, ben]) player.enter(game)
    const [first, second] = ada.token < ben.token ? [ada, ben] : [ben, ada]
    for (const expected of [starts, completes]) {
      expect(await second.lobby.next()).toMatchObject(expected)
    }
    for (const expected of [starts, turn, completes]) {
      expect(await first.lobby.next()).toMatchObject(expected)
    }
    expect(one.stats().forfeits + two.stats().forfeits).toBe(1)
    expect(finished()).toHaveLength(1)
    expect(finished()[0]?.task).toMatchObject({ game: { hits: [], deaths: [first.token] } })
  })

  it('a server that closes ends the games of its players, and no others', async () => {
    const one = await start()
    await using two = await start({ lobbyTimeoutMs: 60_000 })
    await using ada = await TestPlayer.login(one.url, 'ada')
    await using ben = await TestPlayer.login(two.url, 'ben')
    const shared = await ada.join(2)
    await ben.join(2)
    for (const player of [ada, ben]) player.enter(shared)
    expect(await ben.lobby.next()).toMatchObject(starts)
    const own = await startedDuel(two.url, ['cleo', 'dan'])
    await using _cleo = own.first
    await using _dan = own.second
    const closed = ada.lobby.closed()
    await one.close()
    expect(await closed).toEqual({ code: 1001, reason: 'the server closes' })
    let last = await ben.lobby.next()
    if ((last.STATUS as { GAME: string }).GAME !== 'COMPLETE') last = await ben.lobby.next()
    expect(last).toMatchObject(completes)
    expect(finished().map(({ task }) => task.game_token)).toEqual([shared])
    expect(await own.first.attack(own.game, own.second.token)).toMatchObject({
      STATUS: { ACTION: 'ATTACK' },
    })
    expect(await client.zCard('games:servers')).toBe(1)
  })

  it('a record that is not taken is written again, and not counted twice', async () => {
    let isBroken = true
    const taken: string[] = []
    const log = async ({ log_message, mid }: GameRecord) => {
      if (log_message !== 'Cleaning Game Records') return
      if (isBroken) throw new Error('no broker')
      taken.push(mid)
    }
    await using server = await start({ log, stateLeaseMs: 200 })
    const errors: string[] = []
    server.on('error', ({ message }) => errors.push(message))
    const { game, first, second } = await startedDuel(server.url)
    await using _first = first
    await using _second = second
    await first.lobby[Symbol.asyncDispose]()
    await expect.poll(() => errors.length, patient).toBeGreaterThan(1)
    expect(errors[0]).toContain(`the finished game ${game} is yet to be written: no broker`)
    isBroken = false
    await expect.poll(() => client.zCard('games:unreported'), patient).toBe(0)
    expect(taken).toHaveLength(1)
    expect(server.stats()).toMatchObject({ started: 1, complete: 1, rescued: 1 })
  })

  it('answers clearly while Redis is away, and goes on from where it was', async () => {
    await using own = await startRedis({ profile: 'always' })
    await using server = await start({ state: own.url })
    const changes: boolean[] = []
    server.on('state', ({ isUp }) => changes.push(isUp))
    const { game, first, second } = await startedDuel(server.url)
    await using _first = first
    await using _second = second
    await using cleo = await TestPlayer.login(server.url, 'cleo')
    const open = await cleo.join(3)
    cleo.enter(open)
    // The answer on the same connection says that she is in.
    await cleo.lobby.ask({})
    await own.kill()
    await expect.poll(() => changes, patient).toEqual([false])
    const away = { PAYLOAD: {}, STATUS: 'STATE UNAVAILABLE' }
    expect(await first.attack(game, second.token)).toEqual(away)
    expect(await cleo.join(2)).toBe('undefined')
    // Who leaves meanwhile is found to be gone afterwards.
    await cleo.lobby[Symbol.asyncDispose]()
    await own.restart()
    expect(await first.lobby.next()).toMatchObject(turn)
    expect(changes).toEqual([false, true])
    expect(await first.attack(game, second.token)).toMatchObject({ STATUS: { ACTION: 'ATTACK' } })
    expect(await second.lobby.next()).toMatchObject(turn)
    await expect.poll(() => server.stats().games, patient).toBe(1)
    expect(server.stats()).toMatchObject({ forfeits: 0, errors: 0 })
  })

  it('a Redis that hangs is one that is away', async () => {
    await using own = await startRedis()
    await using server = await start({ state: own.url, stateLeaseMs: 2_000 })
    await using ada = await TestPlayer.login(server.url, 'ada')
    const changes: string[] = []
    server.on('state', ({ text }) => changes.push(text))
    process.kill(own.pid, 'SIGSTOP')
    await expect.poll(() => changes.length, patient).toBe(1)
    expect(changes[0]).toBe('sim server: the state in Redis has not answered for 2000 ms')
    const answer = await ada.find.ask({ USER_TOKEN: ada.token, PARTICIPANTS: 2 })
    expect(answer.STATUS).toBe('STATE UNAVAILABLE')
    process.kill(own.pid, 'SIGCONT')
    await expect.poll(() => changes.length, patient).toBe(2)
    expect(await ada.join(2)).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('says when a game that runs is gone, and lets its players go', async () => {
    await using server = await start({ turnTimeoutMs: 2_000 })
    const { first, second } = await startedDuel(server.url)
    await using _first = first
    await using _second = second
    const closed = Promise.all([first.lobby.closed(), second.lobby.closed()])
    await client.flushDb()
    const gone = { code: 1011, reason: 'the game is gone from the state' }
    expect(await closed).toEqual([gone, gone])
    expect(server.stats()).toMatchObject({ games: 0, complete: 0 })
  })

  it('refuses a node of a cluster', async () => {
    await using node = await startRedis({ args: ['--cluster-enabled', 'yes'] })
    await expect(start({ state: node.url })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: 'sim server: the state cannot lie on a Redis Cluster',
    })
  })

  it.for([
    ['redis://127.0.0.1:1', 'CONNECT_FAILED', 'cannot use the state redis://127.0.0.1:1'],
    ['redis://me:secret@127.0.0.1:1', 'CONNECT_FAILED', 'redis://me:***@127.0.0.1:1'],
    ['redis://127.0.0.1:99999', 'INVALID_CONFIG', 'redis://127.0.0.1:99999 is no URL of a Redis'],
    ['file:./store', 'INVALID_ARGUMENT', 'expected memory or redis://host:port without options'],
    ['redis://localhost?queue=list', 'INVALID_ARGUMENT', 'without options'],
  ] as const)('refuses the state %s', async ([url, code, text]) => {
    const message = expect.stringContaining(text)
    await expect(startServer({ port: 0, state: url })).rejects.toMatchObject({ code, message })
  })

  it('says that a login is refused', async () => {
    await client.sendCommand(['ACL', 'SETUSER', 'sim', 'on', '>right', '~*', '&*', '+@all'])
    const at = (password: string) => state.replace('redis://', `redis://sim:${password}@`)
    await using _server = await start({ state: at('right') })
    await expect(start({ state: at('wrong') })).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
    await client.sendCommand(['ACL', 'DELUSER', 'sim'])
  })
})
