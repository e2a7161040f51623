import { type ConfirmChannel, connect } from 'amqplib'

/** What a client does that connects for it. */
export async function withChannel<T>(
  url: string,
  act: (channel: ConfirmChannel) => Promise<T>,
): Promise<T> {
  const client = await connect(url)
  client.on('error', () => {})
  try {
    return await act(await client.createConfirmChannel())
  } finally {
    await client.close().catch(() => {})
  }
}
