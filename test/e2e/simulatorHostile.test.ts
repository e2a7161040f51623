import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { GameRecord } from '../../src/simulator/records.ts'
import { startServer } from '../../src/simulator/server.ts'
import { api, Client, TestPlayer } from './simulatorClient.ts'

const handshake = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

/** A socket that never closes its own half. */
async function rawSocket(port: number): Promise<Socket & Disposable> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.setNoDelay(true)
  // A server that is through with it may reset it.
  socket.on('error', () => {})
  await once(socket, 'connect')
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.destroy() })
}

async function readOnce(socket: Socket): Promise<string> {
  const [data] = (await once(socket, 'data')) as [Buffer]
  return data.toString('latin1')
}

test('a peer that is turned away and keeps its half open holds no socket', async () => {
  await using server = await startServer({ port: 0 })
  using socket = await rawSocket(server.port)
  socket.write(handshake('/nowhere'))
  expect(await readOnce(socket)).toMatch(/^HTTP\/1\.1 404 /)
  let error: NodeJS.ErrnoException | null = null
  socket.once('error', (cause) => {
    error = cause
  })
  // Where the other side still has its socket, this one can write for ever.
  while (error === null) {
    socket.write('x')
    await new Promise((done) => setImmediate(done))
  }
  expect(error).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) })
})

test('nobody gets in while the server closes', async () => {
  await using server = await startServer({ port: 0 })
  using late = await rawSocket(server.port)
  const [first, ...rest] = handshake(`${api}/login`).split(/(?<=\r\n)/)
  late.write(first ?? '')
  await using holding = await Client.open(server.url, '/login')
  // It does not answer the goodbye, so the server is still closing when the late one comes.
  holding.socket.pause()
  const closing = server.close()
  late.write(rest.join(''))
  expect(await readOnce(late)).toMatch(/^HTTP\/1\.1 503 /)
  holding.socket.terminate()
  await closing
  expect(server.stats().connections).toBe(0)
})

test('what a client asks after the server began to close changes nothing', async () => {
  const records: GameRecord[] = []
  await using server = await startServer({ port: 0, log: (record) => records.push(record) })
  await using ada = await TestPlayer.login(server.url, 'ada')
  // Paused, it has not seen the goodbye when it asks.
  ada.find.socket.pause()
  const closing = server.close()
  ada.find.send({ PAYLOAD: { USER_TOKEN: ada.token, PARTICIPANTS: 2 } })
  ada.find.socket.resume()
  await closing
  expect(records).toEqual([])
  expect(server.stats().games).toBe(0)
})

test('a message in a few parts is answered; one in too many closes with 1008 and a reason', async () => {
  await using server = await startServer({ port: 0 })
  await using client = await Client.open(server.url, '/login')
  for (const part of ['{"PAYL', 'OAD":{"USER":']) client.socket.send(part, { fin: false })
  client.socket.send('"ada"}}')
  expect(await client.next()).toEqual({ PAYLOAD: {}, STATUS: 'USER CREATED' })
  const closed = client.closed()
  for (let part = 0; part <= 256; part++) client.socket.send(' ', { fin: false })
  expect(await closed).toEqual({ code: 1008, reason: 'a message in over 256 parts' })
  expect(server.stats().connectionsRefused).toBe(1)
})

test('a frame that comes byte by byte is closed with 1008 before it fills the memory', async () => {
  await using server = await startServer({ port: 0 })
  using socket = await rawSocket(server.port)
  socket.write(handshake(`${api}/login`))
  await readOnce(socket)
  const told = once(socket, 'data')
  let isTold = false
  void told.then(() => {
    isTold = true
  })
  // A masked text frame of 60,000 bytes.
  socket.write(Buffer.from([0x81, 0xfe, 0xea, 0x60, 0, 0, 0, 0]))
  let sent = 0
  while (!isTold && sent < 60_000) {
    socket.write('x')
    sent++
    await new Promise((done) => setImmediate(done))
  }
  const [frame] = (await told) as [Buffer]
  expect(frame.readUInt16BE(2)).toBe(1008)
  expect(frame.toString('latin1', 4)).toBe('a message in over 256 parts')
  expect(sent).toBeLessThan(60_000)
})

test('a client is refused once, whatever it sends afterwards', async () => {
  await using server = await startServer({ port: 0, connectionsMax: 1 })
  await using _first = await Client.open(server.url, '/login')
  using socket = await rawSocket(server.port)
  const refused: number[] = []
  server.on('refused', ({ code }) => refused.push(code))
  const gone = new Promise((done) => socket.once('end', done).once('close', done))
  socket.resume()
  // Right after the handshake a frame that breaks the protocol.
  socket.write(Buffer.concat([Buffer.from(handshake(`${api}/login`)), Buffer.alloc(16, 0xff)]))
  await gone
  expect(refused).toEqual([1013])
  expect(server.stats().connectionsRefused).toBe(1)
})

test.runIf(process.platform === 'linux')(
  'the system looks after a peer that is silent',
  async () => {
    await using server = await startServer({ port: 0 })
    using socket = await rawSocket(server.port)
    socket.write(handshake(`${api}/game/lobby`))
    expect(await readOnce(socket)).toMatch(/^HTTP\/1\.1 101 /)
    // The answer is acknowledged a moment after it is read; until then another timer runs.
    const timer = () => timerOf(server.port, socket.localPort ?? 0)
    await expect.poll(timer, { timeout: 20_000 }).toBe('02')
  },
)

/** Established TCP connections of this machine, by their port on the server's side. */
function established(port: number): readonly string[][] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((row) => row[1]?.endsWith(`:${wanted}`) && row[3] === '01')
}

/** The kind of timer that runs on a connection; 02 is keep-alive. */
function timerOf(port: number, peerPort: number): string | undefined {
  const peer = peerPort.toString(16).toUpperCase().padStart(4, '0')
  return established(port)
    .find((row) => row[2]?.endsWith(`:${peer}`))?.[5]
    ?.slice(0, 2)
}
