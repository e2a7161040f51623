// Bots that answer each turn with the same frame, unread. They end with their parent.
import { once } from 'node:events'
import { WebSocket } from 'ws'

const { port, bots } = JSON.parse(process.argv[2] ?? '{}') as {
  port: number
  bots: readonly number[]
}
const token = '00000000-0000-4000-8000-000000000000'
const attack = JSON.stringify({
  PAYLOAD: { GAME_TOKEN: token, USER_TOKEN: token, ENEMY_TOKEN: token, ACTION: 'ATTACK' },
})

async function open(route: string, bot: number): Promise<WebSocket> {
  const options = { perMessageDeflate: false }
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${route}/${bot}`, options)
  await once(socket, 'open')
  return socket
}

for (const bot of bots) {
  const lobby = await open('lobby', bot)
  const action = await open('action', bot)
  lobby.on('message', () => action.send(attack))
  action.on('message', () => {})
}
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
