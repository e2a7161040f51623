import { createClient, RESP_TYPES } from '@redis/client'

/** A connected client that fails for good when its connection breaks: no fault is planned. */
export async function rawRedis(url: string) {
  const plain = url.replace(/\?.*$/, '') // options are of narrowcast
  const client = createClient({
    ...{ url: plain, RESP: 3, socket: { reconnectStrategy: false } },
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  })
  client.on('error', (error: unknown) => {
    throw error
  })
  return await client.connect()
}

export type RawRedis = Awaited<ReturnType<typeof rawRedis>>
