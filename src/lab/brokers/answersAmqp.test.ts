import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { answersAmqp } from './answersAmqp.ts'

/** Asks a server that does this with who connects. */
async function asked(serve: (socket: Socket) => void): Promise<void> {
  const server = createServer((socket) => serve(socket.on('error', () => {})))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    await answersAmqp((server.address() as AddressInfo).port)
  } finally {
    server.close()
  }
}

test('a server that begins to talk after the greeting is one', async () => {
  let greeting = ''
  await asked((socket) =>
    socket.once('data', (data) => {
      greeting = data.toString('latin1')
      socket.write(Buffer.from([1, 0, 0]))
    }),
  )
  expect(greeting).toBe('AMQP\0\0\x09\x01')
})

test('one of another version is none, nor is one that hangs up', async () => {
  await expect(asked((socket) => socket.write('AMQP\0\x01\0\0'))).rejects.toThrow(
    /does not speak AMQP 0-9-1/,
  )
  await expect(asked((socket) => socket.resetAndDestroy())).rejects.toThrow('ECONNRESET')
  await expect(asked((socket) => socket.end())).rejects.toThrow(/ended without an answer/)
})
