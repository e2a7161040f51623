// The frames of a hit and nothing else: no game, no record, no JSON. It ends with its parent.
import { once } from 'node:events'
import { type WebSocket, WebSocketServer } from 'ws'
import { answers } from '../../src/simulator/server/answers.ts'

const token = '00000000-0000-4000-8000-000000000000'
const attack = { enemy: token, damage: 123_456, healthPrior: 4_000_000, healthPost: 3_876_544 }
const answer = answers.attacked(token, token, attack, 0)
const turn = answers.turn(token)

const lobbies = new Map<number, WebSocket>()
let hits = 0

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
server.on('connection', (socket, { url = '' }) => {
  const [, route, number] = url.split('/')
  const bot = Number(number)
  if (route === 'lobby') lobbies.set(bot, socket)
  socket.on('message', () => {
    hits++
    socket.send(answer)
    lobbies.get(opponentOf(bot))?.send(turn)
  })
})

/** 0 and 1 play each other, 2 and 3, and so on. */
function opponentOf(bot: number): number {
  return bot % 2 === 0 ? bot + 1 : bot - 1
}

process.on('message', (question) => {
  if (question === 'begin') {
    for (const [bot, lobby] of lobbies) if (bot % 2 === 0) lobby.send(turn)
  }
  process.send?.({ hits, atMs: performance.now() })
})
process.on('disconnect', () => process.exit(0))
await once(server, 'listening')
const address = server.address()
process.send?.(typeof address === 'object' && address ? address.port : 0)
