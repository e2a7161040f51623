import { once } from 'node:events'
import { connect } from 'node:net'
import type { Address } from '../_shared/serverPlace.ts'

/** Whether a Redis answers there without TLS. Nobody logs in for that. */
export async function answersPlainly(
  { host, port }: Address,
  signal: AbortSignal,
): Promise<boolean> {
  const socket = connect({ host, port })
  try {
    socket.write('PING\r\n')
    const [bytes] = (await once(socket, 'data', { signal })) as [Buffer]
    return bytes[0] === 0x2b || bytes[0] === 0x2d // +PONG, -NOAUTH …
  } catch {
    return false // whatever it is, it is no Redis
  } finally {
    socket.destroy()
  }
}
