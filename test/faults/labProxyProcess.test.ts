import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ProxyRule } from '../../src/lab/proxy/rule.ts'
import { dial, failure, type Pair, startPeer, startProxy, startScene } from './labProxyScene.ts'

test.for<[ProxyRule, RegExp]>([
  [{ kind: 'lostAck', p: 1.5, seed: 1 }, /p/],
  [{ kind: 'delay', ms: -1, jitterMs: 0, seed: 1 }, /ms/],
  [{ kind: 'rate', bytesPerSecond: 0 }, /bytesPerSecond/],
  [{ kind: 'slice', bytes: 0.5 }, /bytes/],
])('a rule that is none is refused, and changes nothing: %j', async ([rule, why]) => {
  const { proxy, link } = await startScene()
  await expect(proxy.set('w00', rule)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(why),
  })
  const { actor, broker } = await link()
  actor.send('on')
  await broker.hears('on')
})

test('a name has one port, and one without a port has no rules', async () => {
  const { proxy, peer } = await startScene()
  const again = proxy.open('w00', { host: '127.0.0.1', port: peer.port })
  await expect(again).rejects.toMatchObject({ code: 'CONFLICT' })
  await expect(proxy.set('w09', { kind: 'hold' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(proxy.heal('w09')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('it counts its own processor time', async () => {
  const { proxy, link } = await startScene()
  const before = await proxy.cpu()
  const { actor, broker } = await link()
  const long = 'x'.repeat(20_000_000)
  actor.send(long)
  await broker.hears(long)
  const after = await proxy.cpu()
  expect(after.user + after.system).toBeGreaterThan(before.user + before.system)
})

test('once disposed of, no connection and no port is left, and it answers with an error', async () => {
  const { proxy, link, port } = await startScene()
  const { actor, broker } = await link()
  const asked = Promise.allSettled([proxy.cpu()])
  await proxy[Symbol.asyncDispose]()
  await asked // answered, or told that there will be no answer
  await expect.poll(() => [actor.end, broker.end]).not.toContain('open')
  expect(await failure(port)).toBe('ECONNREFUSED')
  await expect(proxy.heal('w00')).rejects.toMatchObject({ code: 'INTERNAL' })
  await proxy[Symbol.asyncDispose]()
})

test('a proxy that is killed says how it ended', async () => {
  const proxy = await startProxy()
  process.kill(proxy.pid as number, 'SIGSTOP')
  const asked = proxy.cpu()
  process.kill(proxy.pid as number, 'SIGKILL')
  await expect(asked).rejects.toMatchObject({
    code: 'INTERNAL',
    message: 'lab: the proxy: it ended with SIGKILL',
  })
})

test('it ends with the process that started it, however that ended', async () => {
  const peer = await startPeer()
  const parent = fork(join(import.meta.dirname, 'labProxyParent.ts'), [String(peer.port)])
  onTestFinished(() => void parent.kill('SIGKILL'))
  const [{ pid, port }] = (await once(parent, 'message')) as [{ pid: number; port: number }]
  onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')))
  const actor = await dial(port)
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGKILL')
  await expect.poll(() => isAlive(pid), { timeout: 60_000 }).toBe(false)
  await expect.poll(() => actor.end).not.toBe('open')
  expect(await failure(port)).toBe('ECONNREFUSED')
})

test('it lets go of connections, however they ended', async () => {
  const { proxy, link } = await startScene()
  const open = () => readdirSync(`/proc/${proxy.pid}/fd`).length
  const before = open()
  const ends: Record<string, (pair: Pair) => Promise<void>> = {
    both: async ({ actor, broker }) => {
      actor.socket.end()
      broker.socket.end()
    },
    reset: async ({ actor }) => void actor.socket.resetAndDestroy(),
    lostAck: async ({ actor, broker }) => {
      await proxy.set('w00', { kind: 'lostAck', p: 1, seed: 1 })
      actor.send('publish')
      await broker.ends('ended')
      broker.socket.end('answer')
    },
    full: async ({ actor, broker }) => {
      await proxy.heal('w00')
      broker.socket.pause()
      actor.socket.write(Buffer.alloc(50_000_000))
      await once(broker.socket, 'readable')
      actor.socket.resetAndDestroy()
      broker.socket.destroy()
    },
  }
  for (const end of Object.values(ends)) await end(await link())
  await expect.poll(open, { timeout: 60_000 }).toBe(before)
})

const pushedBytes = 200_000_000

test.for(['hold', 'a reader that does not read'] as const)(
  'it keeps nothing: a sender of 200 MB is stopped by %s, and it all arrives',
  async (why) => {
    const { proxy, link } = await startScene()
    const { actor, broker } = await link()
    broker.socket.removeAllListeners('data')
    let heard = 0
    broker.socket.on('data', (text: string) => {
      heard += text.length
    })
    if (why === 'hold') await proxy.set('w00', { kind: 'hold' })
    else broker.socket.pause()
    const idleBytes = mostMemory(proxy.pid)
    const chunk = Buffer.alloc(1_000_000, 'x')
    let sent = 0
    const sending = new Promise<void>((resolve) => {
      const send = () => {
        while (sent < pushedBytes) {
          sent += chunk.length
          if (!actor.socket.write(chunk)) return
        }
        actor.socket.off('drain', send)
        resolve()
      }
      actor.socket.on('drain', send)
      send()
    })
    let before = -1
    await expect
      .poll(
        () => {
          const isStill = sent === before
          before = sent
          return isStill
        },
        { timeout: 60_000, interval: 300 },
      )
      .toBe(true)
    expect(sent).toBeLessThan(pushedBytes) // what the kernel takes between is its own
    expect(mostMemory(proxy.pid) - idleBytes).toBeLessThan(16_000_000)
    if (why === 'hold') expect(heard).toBe(0)
    await proxy.heal('w00')
    broker.socket.resume()
    await sending
    await expect.poll(() => heard, { timeout: 60_000 }).toBe(pushedBytes)
  },
)

/** The most it has had in memory so far. */
function mostMemory(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
