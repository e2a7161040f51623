import { createClient } from '@redis/client'

/** A connected client that fails for good when its connection breaks. */
export async function rawClient(url: string) {
  const client = createClient({ url, socket: { reconnectStrategy: false } })
  client.on('error', (error: unknown) => {
    throw error
  })
  return client.connect()
}

export type RawClient = Awaited<ReturnType<typeof rawClient>>
