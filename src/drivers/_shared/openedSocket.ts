import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

const opening = new AsyncLocalStorage<(socket: Socket) => void>()

subscribe('net.client.socket', (message) => {
  opening.getStore()?.((message as { socket: Socket }).socket)
})

/** `opened` is given each socket that this opens, before it is connected: the client shows it to nobody. */
export async function withOpenedSocket<T>(
  open: () => Promise<T>,
  opened: (socket: Socket) => void,
): Promise<T> {
  return await opening.run(opened, open)
}
