import { fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { cliWorld } from '../e2e/cliRun.ts'
import { describeRedis } from './redisHere.ts'

/** Passes everything on, but keeps from a client what follows these words of it, until released. */
async function heldAt(words: string, port: number) {
  const sockets = new Set<Socket>()
  const held = new Set<Socket>()
  const reached = Promise.withResolvers<void>()
  const server = createServer((client) => {
    const broker = connect(port, '127.0.0.1')
    for (const [one, other] of [[client, broker] as const, [broker, client] as const]) {
      sockets.add(one)
      one.on('error', () => {}) // its end is told by close
      one.on('close', () => void other.destroy())
    }
    broker.on('data', (chunk: Buffer) => void client.write(chunk))
    client.on('data', (chunk: Buffer) => {
      if (chunk.includes(words)) {
        held.add(broker.pause())
        reached.resolve()
      }
      broker.write(chunk)
    })
  })
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  const { port: own } = server.address() as { port: number }
  return {
    url: `redis://127.0.0.1:${own}`,
    reached: reached.promise,
    release() {
      for (const broker of held) broker.resume()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => void server.close(done))
    },
  }
}

interface Said {
  readonly kind: string
  readonly event?: { readonly kind: string }
}

/** A worker process with a job, as `work` starts it. */
function startWorker(job: object) {
  const entry = resolve(import.meta.dirname, '../../src/cli/working/child.ts')
  const child = fork(entry, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] })
  const said: string[] = []
  child.on('message', ({ kind, event }: Said) => said.push(event?.kind ?? kind))
  // By then all that it has said is here.
  const ended = new Promise<number | null>((done) => child.on('close', done))
  child.send({ kind: 'job', name: 'w1', job })
  return { child, said, ended, [Symbol.dispose]: () => void child.kill('SIGKILL') }
}

describeRedis('a worker that is told to drain before it is ready', () => {
  test('drains what the server has subscribed already', async () => {
    await using redis = await startRedis()
    using world = cliWorld()
    await using broker = await heldAt('$9\r\nsubscribe\r\n$4\r\nnews', redis.port)
    const module = join(world.folder, 'handler.mjs')
    writeFileSync(module, 'export default () => {}')
    using worker = startWorker({
      ...{ url: broker.url, config: {}, channel: 'news', pattern: 'broadcast', group: null },
      ...{ concurrency: 1, control: false, run: { module }, tellOutput: false },
    })
    await broker.reached
    const receivers = () => askRedis(redis.url, 'PUBLISH', 'news', '1')
    await expect.poll(receivers, { timeout: 20_000 }).toBe(1)
    worker.child.send({ kind: 'drain' })
    broker.release()
    expect([await worker.ended, worker.said]).toEqual([
      0,
      expect.arrayContaining(['drained', 'done']),
    ])
  }, 30_000)
})
