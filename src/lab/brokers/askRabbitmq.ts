import { connect } from 'amqplib'

/** The version that a server says it has, to who may log in. `url` may hold a login. */
export async function rabbitmqVersion(url: string): Promise<string> {
  const client = await connect(url, { timeout: 5_000 })
  client.on('error', () => {}) // `close` rejects with it
  try {
    return client.connection.serverProperties.version
  } finally {
    await client.close()
  }
}
