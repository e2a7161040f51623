import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ServerReport } from './messages.ts'
import { start } from './process.ts'

/** Resident memory of the server process, before and with idle connections. */
export async function sizeOfServer(
  seed: number,
  connections: number,
): Promise<{ emptyMb: number; fullMb: number }> {
  const server = await start('serverBody.ts', { connectionsMax: connections, seed })
  const { port } = new URL(String(server.ready))
  const empty = (await server.ask('report')) as ServerReport
  const sockets: Socket[] = []
  while (sockets.length < connections) {
    const some = Array.from({ length: 100 }, () => idleConnection(Number(port)))
    sockets.push(...(await Promise.all(some)))
  }
  const full = (await server.ask('report')) as ServerReport
  for (const socket of sockets) socket.destroy()
  await server.stop()
  if (full.connections !== connections) {
    throw new Error(`server: ${full.connections} of ${connections} are open`)
  }
  return { emptyMb: empty.residentBytes / 1e6, fullMb: full.residentBytes / 1e6 }
}

/** A bare socket that has shaken hands: what is measured is the server, not a client library. */
async function idleConnection(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.write(
    'GET /api/v1/game/lobby HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n' +
      'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  if (!String(answer).includes(' 101 ')) throw new Error(`server: ${answer}`)
  return socket
}
