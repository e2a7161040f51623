import { once } from 'node:events'
import { connect } from 'node:net'

const answersWithinMs = 30_000

/** Resolves when a server begins to speak AMQP 0-9-1 at this port of ours. */
export async function answersAmqp(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  try {
    socket.write('AMQP\0\0\x09\x01')
    socket.once('end', () => socket.destroy(new Error(`port ${port} ended without an answer`)))
    const signal = AbortSignal.timeout(answersWithinMs)
    const [answer] = (await once(socket, 'data', { signal })) as [Buffer]
    const isMethod = answer[0] === 1 // else it repeats the version that it would take
    if (!isMethod) throw new Error(`port ${port} does not speak AMQP 0-9-1`)
  } finally {
    socket.destroy()
  }
}
