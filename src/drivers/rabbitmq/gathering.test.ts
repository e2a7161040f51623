import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { Gathering } from './gathering.ts'

/** How the client writes. It shows that to nobody, and may do it otherwise one day. */
interface Mux {
  pipeFrom(channel: PassThrough): void
}

const require = createRequire(import.meta.url)
const client = require(join(dirname(require.resolve('amqplib')), 'lib/mux.js')) as {
  readonly Mux: new (socket: Writable) => Mux
}

/** What a channel of the client writes to, and how many chunks each call to the system took along. */
function channelOn(socketBytesMax: number) {
  const calls: number[] = []
  const socket = new Writable({
    highWaterMark: socketBytesMax,
    write(_chunk, _encoding, done) {
      calls.push(1)
      done()
    },
    writev(chunks, done) {
      calls.push(chunks.length)
      done()
    },
  })
  const channel = new PassThrough({ objectMode: true, highWaterMark: 1_024 })
  new client.Mux(socket).pipeFrom(channel)
  const gathering = new Gathering(socket)
  return { calls, channel, gathering }
}

/** Longer than any write takes that has room. */
async function turns() {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

test('what is sent in one turn leaves by one call, and what comes later is not kept back', async () => {
  const { calls, channel, gathering } = channelOn(65_536)
  for (let n = 0; n < 100; n++) channel.write(Buffer.alloc(100))
  gathering.turn()
  await turns()
  expect(calls).toEqual([100])
  channel.write(Buffer.alloc(100))
  await turns()
  expect(calls).toEqual([100, 1])
})

test('what a socket has no room for leaves by few calls too', async () => {
  const { calls, channel, gathering } = channelOn(2_000)
  for (let n = 0; n < 100; n++) channel.write(Buffer.alloc(100))
  gathering.turn()
  await turns()
  expect(calls).toEqual([20, 20, 20, 20, 20])
})
