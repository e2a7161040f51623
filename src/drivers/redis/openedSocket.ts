import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

const opening = new AsyncLocalStorage<{ socket: Socket | null }>()

subscribe('net.client.socket', (message) => {
  const asked = opening.getStore()
  if (asked) asked.socket ??= (message as { socket: Socket }).socket
})

/** The socket that this opens, which the client does not show; null where it opens none. */
export async function openedSocket(open: () => Promise<unknown>): Promise<Socket | null> {
  const asked: { socket: Socket | null } = { socket: null }
  await opening.run(asked, open)
  return asked.socket
}
