import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { NarrowcastError } from '../../src/core/errors.ts'
import { type GameServer, startServer } from '../../src/simulator/server.ts'
import { api, Client, startedDuel, TestPlayer } from './simulatorClient.ts'

const refused = (status: string) => ({ PAYLOAD: {}, STATUS: status })

/** Two bystanders play on, whatever another client does. */
async function stillPlays(server: GameServer): Promise<void> {
  const { game, first, second } = await startedDuel(server.url, ['still-1', 'still-2'])
  await using _first = first
  await using _second = second
  expect(await first.attack(game, second.token)).toMatchObject({ STATUS: { ACTION: 'ATTACK' } })
}

const anyToken = '00000000-0000-4000-8000-000000000000'

test.for([
  ['not JSON', '/login', 'hello {', 'FRAME IS NOT JSON'],
  ['an empty frame', '/login', '', 'FRAME IS NOT JSON'],
  ['not an object', '/login', '[1]', 'FRAME IS NOT AN OBJECT'],
  ['null', '/login', 'null', 'FRAME IS NOT AN OBJECT'],
  ['no payload', '/login', '{}', 'MISSING PAYLOAD'],
  ['a payload that is no object', '/login', '{"PAYLOAD":7}', 'PAYLOAD IS NOT AN OBJECT'],
  ['no user', '/login', '{"PAYLOAD":{}}', 'MISSING USER IN PAYLOAD'],
  [
    'a field that only a prototype has',
    '/login',
    '{"PAYLOAD":{"__proto__":{"USER":"x"}}}',
    'MISSING USER IN PAYLOAD',
  ],
  [
    'a user that is a number',
    '/login',
    '{"PAYLOAD":{"USER":7}}',
    'USER IN PAYLOAD MUST BE TEXT OF 1 TO 128 CHARACTERS',
  ],
  [
    'a user without a letter',
    '/login',
    '{"PAYLOAD":{"USER":""}}',
    'USER IN PAYLOAD MUST BE TEXT OF 1 TO 128 CHARACTERS',
  ],
  [
    'a long user',
    '/login',
    `{"PAYLOAD":{"USER":"${'x'.repeat(129)}"}}`,
    'USER IN PAYLOAD MUST BE TEXT OF 1 TO 128 CHARACTERS',
  ],
  [
    'find without a token',
    '/game/find',
    '{"PAYLOAD":{"PARTICIPANTS":2}}',
    'MISSING USER TOKEN IN PAYLOAD',
  ],
  [
    'find with an unknown token',
    '/game/find',
    `{"PAYLOAD":{"USER_TOKEN":"${anyToken}","PARTICIPANTS":2}}`,
    'UNKNOWN USER TOKEN',
  ],
  [
    'lobby without a game',
    '/game/lobby',
    `{"PAYLOAD":{"USER_TOKEN":"${anyToken}"}}`,
    'MISSING GAME TOKEN IN PAYLOAD',
  ],
  [
    'hero with an unknown user',
    '/game/hero',
    `{"PAYLOAD":{"GAME_TOKEN":"${anyToken}","USER_TOKEN":"${anyToken}"}}`,
    'UNKNOWN USER TOKEN',
  ],
  [
    'action without an enemy',
    '/game/action',
    '{"PAYLOAD":{"GAME_TOKEN":"x","USER_TOKEN":null}}',
    'USER TOKEN IN PAYLOAD MUST BE TEXT OF 1 TO 128 CHARACTERS',
  ],
] as const)('answered, and the server lives: %s', async ([, path, frame, status]) => {
  await using server = await startServer({ port: 0 })
  await using client = await Client.open(server.url, path)
  client.send(frame)
  expect(await client.next()).toEqual(refused(status))
  expect(server.stats().refusals).toBe(1)
  await stillPlays(server)
})

