import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { playBot } from '../../src/simulator/bot.ts'
import { demoPlan, mixedPlan } from '../../src/simulator/plan.ts'
import type { GameRecord } from '../../src/simulator/records.ts'
import { runBots } from '../../src/simulator/runBots.ts'
import { type GameServer, type ServerOptions, startServer } from '../../src/simulator/server.ts'

/** A server with what it logged: tokens of the games started, and of those finished. */
async function watched(options: ServerOptions = {}) {
  const started: string[] = []
  const finished: string[] = []
  const log = ({ log_message, mid, task }: GameRecord) => {
    if (log_message === 'Started Game') started.push(task.game_token)
    if (log_message !== 'Cleaning Game Records') return
    expect(mid).toBe(`${task.game_token}+${task.user_token}`)
    finished.push(task.game_token)
  }
  const server = await startServer({ port: 0, log, ...options })
  return { server, started, finished }
}

/** Resolves at the n-th event of that kind. */
function nth(server: GameServer, event: 'started' | 'hit' | 'finished', count: number) {
  let seen = 0
  return new Promise<void>((done) => {
    server.on(event, () => {
      if (++seen === count) done()
    })
  })
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('the demo: 10 processes play 50 games in 12 rounds, and nobody waits for a seat', async () => {
  const { server, started, finished } = await watched({ lobbyTimeoutMs: 60_000 })
  await using _server = server
  const rounds: number[] = []
  const run = runBots({
    url: server.url,
    plan: demoPlan(7),
    onEvent: (event) => {
      if (event.type === 'round') rounds.push(event.round)
    },
  })
  expect(new Set(run.processes.map(({ pid }) => pid)).size).toBe(10)
  const summary = await run.done
  expect(summary).toEqual({
    games: 120,
    won: 50,
    skipped: 0,
    missing: [],
    hits: server.stats().hits,
  })
  expect(rounds).toEqual(Array.from({ length: 12 }, (_, round) => round))
  expect(started.length).toBe(50)
  expect(finished.toSorted()).toEqual(started.toSorted())
  expect(new Set(finished).size).toBe(50)
  expect(server.stats()).toMatchObject({ complete: 50, timedOut: 0, refusals: 0, forfeits: 0 })
  expect(run.processes.filter(({ pid }) => isAlive(pid))).toEqual([])
})

test('bots killed with SIGKILL mid-game: each game that started leaves exactly one record', async () => {
  // Whose lobby is over three times gives the game up, and a kill would then wait for hits in vain.
  const { server, started, finished } = await watched({ turnMs: 5, lobbyTimeoutMs: 3_000 })
  await using _server = server
  // Duels alone, and four survive: any two who live can go on.
  await using run = runBots({ url: server.url, plan: Array(9).fill([2, 2, 2, 2]) })
  const victims = run.processes.slice(0, 5)
  for (const { pid } of victims) {
    await nth(server, 'hit', 3)
    process.kill(pid, 'SIGKILL')
  }
  const summary = await run.done
  expect(summary.missing.map(({ why }) => why)).toEqual(victims.map(() => 'SIGKILL'))
  expect(started.length).toBeGreaterThan(0)
  expect(finished.toSorted()).toEqual(started.toSorted())
  const { complete, abandoned, forfeits, games } = server.stats()
  expect(complete + abandoned).toBe(started.length)
  expect(forfeits).toBeGreaterThan(0)
  expect(games).toBe(0)
})

test('bots told to stop leave their games at once, and are gone', async () => {
  const { server, started, finished } = await watched({ turnMs: 60_000 })
  await using _server = server
  const all = nth(server, 'started', 2)
  const run = runBots({ url: server.url, plan: [[2], [2], [2], [2]] })
  await all
  const left = nth(server, 'finished', 2)
  await run.stop()
  await left
  const summary = await run.done
  expect(summary.missing.length).toBe(4)
  expect(finished.toSorted()).toEqual(started.toSorted())
  await expect.poll(() => server.stats().connections, { timeout: 20_000 }).toBe(0)
  expect(run.processes.filter(({ pid }) => isAlive(pid))).toEqual([])
})

test('bots whose parent dies leave too', async () => {
  const { server, started, finished } = await watched({ turnMs: 60_000 })
  await using _server = server
  const module = JSON.stringify(new URL('../../src/simulator/runBots.ts', import.meta.url).href)
  const script = `import { runBots } from ${module}; runBots({ url: ${JSON.stringify(server.url)}, plan: [[2], [2]] })`
  const begun = nth(server, 'started', 1)
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  await begun
  const ended = nth(server, 'finished', 1)
  parent.kill('SIGKILL')
  await ended
  await expect.poll(() => server.stats().connections, { timeout: 20_000 }).toBe(0)
  expect(finished).toEqual(started)
})

test('several players share a process; a connection per route works as well', async () => {
  const { server, started, finished } = await watched({ lobbyTimeoutMs: 60_000 })
  await using _server = server
  const run = runBots({
    url: server.url,
    plan: mixedPlan(7, 3, 1),
    processes: 2,
    connections: 'perRoute',
    names: ['ada'],
  })
  expect(run.processes.map(({ users }) => users.length)).toEqual([4, 3])
  expect(run.processes[0]?.users[0]).toBe('ada')
  const summary = await run.done
  expect(summary).toMatchObject({ games: 21, won: started.length, skipped: 0, missing: [] })
  expect(finished.length).toBe(started.length)
})

test('a bot that finds no opponent gives up after some lobbies', async () => {
  await using server = await startServer({ port: 0, lobbyTimeoutMs: 20 })
  const summary = await playBot({ url: server.url, user: 'ada', sizes: [2, 3], lobbyTries: 2 })
  expect(summary).toEqual({ games: 0, hits: 0, won: 0, skipped: 2 })
  expect(server.stats().timedOut).toBe(4)
})

test('bots live through a restart of the server', async () => {
  const first = await startServer({ port: 0 })
  const { port, url } = first
  const alone = playBot({ url, user: 'ada', sizes: [2], connectTries: 100 })
  await expect.poll(() => first.stats().games).toBe(1)
  await first.close()
  await using _second = await startServer({ port })
  const other = playBot({ url, user: 'ben', sizes: [2], connectTries: 100 })
  const summaries = await Promise.all([alone, other])
  expect(summaries.map(({ games }) => games)).toEqual([1, 1])
  expect(summaries[0].won + summaries[1].won).toBe(1)
})

test('no server, and a server that says nothing, are clear errors', async () => {
  const bot = { user: 'ada', sizes: [2] as const, connectTries: 2 }
  // A port that is given to nobody.
  await expect(playBot({ ...bot, url: 'ws://127.0.0.1:1' })).rejects.toMatchObject({
    code: 'CONNECT_FAILED',
    message: expect.stringContaining('127.0.0.1:1'),
  })
  const silent = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(silent, 'listening')
  const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`
  await expect(playBot({ ...bot, url, answerTimeoutMs: 500 })).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: 'bot: no word from /api/v1/login in 500 ms',
  })
  silent.close()
})

test('a server that floods, or talks nonsense, is a clear error', async () => {
  const strange = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(strange, 'listening')
  let says: (socket: WebSocket) => void = () => {}
  strange.on('connection', (socket) => socket.on('message', () => says(socket)))
  const url = `ws://127.0.0.1:${(strange.address() as AddressInfo).port}`
  const play = () => playBot({ url, user: 'ada', sizes: [2], connectTries: 1 })
  says = (socket) => socket.send('hello')
  await expect(play()).rejects.toThrow('bot: /api/v1/login answered what is not JSON: hello')
  says = (socket) => socket.send('{"PAYLOAD":{}}')
  await expect(play()).rejects.toThrow('bot: the server answered {"PAYLOAD":{}}')
  let lobby: WebSocket | null = null
  const answers = [
    (socket: WebSocket) => socket.send('{"PAYLOAD":{"USER_TOKEN":"me"}}'),
    (socket: WebSocket) => socket.send('{"PAYLOAD":{"GAME_TOKEN":"g"}}'),
    (socket: WebSocket) => {
      lobby = socket
      socket.send('{"PAYLOAD":{"PARTICIPANTS":["me","you"]},"STATUS":{"GAME":"START"}}')
      socket.send(`{"PAYLOAD":{},"STATUS":{"GAME":"USER'S TURN"}}`)
    },
    // Before the attack is answered the lobby says far too much.
    (socket: WebSocket) => {
      lobby?.once('close', () => socket.send('{}'))
      for (let n = 0; n < 1_100; n++) lobby?.send('{}')
    },
  ]
  says = (socket) => answers.shift()?.(socket)
  await expect(play()).rejects.toThrow('bot: /api/v1/game/lobby sent 1000 frames')
  strange.close()
})
