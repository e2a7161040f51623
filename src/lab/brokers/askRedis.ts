import { createClient } from '@redis/client'

/** What the server answers to one command, on a connection of its own. `url` may hold a login. */
export async function askRedis(url: string, ...command: readonly string[]): Promise<unknown> {
  const [answer] = await askRedisAll(url, [command])
  return answer
}

/** The answers to several commands, in their order, on one connection. */
export async function askRedisAll(
  url: string,
  commands: readonly (readonly string[])[],
): Promise<unknown[]> {
  const client = createClient({
    url,
    RESP: 3,
    socket: { reconnectStrategy: false, connectTimeout: 5_000, socketTimeout: 5_000 },
  })
  client.on('error', () => {}) // `connect` and the command reject with it
  try {
    await client.connect()
    return await Promise.all(commands.map((command) => client.sendCommand(command)))
  } finally {
    if (client.isOpen) client.destroy()
  }
}