test('what a player who is logged in may get wrong', async () => {
  await using server = await startServer({ port: 0 })
  const { game, first, second } = await startedDuel(server.url)
  await using _first = first
  await using _second = second
  await using cleo = await TestPlayer.login(server.url, 'cleo')
  const find = (PARTICIPANTS: unknown) => cleo.find.ask({ USER_TOKEN: cleo.token, PARTICIPANTS })
  expect(await find(4)).toEqual(refused('PARTICIPANTS IN PAYLOAD MUST BE 2 OR 3'))
  expect(await find('2')).toEqual(refused('PARTICIPANTS IN PAYLOAD MUST BE 2 OR 3'))
  const ofCleo = { GAME_TOKEN: game, USER_TOKEN: cleo.token }
  const unknownGame = { GAME_TOKEN: anyToken, USER_TOKEN: first.token }
  expect(await cleo.lobby.ask(ofCleo)).toEqual(refused('USER NOT IN GAME'))
  expect(await cleo.hero.ask(ofCleo)).toEqual(refused('USER NOT IN GAME'))
  expect(await cleo.lobby.ask(unknownGame)).toEqual(refused('UNKNOWN GAME TOKEN'))
  expect(await cleo.hero.ask(unknownGame)).toEqual(refused('UNKNOWN GAME TOKEN'))
  const hit = (payload: object) =>
    cleo.action.ask({ ACTION: 'ATTACK', ENEMY_TOKEN: second.token, ...payload })
  expect(await hit(unknownGame)).toEqual(refused('UNKNOWN GAME TOKEN'))
  expect(await hit(ofCleo)).toEqual(refused('USER NOT IN GAME'))
  const ofFirst = { GAME_TOKEN: game, USER_TOKEN: first.token }
  const ofSecond = { GAME_TOKEN: game, USER_TOKEN: second.token, ENEMY_TOKEN: first.token }
  expect(await hit(ofSecond)).toEqual(refused('NOT YOUR TURN'))
  expect(await hit({ ...ofFirst, ACTION: 'HUG' })).toEqual(
    refused('ACTION IN PAYLOAD MUST BE ATTACK'),
  )
  expect(await hit({ ...ofFirst, ENEMY_TOKEN: anyToken })).toEqual(refused('UNKNOWN ENEMY TOKEN'))
  expect(await hit({ ...ofFirst, ENEMY_TOKEN: first.token })).toEqual(refused('ENEMY IS YOURSELF'))
  expect(await hit({ ...ofFirst, ENEMY_TOKEN: 5 })).toEqual(
    refused('ENEMY TOKEN IN PAYLOAD MUST BE TEXT OF 1 TO 128 CHARACTERS'),
  )
  expect(await cleo.action.ask(ofFirst)).toEqual(refused('MISSING ENEMY TOKEN IN PAYLOAD'))
  const waiting = await cleo.join(3)
  expect(await hit({ ...ofCleo, GAME_TOKEN: waiting })).toEqual(refused('GAME NOT STARTED'))
  // None of it has changed the game: it is still the first one's turn.
  expect(await first.attack(game, second.token)).toMatchObject({ STATUS: { ACTION: 'ATTACK' } })
})

test('a hit after the end is refused', async () => {
  await using server = await startServer({ port: 0 })
  const { game, first, second } = await startedDuel(server.url)
  await using _first = first
  await using _second = second
  await second.lobby[Symbol.asyncDispose]()
  await first.lobby.next()
  expect(await first.attack(game, second.token)).toEqual(refused('GAME IS OVER'))
})

test('a binary frame is answered', async () => {
  await using server = await startServer({ port: 0 })
  await using client = await Client.open(server.url, '/login')
  client.socket.send(Buffer.from('{"PAYLOAD":{"USER":"ada"}}'))
  expect(await client.next()).toEqual(refused('FRAME IS NOT TEXT'))
})

test('a frame over 64 KiB closes its connection with 1009 and a reason', async () => {
  await using server = await startServer({ port: 0 })
  await using client = await Client.open(server.url, '/login')
  const told = new Promise((done) => server.on('refused', done))
  client.send('x'.repeat(65_536))
  expect(await client.next()).toEqual(refused('FRAME IS NOT JSON'))
  client.send('x'.repeat(65_537))
  expect(await client.closed()).toEqual({ code: 1009, reason: 'a frame over 65536 bytes' })
  expect(await told).toEqual({ code: 1009 })
  await stillPlays(server)
})

test('text that is not UTF-8 closes its connection with 1007 and a reason', async () => {
  await using server = await startServer({ port: 0 })
  await using client = await Client.open(server.url, '/login')
  client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
  expect(await client.closed()).toEqual({ code: 1007, reason: 'text that is not UTF-8' })
  await stillPlays(server)
})

/** In order, or by a reset. */
function closed(socket: Socket): Promise<unknown> {
  socket.on('error', () => {}) // then it closes
  return new Promise((done) => socket.on('close', done))
}

