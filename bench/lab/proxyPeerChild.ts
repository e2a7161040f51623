import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

// The body of a process: an echo and a sink, each on a port that it tells its parent.
process.once('disconnect', () => process.exit(0))

async function serve(take: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, take)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

const echo = await serve((socket) => void socket.pipe(socket))
const sink = await serve((socket) => void socket.resume().on('end', () => socket.end('.')))
process.send?.({ echo, sink })