test('a client that breaks the WebSocket protocol is closed, and the server lives', async () => {
  await using server = await startServer({ port: 0 })
  const socket = connect(server.port, '127.0.0.1')
  socket.write(
    `GET ${api}/login HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  await once(socket, 'data')
  const gone = closed(socket)
  socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))
  await gone
  await stillPlays(server)
})

test('an unknown route is 404, plain HTTP is 426, nonsense is closed', async () => {
  await using server = await startServer({ port: 0 })
  const socket = new WebSocket(`${server.url}/api/v1/elsewhere`)
  const [error] = (await once(socket, 'error')) as [Error]
  expect(error.message).toContain('404')
  const response = await fetch(server.url.replace('ws:', 'http:'))
  expect(response.status).toBe(426)
  expect(await response.text()).toContain('/api/v1/login')
  const raw = connect(server.port, '127.0.0.1')
  const gone = closed(raw.resume())
  raw.end('nonsense\r\n\r\n')
  await gone
  await stillPlays(server)
})

test('one connection more than allowed is closed with 1013 and a reason; a free place is given', async () => {
  await using server = await startServer({ port: 0, connectionsMax: 2 })
  await using one = await Client.open(server.url, '/login')
  await using two = await Client.open(server.url, '/login')
  await using three = await Client.open(server.url, '/login')
  expect(await three.closed()).toEqual({ code: 1013, reason: '2 connections are the limit' })
  expect(await one.ask({ USER: 'ada' })).toEqual(refused('USER CREATED'))
  expect(server.stats()).toMatchObject({ connections: 2, connectionsRefused: 1 })
  await two[Symbol.asyncDispose]()
  await expect.poll(() => server.stats().connections).toBe(1)
  await using four = await Client.open(server.url, '/login')
  expect(await four.ask({ USER: 'ben' })).toEqual(refused('USER CREATED'))
})

test('one user more than allowed is refused; known ones may come back', async () => {
  await using server = await startServer({ port: 0, usersMax: 1 })
  await using login = await Client.open(server.url, '/login')
  await login.ask({ USER: 'ada' })
  await login.next()
  expect(await login.ask({ USER: 'ben' })).toEqual(refused('TOO MANY USERS'))
  expect(await login.ask({ USER: 'ada' })).toMatchObject({
    PAYLOAD: { USER_TOKEN: expect.any(String) },
  })
})

test('one game more than allowed is refused; a seat in an open one is given', async () => {
  await using server = await startServer({ port: 0, gamesMax: 1 })
  await using ada = await TestPlayer.login(server.url, 'ada')
  await using ben = await TestPlayer.login(server.url, 'ben')
  const game = await ada.join(2)
  const find = (PARTICIPANTS: number) => ben.find.ask({ USER_TOKEN: ben.token, PARTICIPANTS })
  expect(await find(3)).toEqual(refused('TOO MANY GAMES'))
  expect(await find(2)).toMatchObject({ PAYLOAD: { GAME_TOKEN: game } })
})

test('a client that stops reading is closed with 1008 and a reason', async () => {
  await using server = await startServer({ port: 0 })
  await using client = await Client.open(server.url, '/login')
  client.socket.pause()
  // What the sockets of both sides hold is the system's; ours is bounded on top of it.
  let isFlooding = true
  const told = new Promise((done) => server.on('refused', done)).finally(() => {
    isFlooding = false
  })
  while (isFlooding) {
    for (let n = 0; n < 1_000; n++) client.send('?')
    await new Promise((done) => setImmediate(done))
  }
  const closed = client.closed()
  client.socket.resume()
  const { code, reason } = await closed
  expect(await told).toEqual({ code: 1008 })
  expect(code).toBe(1008)
  expect(reason).toMatch(/^stopped reading: \d+ bytes unsent$/)
  await stillPlays(server)
})

test('a log or a listener that throws is counted and told, and the games go on', async () => {
  await using server = await startServer({
    port: 0,
    log: () => {
      throw new Error('log is broken')
    },
  })
  const told: string[] = []
  server.on('error', (error) => told.push(error.message))
  server.on('started', () => {
    throw new Error('listener is broken')
  })
  const games: string[] = []
  server.on('finished', ({ game_token }) => games.push(game_token))
  await stillPlays(server)
  await server.close()
  expect(told).toContain('log is broken')
  expect(games.length).toBeGreaterThan(0)
  for (const game of games) {
    expect(told).toContainEqual(expect.stringContaining(`finished game ${game} is lost: log is`))
  }
  expect(told).toContain('listener is broken')
  expect(server.stats().errors).toBe(told.length)
})

test('a taken port, and options out of range, are clear errors', async () => {
  await using server = await startServer({ port: 0 })
  const failed = async (options: object) => {
    try {
      await startServer(options)
    } catch (error) {
      return error instanceof NarrowcastError ? `${error.code} ${error.message}` : String(error)
    }
    throw new Error('it started')
  }
  expect(await failed({ port: server.port })).toMatch(
    new RegExp(`^INVALID_CONFIG .*127\\.0\\.0\\.1 port ${server.port}: .*EADDRINUSE`),
  )
  expect(await failed({ port: 70_000 })).toMatch(/port: expected a whole number from 0 to 65535/)
  expect(await failed({ finished: 'none' })).toMatch(/finished: expected host or all, got "none"/)
  expect(await failed({ turn: 5 })).toMatch(/unknown option turn/)
  expect(await failed({ heroes: [] })).toMatch(/heroes: expected at least 3 heroes, got 0/)
})
